"""Names of shots as names of files."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsfilmrestore.serve.mount_names import MOST_BYTES, safe_name, unique_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("fight-03", "fight-03"),
        ("A001C003_0312AB", "A001C003_0312AB"),
        ("scene 12 / take 3", "scene_12_take_3"),
        ("../../etc/passwd", "etc_passwd"),
        ("..", "untitled"),
        (".hidden", "hidden"),
        ("-rf *", "rf"),
        ("CON", "CON_"),
        ("aux.v2", "aux.v2_"),
        ("a%04d.####", "a_04d"),
        ("a\nb\0c\x1b[31m", "a_b_c_31m"),
        ("dot. ", "dot"),
        ("a...b", "a.b"),
        ("Straße Ⅳ 東京", "Straße_Ⅳ_東京"),
        ("", "untitled"),
        ("\udcff\udcfe", "untitled"),
        ("///", "untitled"),
        ("\u202egpj.exe", "gpj.exe"),
    ],
)
def test_a_name_is_safe_and_still_told_apart(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_two_spellings_of_a_letter_are_one() -> None:
    assert safe_name("Cafe\u0301") == safe_name("Caf\u00e9") == "Café"


def test_a_long_name_is_cut_between_letters() -> None:
    name = safe_name("京" * 300)
    assert name == "京" * (MOST_BYTES // 3)


@given(st.text(alphabet=st.characters(), max_size=200))
def test_whatever_is_written_the_name_is_one(text: str) -> None:
    name = safe_name(text)
    assert name
    assert name.isprintable()
    assert len(name.encode()) <= MOST_BYTES + 1
    assert not set(name) & set("/\\:*?\"<>|%# '\n\0")
    assert name[0] not in ".-"
    assert name[-1] != "."
    assert ".." not in name
    assert unicodedata.normalize("NFC", name) == name


def test_names_that_differ_in_capitals_only_get_numbers() -> None:
    taken = ["Film", "film_2"]
    assert unique_name("FILM", taken) == "FILM_3"
    assert unique_name("other", taken) == "other"
    assert len(unique_name("x" * MOST_BYTES, ["x" * MOST_BYTES]).encode()) <= MOST_BYTES
