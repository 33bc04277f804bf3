"""Recipes: steps, order, presets, TOML and marker words."""

from __future__ import annotations

from pathlib import Path

import pytest
import vapoursynth as vs

from vsfilmrestore.errors import InputError, SettingError
from vsfilmrestore.filters import FILTERS
from vsfilmrestore.recipes import Recipe
from vsfilmrestore.recipes.presets import load_preset, names
from vsfilmrestore.recipes.toml import line_of, read_recipe
from vsfilmrestore.recipes.words import changes_from_words, parse_regions


def read(path: Path, text: str) -> Recipe:
    path.write_text(text, encoding="utf-8")
    return read_recipe(Recipe, path, lambda parent: load_preset(Recipe, parent))


@pytest.mark.parametrize("name", ["archive", "remaster", "kungfu", "cel", "tape", "concert", "amateur"])
def test_every_preset_loads_and_runs_on_a_clip(name: str) -> None:
    assert name in names()
    recipe = Recipe.preset(name)
    assert recipe.name == name
    assert recipe.summary
    clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=160, height=120, length=6).std.SetFieldBased(2)
    out = recipe.apply(clip)
    assert (out.width, out.height, out.format.id) == (160, 120, vs.YUV420P8)
    assert out.get_frame(2).width == 160


def test_steps_of_every_preset_stand_in_the_default_order() -> None:
    for name in names():
        orders = [step.filter.order for step in Recipe.preset(name)]
        assert orders == sorted(orders)


def test_archive_leaves_grain_alone() -> None:
    assert {"denoise", "regrain", "interpolate"}.isdisjoint(step.name for step in Recipe.preset("archive"))


def test_a_number_sets_the_strength_and_false_takes_the_step_out() -> None:
    recipe = Recipe.preset("archive").with_(deflicker=0.25, dust=False)
    assert recipe.as_dict()["deflicker"]["strength"] == 0.25
    assert "remove_dirt" not in recipe.as_dict()


def test_a_new_step_takes_its_default_place() -> None:
    recipe = Recipe.preset("archive").with_(denoise=0.5)
    assert [step.name for step in recipe][-1] == "denoise"
    assert next(iter(recipe.with_(deint=True))).name == "deinterlace"


def test_recipes_do_not_change() -> None:
    recipe = Recipe.preset("archive")
    recipe.with_(deflicker=0.1)
    assert recipe == Recipe.preset("archive")


def test_the_first_setting_of_interpolate_is_its_rate() -> None:
    assert Recipe().with_(interpolate=48).as_dict()["interpolate"]["fps"] == 48


def test_reach_is_the_sum_of_the_steps() -> None:
    recipe = Recipe().with_(dust=0.5, flicker=0.5)
    assert recipe.reach == sum(step.reach for step in recipe) > 1


def test_equal_recipes_have_equal_keys_whoever_wrote_the_default() -> None:
    strength = FILTERS["remove_dirt"].settings["strength"].default
    assert Recipe().with_(dust=True).key() == Recipe().with_(dust=strength).key()
    assert Recipe().with_(dust=0.11).key() != Recipe().with_(dust=0.12).key()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"remove_dust": 1}, "there is no step 'remove_dust'; did you mean 'remove_dirt'?"),
        ({"dust": {"stength": 1}}, "remove_dirt: has no setting 'stength'; did you mean 'strength'?"),
        ({"dust": 1.5}, "remove_dirt: strength must be 0..1, not 1.5"),
        ({"dust": "much"}, "remove_dirt: strength must be a number, not 'much'"),
        ({"dust": {"protect": [(9, 9, 3, 3)]}}, "protect must hold rectangles"),
    ],
)
def test_wrong_settings_are_named_with_the_nearest_right_one(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        Recipe().with_steps(changes)
    assert message in str(caught.value)


def test_toml_extends_a_preset(tmp_path: Path) -> None:
    recipe = read(
        tmp_path / "mine.toml",
        'extends = "archive"\nsummary = "mine"\n[steps]\ndeflicker = 0.9\nremove_scratches = false\n'
        "[steps.remove_dirt]\nmax_size = 60\n",
    )
    assert recipe.name == "mine"
    assert recipe.as_dict()["deflicker"]["strength"] == 0.9
    assert recipe.as_dict()["remove_dirt"]["max_size"] == 60
    assert recipe.as_dict()["remove_dirt"]["strength"] == Recipe.preset("archive").as_dict()["remove_dirt"]["strength"]
    assert "remove_scratches" not in recipe.as_dict()


def test_toml_extends_a_file_beside_it(tmp_path: Path) -> None:
    read(tmp_path / "house.toml", 'extends = "archive"\n[steps]\ndenoise = 0.3\n')
    assert read(tmp_path / "film.toml", 'extends = "house"\n').as_dict()["denoise"]["strength"] == 0.3


def test_toml_order_moves_only_what_it_names(tmp_path: Path) -> None:
    recipe = read(tmp_path / "r.toml", 'extends = "archive"\norder = ["remove_dirt", "stabilize"]\n')
    assert [step.name for step in recipe] == [
        "repair_frames",
        "remove_dirt",
        "deflicker",
        "stabilize",
        "remove_scratches",
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[steps]\nstabilize = 1\nremove_dust = 1\n", 3, "did you mean 'remove_dirt'?"),
        ("[steps.remove_dirt]\nstrength = 0.5\nmaxsize = 3\n", 3, "did you mean 'max_size'?"),
        ("[steps]\ndust = { strength = 2 }\n", 2, "must be 0..1"),
        ('sumary = "x"\n', 1, "did you mean 'summary'?"),
        ('extends = "archiv"\n', 1, "did you mean 'archive'?"),
        ('\nextends = "archive"\norder = ["denoise"]\n', 3, "no step of the recipe"),
    ],
)
def test_toml_errors_name_file_and_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        read(tmp_path / "mine.toml", text)
    assert str(caught.value).startswith(f"mine.toml:{line}: ")
    assert message in str(caught.value)


