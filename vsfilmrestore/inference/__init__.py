"""How a network runs on a clip: runtimes, windows, tiles, colour. Which network it is, `vsfilmrestore.models` says."""
