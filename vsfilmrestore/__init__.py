"""vsfilmrestore."""
