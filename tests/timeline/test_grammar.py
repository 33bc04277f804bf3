"""``VSFR …``: what parses, and how precisely the rest is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vsfilmrestore.errors import SettingError
from vsfilmrestore.timeline.grammar import ParsedSettings, find_settings, has_settings_form, is_key, parse_settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "VSFR heavy dust=0.8 grain=keep scratch=off",
            ParsedSettings("heavy", values={"dust": "0.8", "grain": "keep", "scratch": "off"}),
        ),
        ("vsfr: HEAVY DUST=0.8", ParsedSettings("heavy", values={"dust": "0.8"})),
        ("off", ParsedSettings(off=True)),
        ("Same dust=.5", ParsedSettings(same=True, values={"dust": ".5"})),
        ("dust.max_size=40", ParsedSettings(values={"dust.max_size": "40"})),
        ("dust = 0.8  stab= on", ParsedSettings(values={"dust": "0.8", "stab": "on"})),
        ("wires.only=900, 0, 1100,1080 + 1,2,3,4", ParsedSettings(values={"wires.only": "900,0,1100,1080+1,2,3,4"})),
        ("stab=-0.5", ParsedSettings(values={"stab": "-0.5"})),
        ("VSFR Key dust=0.2", ParsedSettings(key=True, values={"dust": "0.2"})),
        ("key=1", ParsedSettings(values={"key": "1"})),
        ("dust.only = 25%, 0% ,75%, .5%", ParsedSettings(values={"dust.only": "25%,0%,75%,.5%"})),
    ],
)
def test_parses(text: str, expected: ParsedSettings) -> None:
    assert parse_settings(text) == expected
    assert parse_settings(expected.text) == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "alone"),
        ("VSFR", "alone"),
        ("heavy light", "'light'"),
        ("dust=0.8 heavy", "'heavy'"),
        ("off dust=1", "'dust=1'"),
        ("VSFR key", "'key' needs a value"),
        ("key remaster dust=1", "'remaster'"),
        ("=3", "'=3'"),
        ("9lives=3", "'9lives=3'"),
        ("a==b", "'a==b'"),
        ("dust=", "'dust='"),
        ("dust=0.8 DUST=1", "'dust'"),
        ("a=1;b=2", "';'"),
        ("heavy |C:x", r"'\|'"),
        ('a="x"', "'\"'"),
        ("a.b.c=1", "'a.b.c=1'"),
        ("be careful, please", "'careful,'"),
    ],
)
def test_refuses_naming_the_word(text: str, word: str) -> None:
    with pytest.raises(SettingError, match=word):
        parse_settings(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("VSFR heavy", "heavy"),
        ("vsfr:heavy", "heavy"),
        ("hair in gate, VSFR dust=1\nask Anna", "dust=1"),
        ("VSFR heavy\nVSFR dust=1", "heavy dust=1"),
        ("VSFR", ""),
        ("nothing", None),
        ("/jobs/vsfr/reel1", None),
        ("VSFR_old heavy", None),
        ("AVSFR heavy", None),
    ],
)
def test_finds_the_word(text: str, found: str | None) -> None:
    assert find_settings(text) == found


@pytest.mark.parametrize(
    ("text", "key"),
    [("key dust=1", True), (" KEY dust=1", True), ("VSFR: key dust=1", True), ("key=1", False), ("keyed a=1", False)],
)
def test_tells_keys(text: str, key: bool) -> None:
    assert is_key(text) is key
    assert parse_settings(text).key is key


def test_settings_form() -> None:
    assert has_settings_form("dust = 0.8 grain=keep")
    assert not has_settings_form("check this")
    assert not has_settings_form("")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_never_anything_but_a_setting_error(text: str) -> None:
    try:
        parsed = parse_settings(text)
    except SettingError:
        return
    assert parse_settings(parsed.text) == parsed


KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z][a-z0-9_]{0,5})?", fullmatch=True)
VALUES = st.from_regex(r"[a-z0-9.][a-z0-9.,+-]{0,8}[a-z0-9]", fullmatch=True)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=6), st.sampled_from(["", "heavy", "same", "key"]))
def test_round_trip(values: dict[str, str], head: str) -> None:
    text = " ".join([head, *(f"{key}={value}" for key, value in values.items())]).strip()
    if text and text != "key":
        assert parse_settings(text.upper()) == parse_settings(text)
        assert parse_settings(text).values == values
