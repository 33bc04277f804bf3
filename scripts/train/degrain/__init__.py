"""A network that takes out what averaging along motion leaves of the grain."""
