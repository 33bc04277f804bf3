"""OTIO bundles: timelines together with their media, as folders and as zip files."""

from __future__ import annotations

import json
import random
import stat
import time
import zipfile
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from vsfilmrestore import timeline
from vsfilmrestore.errors import OutputError, TimelineError, VsfrError
from vsfilmrestore.timeline import bundle_media_places, extract_media, is_cut_list

from .otio_makers import clip, media, tr, track
from .otio_makers import timeline as otio_timeline

FILM = b"moving pictures" * 1000


def content(url: str = "media/a.mov") -> str:
    return json.dumps(otio_timeline(track(clip("a", 10, 5, ref=media("a", tr(0, 100), target_url=url)))))


def zipped(path: Path, **members: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return zipped(tmp_path / "cut.otioz", **{"version.txt": "1.0.0", "content.otio": content(), "media/a.mov": FILM})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "cut.otiod"
    (path / "media").mkdir(parents=True)
    (path / "content.otio").write_text(content())
    (path / "media" / "a.mov").write_bytes(FILM)
    return path


def test_a_zip(bundle: Path) -> None:
    reel = timeline.read(bundle)
    (shot,) = reel.shots
    assert shot.source is not None
    assert (shot.id, shot.source.url, reel.file) == ("a@10", "media/a.mov", str(bundle))
    assert any("1 media files" in remark and "--media" in remark for remark in reel.remarks)
    assert is_cut_list(bundle)


def test_a_folder(folder: Path) -> None:
    reel = timeline.read(folder)
    assert (reel.shots[0].id, reel.file, reel.remarks) == ("a@10", str(folder), ())
    assert bundle_media_places(folder) == [folder / "media"]
    assert is_cut_list(folder)


@pytest.mark.parametrize("suffix", ["otioz", "otiod"])
def test_bundles_of_the_library(tmp_path: Path, suffix: str) -> None:
    movie = tmp_path / "a.mov"
    movie.write_bytes(FILM)
    made = otio.core.deserialize_json_from_string(content(movie.as_uri()))
    path = tmp_path / f"made.{suffix}"
    otio.adapters.write_to_file(made, str(path))
    source = timeline.read(path).shots[0].source
    assert source is not None
    assert source.url == "media/a.mov"


def test_an_unpacked_zip_is_a_place_to_search(bundle: Path) -> None:
    assert bundle_media_places(bundle) == []
    unpacked = bundle.with_suffix("")
    assert extract_media(bundle, unpacked) == [unpacked / "media" / "a.mov"]
    assert (unpacked / "media" / "a.mov").read_bytes() == FILM
    assert bundle_media_places(bundle) == [unpacked / "media"]
    assert timeline.read(bundle).remarks == ()


def test_unpacking_again_keeps_what_is_there(bundle: Path, tmp_path: Path) -> None:
    (first,) = extract_media(bundle, tmp_path / "out")
    before = first.stat().st_mtime_ns
    assert extract_media(bundle, tmp_path / "out") == [first]
    assert first.stat().st_mtime_ns == before
    first.write_bytes(b"something else")
    with pytest.raises(OutputError, match="another file stands where"):
        extract_media(bundle, tmp_path / "out")


def test_unpacking_follows_no_links(bundle: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "media").symlink_to(elsewhere)
    with pytest.raises(OutputError, match="link leads out"):
        extract_media(bundle, tmp_path / "out")
    assert list(elsewhere.iterdir()) == []
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "media").symlink_to(elsewhere)
    assert bundle_media_places(bundle) == []


def test_no_places_for_other_files(tmp_path: Path) -> None:
    assert bundle_media_places(tmp_path / "cut.edl") == []


def test_a_timeline_in_an_inner_folder(tmp_path: Path) -> None:
    """What the Finder makes of a folder."""
    members = {"cut.otiod/content.otio": content(), "__MACOSX/content.otio": b"\0\5\26\7"}
    reel = timeline.read(zipped(tmp_path / "x.otioz", **members))
    assert len(reel) == 5
    assert any("cut.otiod/content.otio" in remark for remark in reel.remarks)


@pytest.mark.parametrize(
    "name", ["../evil.mov", "media/../../evil.mov", "/etc/evil.mov", "C:/evil.mov", "media\\..\\evil.mov"]
)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "x.otioz", **{"content.otio": content(), name: b"x"})
    with pytest.raises(TimelineError, match="leads out of it"):
        timeline.read(path)
    with pytest.raises(TimelineError, match="leads out of it"):
        extract_media(path, tmp_path / "out")


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.otioz"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("media/a.mov")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr("content.otio", content())
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(TimelineError, match="leads out of it"):
        timeline.read(path)


def test_a_zip_bomb_is_refused_quickly(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.otioz", **{"content.otio": b" " * (40 << 20)})
    start = time.perf_counter()
    with pytest.raises(TimelineError, match="40 MiB, which no timeline is"):
        timeline.read(path)
    assert time.perf_counter() - start < 1


def test_a_size_that_is_a_lie(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.otioz", **{"content.otio": content() + " " * 5000})
    data = path.read_bytes()
    size = len(content()) + 5000
    path.write_bytes(data.replace(size.to_bytes(4, "little"), (size - 4000).to_bytes(4, "little")))
    with pytest.raises(TimelineError, match="damaged"):
        timeline.read(path)


@pytest.mark.parametrize(
    ("members", "message"),
    [({"media/a.mov": b"x"}, "holds no content.otio"), ({"content.otio": "{"}, "not readable as JSON")],
)
def test_zips_without_a_timeline(tmp_path: Path, members: dict[str, Any], message: str) -> None:
    with pytest.raises(TimelineError, match=message):
        timeline.read(zipped(tmp_path / "x.otioz", **members))


def test_what_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "x.otioz").write_text(content())
    with pytest.raises(TimelineError, match=r"x\.otioz: this is not a zip file"):
        timeline.read(tmp_path / "x.otioz")
    (tmp_path / "y.otioz").mkdir()
    with pytest.raises(TimelineError, match="a folder, not a zip file"):
        timeline.read(tmp_path / "y.otioz")
    (tmp_path / "z.otiod").write_text(content())
    with pytest.raises(TimelineError, match="bundle is a folder, and this is none"):
        timeline.read(tmp_path / "z.otiod")
    (tmp_path / "e.otiod").mkdir()
    with pytest.raises(TimelineError, match=r"holds no content\.otio"):
        timeline.read(tmp_path / "e.otiod")
    with pytest.raises(TimelineError, match="no such file"):
        timeline.read(tmp_path / "none.otioz")


def test_mutated_zips(bundle: Path, tmp_path: Path) -> None:
    data, path, rng = bundle.read_bytes(), tmp_path / "m.otioz", random.Random(5)
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(rng.choice([1, 3, 10])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        path.write_bytes(changed[: rng.choice([len(changed), rng.randrange(len(changed))])])
        for attempt in (timeline.read, lambda file: extract_media(file, tmp_path / "out" / str(rng.random()))):
            try:
                attempt(path)
            except VsfrError as error:
                assert str(path) in str(error) or "out" in str(error)  # noqa: PT017
