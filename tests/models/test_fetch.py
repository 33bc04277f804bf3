"""Fetching: progress, resuming, bounds, several sources, and servers that lie."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.models.conftest import Server
from vsfilmrestore.errors import InstallationError, OutputError
from vsfilmrestore.models.card import WeightFile
from vsfilmrestore.models.fetch import fetch

CONTENT = bytes(range(256)) * 4000


def weight(*sources: str, content: bytes = CONTENT) -> WeightFile:
    return WeightFile("toy.onnx", len(content), hashlib.sha256(content).hexdigest(), sources)


def part(folder: Path) -> Path:
    return folder / f"toy.onnx.{weight().sha256[:12]}.part"


def test_a_file_comes_with_progress(tmp_path: Path, server: Server) -> None:
    server.content = CONTENT
    told: list[tuple[int, int]] = []
    path = fetch(weight(server.url), tmp_path / "a", progress=lambda *each: told.append(each), allow_http=True)
    assert path.read_bytes() == CONTENT
    assert told == sorted(told)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert list((tmp_path / "a").iterdir()) == [path]


def test_a_cut_off_file_is_gone_on_from(tmp_path: Path, server: Server) -> None:
    server.content, server.manner = CONTENT, "cut"
    with pytest.raises(InstallationError, match="goes on from where it stopped"):
        fetch(weight(server.url), tmp_path, allow_http=True)
    half = len(CONTENT) // 2
    assert part(tmp_path).stat().st_size == half
    assert not (tmp_path / "toy.onnx").exists()
    server.manner = ""
    assert fetch(weight(server.url), tmp_path, allow_http=True).read_bytes() == CONTENT
    assert server.asked == ["", f"bytes={half}-"]


def test_a_server_without_ranges_starts_again(tmp_path: Path, server: Server) -> None:
    server.content, server.manner = CONTENT, "no ranges"
    part(tmp_path).write_bytes(CONTENT[:1000])
    assert fetch(weight(server.url), tmp_path, allow_http=True).read_bytes() == CONTENT


def test_a_wrong_beginning_is_thrown_away_once(tmp_path: Path, server: Server) -> None:
    server.content = CONTENT
    part(tmp_path).write_bytes(b"something else")
    assert fetch(weight(server.url), tmp_path, allow_http=True).read_bytes() == CONTENT
    assert server.asked == ["bytes=14-", ""]


def test_what_is_whole_already_is_not_asked_for(tmp_path: Path, server: Server) -> None:
    part(tmp_path).write_bytes(CONTENT)
    assert fetch(weight(server.url), tmp_path, allow_http=True).read_bytes() == CONTENT
    assert server.asked == []


def test_a_wrong_file_never_gets_its_name(tmp_path: Path, server: Server) -> None:
    server.content = CONTENT[::-1]
    with pytest.raises(InstallationError, match="wrong checksum"):
        fetch(weight(server.url), tmp_path, allow_http=True)
    assert not (tmp_path / "toy.onnx").exists()
    assert part(tmp_path).stat().st_size == 0


@pytest.mark.parametrize("manner", ["endless", ""])
def test_more_than_the_card_says_is_not_taken(tmp_path: Path, server: Server, manner: str) -> None:
    server.content, server.manner = CONTENT + b"more", manner
    with pytest.raises(InstallationError, match=r"longer than the|instead of"):
        fetch(weight(server.url), tmp_path, allow_http=True)
    assert part(tmp_path).stat().st_size <= len(CONTENT)


def test_sources_are_tried_in_turn(tmp_path: Path, server: Server) -> None:
    server.content = CONTENT
    dead = "http://127.0.0.1:1/toy.onnx"
    assert fetch(weight(dead, server.url), tmp_path, allow_http=True).read_bytes() == CONTENT
    server.manner = "404"
    with pytest.raises(InstallationError) as caught:
        fetch(weight(dead, server.url, content=b"other"), tmp_path, allow_http=True)
    assert len(caught.value.details) == 2
    assert "refused" in caught.value.details[0]
    assert "404" in caught.value.details[1]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://example.org/x", "data:,x"])
def test_redirects_lead_to_https_only(tmp_path: Path, server: Server, target: str) -> None:
    server.manner = f"to:{target}"
    with pytest.raises(InstallationError, match="away from https"):
        fetch(weight(server.url), tmp_path, allow_http=True)


def test_redirects_do_not_go_round_for_ever(tmp_path: Path, server: Server) -> None:
    server.manner = f"to:{server.url}"
    with pytest.raises(InstallationError):
        fetch(weight(server.url), tmp_path, allow_http=True)
    assert len(server.asked) < 12


def test_plain_http_is_not_fetched(tmp_path: Path, server: Server) -> None:
    server.content = CONTENT
    with pytest.raises(InstallationError, match="only https"):
        fetch(weight(server.url), tmp_path)
    with pytest.raises(InstallationError, match="only https"):
        fetch(weight("http://localhost/x"), tmp_path, allow_http=True)
    assert server.asked == []


def test_without_a_source_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match=r"knows no source. Bring it yourself"):
        fetch(weight(), tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path, server: Server) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        fetch(weight(server.url), tmp_path / "a", allow_http=True)


def test_two_at_once_do_not_mix(tmp_path: Path, server: Server) -> None:
    fcntl = pytest.importorskip("fcntl")
    with part(tmp_path).open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InstallationError, match="another process"):
            fetch(weight(server.url), tmp_path, allow_http=True)
