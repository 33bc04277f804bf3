"""The folders of a mount."""

from __future__ import annotations

from pathlib import Path

import vapoursynth as vs

from vsfilmrestore.media.out.profiles import PROFILES
from vsfilmrestore.serve.mount_sound import SoundFile
from vsfilmrestore.serve.mount_tree import Directory, Still, Stills, Tree
from vsfilmrestore.serve.reel import ServedShot

DPX = PROFILES["dpx10"]


def shots(*names: str, frames: int = 10) -> list[ServedShot]:
    return [
        ServedShot(n, f"id{n}", name, Path("a.mov"), n * frames, frames, 0, "01:00:00:00")
        for n, name in enumerate(names)
    ]


def test_a_folder_for_the_reel_and_one_for_each_shot() -> None:
    tree = Tree.of("small reel", shots("opening", "fight/03"), DPX, 86400)
    assert list(tree.root.entries) == ["small_reel", "shots"]
    inside = tree.find("/shots")
    assert isinstance(inside, Directory)
    assert list(inside.entries) == ["001_opening", "002_fight_03"]
    folder = tree.find("/shots/002_fight_03")
    assert isinstance(folder, Stills)
    names = list(folder.names())
    assert (names[0], names[-1], len(names)) == (
        "002_fight_03.0086410.dpx",
        "002_fight_03.0086419.dpx",
        len(folder),
    )
    assert tree.files == 40


def test_a_file_is_the_frame_its_number_says() -> None:
    tree = Tree.of("reel", shots("a", "b"), DPX, 100)
    still = tree.find("/reel/reel.0000115.dpx")
    assert isinstance(still, Still)
    assert (still.frame, still.name) == (15, "reel.0000115.dpx")
    same = tree.find("/shots/002_b/002_b.0000115.dpx")
    assert isinstance(same, Still)
    assert same.frame == 15


def test_what_is_not_there_is_not_found() -> None:
    tree = Tree.of("reel", shots("a"), DPX, 100)
    for path in (
        "/other",
        "/reel/reel.0000099.dpx",
        "/reel/reel.0000110.dpx",
        "/reel/reel.105.dpx",
        "/reel/reel.00000105.dpx",
        "/reel/reel.000010\u0665.dpx",
        "/reel/reel.0000105.exr",
        "/reel/.0000105.dpx",
        "/reel/reel.0000105.dpx/x",
        "/reel/reel.-000105.dpx",
    ):
        assert tree.find(path) is None, path


def test_hostile_and_equal_names_are_all_there() -> None:
    names = ["a", "a", "A", "../a", "", "CON", "x" * 400, "a\n", "\u202ea"]
    tree = Tree.of("shots", shots(*names), DPX, 0)
    inside = tree.find("/shots")
    assert isinstance(inside, Directory)
    assert len({name.casefold() for name in inside.entries}) == len(names)
    assert all(len(f"{name}.0000000.dpx".encode()) < 255 for name in inside.entries)
    assert isinstance(tree.find("/shots_2"), Stills)  # a reel named as the folder of shots


def test_sound_lies_beside_its_pictures() -> None:
    sound = SoundFile.of(vs.core.std.BlankAudio(length=100))
    tree = Tree.of("reel", shots("a", "b"), DPX, 0, sound, [sound, None])
    assert tree.find("/reel.wav") is sound
    assert tree.find("/shots/001_a.wav") is sound
    assert tree.find("/shots/002_b.wav") is None


def test_a_thousand_shots_stay_in_order() -> None:
    inside = Tree.of("reel", shots(*["s"] * 1200, frames=1), DPX, 0).find("/shots")
    assert isinstance(inside, Directory)
    assert list(inside.entries) == sorted(inside.entries)
