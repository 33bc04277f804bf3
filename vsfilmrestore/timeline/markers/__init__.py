"""Marker lists: tables and texts that stand beside a cut list."""
