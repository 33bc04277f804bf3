"""OpenTimelineIO and its bundles."""
