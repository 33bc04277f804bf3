"""Training of the network that makes frames between frames."""