def test_toml_that_extends_itself_ends(tmp_path: Path) -> None:
    read(tmp_path / "a.toml", "[steps]\n")
    (tmp_path / "b.toml").write_text('extends = "a"\n')
    with pytest.raises(SettingError, match="circle"):
        read(tmp_path / "a.toml", 'extends = "b"\n')


@pytest.mark.parametrize(
    ("content", "message"), [(b"[steps\n", "mine.toml:1"), (b"\xff\xfe\xfa", "UTF-8"), (b"a = 1\na = 2\n", "mine.toml")]
)
def test_broken_toml_is_one_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_recipe(Recipe, path, lambda parent: load_preset(Recipe, parent))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_line_of_finds_inline_and_dotted_keys() -> None:
    text = 'a = 1 # b = 2\n[x."y z"]\nb = { c = 1, d = 2 }\n'
    assert line_of(text, "a") == 1
    assert line_of(text, "b", "d") == 3
    assert line_of(text, "x", "y z") == 2
    assert line_of(text, "nothing") is None


def test_marker_words() -> None:
    changes = changes_from_words({"dust": "0.8", "dust.max_size": "60", "grain": "keep", "STAB": "on"})
    assert changes == {"remove_dirt": {"strength": 0.8, "max_size": 60}, "denoise": False, "stabilize": True}


def test_marker_regions() -> None:
    assert parse_regions("900,0,1100,1080") == [(900.0, 0.0, 1100.0, 1080.0)]
    assert parse_regions("0,0,9,9+1,1,5,1,3,4")[1] == ((1.0, 1.0), (5.0, 1.0), (3.0, 4.0))
    changes = changes_from_words({"dust.only": "10,10,90,90"})
    assert changes == {"remove_dirt": {"only": ((10.0, 10.0, 90.0, 90.0),)}}
    changes = changes_from_words({"dust.only": "25%,0%,75.50%,100%+0%,0%,50%,100%,100%,0%"})
    shares = ("25%", "0%", "75.5%", "100%"), (("0%", "0%"), ("50%", "100%"), ("100%", "0%"))
    assert changes == {"remove_dirt": {"only": shares}}


def test_a_path_in_a_marker_has_no_blanks() -> None:
    changes = changes_from_words({"wires.path": "900,0+980,400"})
    assert changes == {"remove_wires": {"path": "900,0 980,400"}}


def test_a_decimal_comma_is_told() -> None:
    with pytest.raises(SettingError, match=r"remove_dirt: strength must be a number with a point, 0\.8, not '0,8'"):
        changes_from_words({"dust": "0,8"})


@pytest.mark.parametrize(
    "words",
    [
        {"dust.only": "1,2,3"},
        {"dust.only": "a,b,c,d"},
        {"dust.only": "10%,0,20%,5"},
        {"dust.only": "50%,0%,20%,5%"},
        {"dust.only": "1,2,3,4,5"},
        {"dirt": "1"},
        {"dust.size": "1"},
    ],
)
def test_wrong_marker_words(words: dict[str, str]) -> None:
    with pytest.raises(SettingError):
        changes_from_words(words)
