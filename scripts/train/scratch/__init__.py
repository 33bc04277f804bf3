"""The network that tells scratches from the scene: what it learns from, how it learns, how it is shipped."""
