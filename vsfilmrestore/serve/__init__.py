"""Frames on demand: the frame server for editing programs, and what is built on it."""
