"""The report: what was found, decided, done and left, for programs (JSON, CSV) and for people (one page).

::

    reports/report.html         the page: nothing outside it, under 5 MB whatever the film
    reports/report.json         all of it in plain data
    reports/shots.csv           a row for each step of each shot: the treatment report
    reports/frames.csv          a row for each frame of the output
    reports/before_after.png    a sheet of frames
"""

from __future__ import annotations

from vsfilmrestore.render.report.told import Told
from vsfilmrestore.render.report.write import Report, write_report

__all__ = ["Report", "Told", "write_report"]
