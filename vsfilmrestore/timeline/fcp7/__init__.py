"""Final Cut Pro 7 XML, which Premiere, Resolve and others write too."""
