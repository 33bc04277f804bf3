"""The parts of the benchmark of measures: how clips are spoilt, what is measured of them, and how both agree."""

from __future__ import annotations

import sys
from pathlib import Path

# The simulator is not a package that is installed: its folder is put on the path, as for the scripts beside it.
_TRAINING = str(Path(__file__).resolve().parents[2] / "train")
if _TRAINING not in sys.path:
    sys.path.append(_TRAINING)
