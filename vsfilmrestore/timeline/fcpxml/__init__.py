"""FCPXML of Final Cut Pro."""
