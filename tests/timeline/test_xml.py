"""XML from strangers."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._xml import read_xml


def read(tmp_path, text: str):
    path = tmp_path / "cut.xml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_xml(path, Remarks())


def test_elements_keep_their_lines_and_texts(tmp_path):
    head = '\n<?xml version="1.0" encoding="UTF-16"?>\n<!DOCTYPE xmeml>\n'
    root = read(tmp_path, head + '<xmeml version="4">\n<a> é &amp; </a><b/></xmeml>')
    assert (root.tag, root.get("version"), root.line) == ("xmeml", "4", 4)
    assert root.value("a") == "é &"
    assert root.first("a").line == 5
    assert [node.tag for node in root.walk()] == ["xmeml", "a", "b"]


def test_entities_are_refused_with_their_line(tmp_path):
    bomb = '<?xml version="1.0"?>\n<!DOCTYPE a [\n<!ENTITY b "bbbbbbbb">\n<!ENTITY c "&b;&b;">]>\n<a>&c;</a>'
    with pytest.raises(TimelineError, match="entities") as caught:
        read(tmp_path, bomb)
    assert caught.value.line == 3


def test_outside_files_are_never_opened(tmp_path):
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(TimelineError, match="entities"):
        read(tmp_path, f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]><a>&x;</a>')


def test_broken_xml_names_the_line(tmp_path):
    with pytest.raises(TimelineError, match="not readable as XML") as caught:
        read(tmp_path, "\n\n<a>\n<b></a>")
    assert caught.value.line == 4


def test_deep_nests_are_refused(tmp_path):
    with pytest.raises(TimelineError, match="nested too deeply"):
        read(tmp_path, "<a>" * 5000)


def test_a_long_text_is_read_in_time(tmp_path: Path) -> None:
    path = tmp_path / "long.xml"
    path.write_text("<a>" + ("x" * 79 + "\n") * 200_000 + "</a>")
    start = process_time()
    assert len(read_xml(path, Remarks()).text) == 200_000 * 80 - 1
    assert process_time() - start < 1


def test_text_after_a_child_is_not_the_elements_own(tmp_path: Path) -> None:
    path = tmp_path / "mixed.xml"
    path.write_text("<a> one &amp; two <b> three </b> four <b/> five </a>")
    root = read_xml(path, Remarks())
    assert [root.text, root.children[0].text, root.children[1].text] == ["one & two", "three", ""]


def test_too_many_elements_are_refused_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vsfilmrestore.timeline._xml._MOST_NODES", 100)
    path = tmp_path / "many.xml"
    path.write_text("<a>" + "<b/>" * 200 + "</a>")
    with pytest.raises(TimelineError, match="too large for a cut list"):
        read_xml(path, Remarks())
