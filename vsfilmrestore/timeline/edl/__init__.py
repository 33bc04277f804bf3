"""EDLs: CMX 3600 and what editing systems have made of it."""
