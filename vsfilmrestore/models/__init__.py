"""Which network: model cards, and the files they speak of. Nothing here knows of VapourSynth."""
