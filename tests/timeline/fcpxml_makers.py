"""FCPXML written by hand in tests."""

from __future__ import annotations

from vsfilmrestore.timeline import Reel, Shot

FORMATS = """<format id="f24" frameDuration="100/2400s"/><format id="f2398" frameDuration="1001/24000s"/>
<format id="f25" name="FFVideoFormat1080p25"/><format id="f2997" frameDuration="1001/30000s"/>
<format id="f30" frameDuration="1/30s"/><format id="f60" frameDuration="1/60s"/>
<format id="none" name="FFVideoFormatRateUndefined"/>
<effect id="title" name="Basic Title" uid="t"/>""".replace("\n", "")


def asset(key: str, start: str = "0s", duration: str = "100s", form: str = "f24", extra: str = "") -> str:
    """A medium ``<key>.mov`` with pictures."""
    return (
        f'<asset id="{key}" name="{key}" start="{start}" duration="{duration}" hasVideo="1" format="{form}">'
        f'<media-rep kind="proxy-media" src="file:///p/{key}.mov"/>'
        f'<media-rep kind="original-media" src="file:///Volumes/My%20Film/{key}.mov"/>{extra}</asset>'
    )


ASSETS = asset("A") + asset("B") + asset("C")


def project(spine: str, resources: str = "", *, form: str = "f24", start: str = "0s", more: str = "") -> str:
    """A library of one project, whose storyline is given."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<fcpxml version="1.10">\n'
        f"<resources>{FORMATS}{ASSETS}{resources}</resources>\n<library><event>"
        f'<project name="Cut"><sequence format="{form}" tcStart="{start}" tcFormat="NDF" {more}><spine>\n'
        f"{spine}\n</spine></sequence></project></event></library></fcpxml>"
    )


def told(reel: Reel) -> list[tuple[int, int, str, int | None]]:
    """Start, stop, source and first source frame of each shot."""
    return [(s.record.start, s.record.stop, _name(s), s.source.start if s.source else None) for s in reel.shots]


def _name(shot: Shot) -> str:
    return shot.source.label if shot.source else "-"
