"""AAF of Avid and of all who export for it."""
