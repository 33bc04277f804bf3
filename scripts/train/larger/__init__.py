"""The network that enlarges pictures, and takes softness out: what it learns from, how it learns, how it is shipped."""
