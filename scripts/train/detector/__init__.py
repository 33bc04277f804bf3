"""The temporal detector of dirt: what it learns from, the network, its training and its export."""
