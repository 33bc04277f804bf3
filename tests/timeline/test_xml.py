"""XML from strangers."""

from __future__ import annotations

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
