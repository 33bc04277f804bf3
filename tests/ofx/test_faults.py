"""Servers that are absent, slow, dead, of another time or lie: no hang, no crash, no wrong picture."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

type Host = Callable[..., Any]
type Serve = Callable[..., Any]
type Picture = Callable[..., npt.NDArray[Any]]

FAIL, SOURCE, CHECKERBOARD = range(3)


def _is_checkerboard(pixels: npt.NDArray[Any]) -> bool:
    """Magenta and black squares of 16 pixels; a corner of all of them is at the lower left."""
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    light = (((pixels.shape[0] - 1 - rows) // 16) ^ (columns // 16)) & 1
    return bool((pixels == np.stack([light, 0 * light, light, 0 * light + 1], -1)).all())


# No server -----------------------------------------------------------------------------------------------------------


def test_without_a_server_the_render_fails_at_once_and_says_what_to_do(host: Host) -> None:
    run = host(frames="0-9").clean()
    assert set(run.status.values()) == {1}
    assert max(run.times.values()) < 500
    assert run.messages[0].startswith("OfxMessageError vsfilmrestore: no server at ")
    assert run.messages[0].endswith("vsfilmrestore serve PROJECT")
    assert all(_is_checkerboard(picture) for picture in run.pixels)


def test_the_source_or_a_checkerboard_where_they_are_wanted(host: Host) -> None:
    run = host(frames="3", depth="byte", set__ifNoServer=SOURCE).clean()
    rows, columns = np.mgrid[:48, :64]
    np.testing.assert_array_equal(run.pixels[0][..., 1], (columns * 3 + rows * 5 + 40 + 33) % 256)
    assert (run.pixels[0][..., 3] == 255).all()
    assert run.status == {3: 0}
    assert run.messages[0].startswith("OfxMessageWarning")
    run = host(frames="3", set__ifNoServer=CHECKERBOARD).clean()
    assert run.status == {3: 0}
    assert _is_checkerboard(run.pixels[0])


def test_a_generator_has_no_source_to_show(host: Host) -> None:
    run = host(frames="3", context="generator", set__ifNoServer=SOURCE).clean()
    assert run.status == {3: 1}
    run = host(frames="3", context="general", source=0, set__ifNoServer=SOURCE).clean()
    assert run.status == {3: 1}


def test_a_socket_of_others_is_not_used(plain_host: Host, serve: Serve, tmp_path: Path) -> None:
    server = serve()
    runtime = tmp_path / "run"
    folder = runtime / "vsfilmrestore"
    folder.mkdir(parents=True, mode=0o700)
    os.link(server.path, folder / "default.sock")
    env = {"VSFILMRESTORE_SOCKET": "", "XDG_RUNTIME_DIR": str(runtime)}
    assert plain_host(frames="0", env=env).clean().status == {0: 0}
    folder.chmod(0o755)
    run = plain_host(frames="0", env=env).clean()
    assert run.status == {0: 1}
    assert "open to other users" in run.messages[0]
    folder.chmod(0o700)
    moved = folder.rename(tmp_path / "moved")
    folder.symlink_to(moved)
    assert plain_host(frames="0", env=env).clean().status == {0: 1}
    assert server.record.connections == 1


@pytest.mark.parametrize("name", ["../s", "/tmp/s", "a b", ".hidden", "x" * 65])
def test_a_project_cannot_name_any_socket(plain_host: Host, serve: Serve, name: str) -> None:
    server = serve()
    run = plain_host(frames="0", set__serverName=name).clean()
    assert run.status == {0: 1}
    assert "is no name of a server" in run.messages[0]
    assert server.record.connections == 0


# Time ----------------------------------------------------------------------------------------------------------------


def test_an_abort_is_answered_within_50_ms_and_told_to_the_server(
    host: Host, serve: Serve, eventually: Callable[..., None]
) -> None:
    server = serve(delay=1.5)
    run = host(frames="0-3", threads=4, abort=150).clean()
    assert set(run.status.values()) == {1}
    assert max(run.times.values()) < 150 + 50 + 50  # the machine has its moments as well
    eventually(lambda: server.record.cancels == 4)
    assert not run.messages
    assert (run.pixels.view(np.uint8) == 0xA5).all()


def test_an_abort_while_the_server_reads_nothing(host: Host, serve: Serve) -> None:
    """A few hundred messages fill what a socket holds for a process that is stopped."""
    serve(deaf_after=2)
    run = host(frames="0-599", threads=8, abort=1, range="0,600").clean()
    assert set(run.status.values()) == {1}
    times = sorted(run.times.values())
    assert times[len(times) // 2] < 1 + 50 + 50
    assert times[-1] < 1000  # one of 600 may meet a busy machine, but none waits for the server


def test_an_abort_while_connecting(host: Host, serve: Serve) -> None:
    serve(silent=True)
    run = host(frames="0", abort=100).clean()
    assert run.status == {0: 1}
    assert run.times[0] < 250


def test_through_as_well(host: Host, serve: Serve, eventually: Callable[..., None]) -> None:
    server = serve(delay=1.0)
    run = host("Through", frames="5", abort=150).clean()
    assert run.status == {5: 1}
    assert run.times[5] < 300
    eventually(lambda: server.record.cancels == 1)


def test_a_server_that_says_nothing_has_its_time(host: Host, serve: Serve) -> None:
    serve(silent=True)
    run = host(frames="0", set__connectTimeout=0.3).clean()
    assert run.status == {0: 1}
    assert 250 < run.times[0] < 1500
    assert "does not answer" in run.messages[0]


def test_the_first_frame_has_another_limit_than_the_later_ones(
    host: Host, serve: Serve, eventually: Callable[..., None]
) -> None:
    server = serve(delay=0.5)
    run = host(frames="0-1", set__firstTimeout=5, set__laterTimeout=1).clean()
    assert run.status == {0: 0, 1: 0}
    server.faults.delay, server.faults.mute_after = 0.0, 1
    run = host(frames="0-1", set__firstTimeout=9, set__laterTimeout=1).clean()
    assert run.status == {0: 0, 1: 1}
    assert 900 < run.times[1] < 3000
    assert "did not answer in time" in run.messages[-1]
    eventually(lambda: server.record.cancels == 1)


def test_what_the_server_does_meanwhile_is_shown_and_goes_away(host: Host, serve: Serve) -> None:
    serve(delay=1.0, status="loading dirt-t1")
    run = host(frames="0").clean()
    assert run.messages == ["OfxMessageMessage loading dirt-t1"]
    assert "cleared" in run.text


def test_a_server_that_puts_off_is_asked_again(host: Host, serve: Serve, picture: Picture) -> None:
    server = serve(busy=2)
    run = host(frames="7").clean()
    assert run.status == {7: 0}
    np.testing.assert_array_equal(run.pixels[0], picture(7))
    assert len(server.record.gets) == 3
    assert run.times[7] >= 700  # 0.25 s, then 0.5 s


# Death ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("death", ["die_after", "die_in_frame"])
def test_a_server_that_dies_in_the_middle_of_a_render_and_is_there_again(
    host: Host, serve: Serve, picture: Picture, death: str
) -> None:
    server = serve(**{death: 5, "deaths": 2})
    run = host(frames="0-15", threads=4, instances="each").clean()
    assert set(run.status.values()) == {0}, run.text
    np.testing.assert_array_equal(run.pixels, [picture(n) for n in range(16)])
    assert server.record.connections == 3


def test_a_server_that_is_started_again_later(host: Host, serve: Serve, picture: Picture) -> None:
    server = serve(delay=0.1)
    later = host(frames="0-7", threads=2, wait=False)
    while not server.record.gets:
        time.sleep(0.01)
    server.stop()
    time.sleep(0.6)
    server.start()
    run = later().clean()
    assert set(run.status.values()) == {0}
    np.testing.assert_array_equal(run.pixels, [picture(n) for n in range(8)])
    assert server.record.connections == 2


def test_a_server_that_does_not_come_back_has_its_time(host: Host, serve: Serve) -> None:
    server = serve(delay=0.3)
    later = host(frames="0-1", set__reconnectTimeout=1, wait=False)
    while not server.record.gets:
        time.sleep(0.01)
    server.stop()
    run = later().clean()
    assert run.status == {0: 1, 1: 1}
    assert 800 < run.times[0] < 5000
    assert run.times[1] < 500  # it is known by then


def test_a_frame_that_kills_the_server_is_given_up(host: Host, serve: Serve) -> None:
    server = serve(die_after=0)
    run = host(frames="0").clean()
    assert run.status == {0: 1}
    assert "went away three times" in run.messages[-1]
    assert server.record.connections == 3


def test_a_server_that_says_goodbye(host: Host, serve: Serve) -> None:
    serve(bye=True)
    run = host(frames="0", set__reconnectTimeout=0).clean()
    assert run.status == {0: 1}
    assert "stopped by hand" in run.messages[-1]


# Lies ----------------------------------------------------------------------------------------------------------------


def test_a_server_of_another_version(host: Host, serve: Serve) -> None:
    serve(major=2)
    run = host(frames="0-3").clean()
    assert set(run.status.values()) == {1}
    assert "the server speaks version 2, this plug-in 1" in run.messages[0]


def test_what_the_server_refuses_is_said_in_its_words(host: Host, serve: Serve) -> None:
    serve(refuse_open="the project is being written")
    assert "the project is being written" in host(frames="0").clean().messages[0]


def test_a_frame_that_failed_on_the_server(host: Host, serve: Serve) -> None:
    serve(frame_error="shot fight-03, frame 12: dirt-t1 is out of memory")
    run = host(frames="12").clean()
    assert run.status == {12: 1}
    assert "fight-03, frame 12" in run.messages[0]


FAR = 2**40
LIES: list[dict[str, Any]] = [
    {"frame": {"offset": FAR}},
    {"frame": {"offset": 2**64 - 4}},
    {"frame": {"stride": 2**32 - 4}},
    {"frame": {"stride": 4}},
    {"frame": {"plane": FAR}},
    {"frame": {"plane": 2**63}},
    {"frame": {"plane": 4}},
    {"frame": {"offset": 3}},
    {"frame": {"width": 65, "stride": 260}},
    {"frame": {"height": 2**31}},
    {"frame": {"width": 0, "height": 0}},
    {"frame": {"slot": 77}},
    {"frame": {"ring": 77}},
    {"frame": {"source": 77}},
    {"frame": {"depth": 0}},
    {"frame": {"depth": 9}},
    {"frame": {"flags": 1}},
    {"info": {"width": 0}},
    {"info": {"width": 2**31, "height": 2**31}},
    {"info": {"slots": 0}},
    {"info": {"bytes": 2**63}},
    {"info": {"bytes": 2**39}},
    {"info": {"depth": 1}},
    {"info": {"frames": -5}},
    {"seal": False},
    {"short_memory": True},
    {"no_memory": True},
    {"garbage": bytes(range(256)) * 4},
    {"garbage": b"\xff" * 64},
    {"garbage": b"\x00\x00\x01\x00\x08\x00\x00\x00" + bytes(8)},  # a payload of 65536, and then nothing more
]


@pytest.mark.parametrize("number", range(0, len(LIES), 10))
def test_a_server_that_lies(host: Host, serve: Serve, tmp_path: Path, number: int) -> None:
    for lie in LIES[number : number + 10]:
        server = serve(**lie)
        words = {"set__reconnectTimeout": 0.2, "set__firstTimeout": 1, "set__laterTimeout": 1}
        run = host(frames="0-1", **words).clean()
        assert set(run.status.values()) == {1}, lie
        assert all(_is_checkerboard(picture) for picture in run.pixels), lie
        server.stop()


@pytest.mark.parametrize("lie", [{"frame": 2**40}, {"frame": 4}, {"plane": 2**62}, {"offset": FAR}, {"slot": 9}])
def test_a_server_that_lies_about_where_to_write(host: Host, serve: Serve, lie: dict[str, int]) -> None:
    serve(slot=lie)
    assert host("Through", frames="10").clean().status == {10: 1}


# The host's side -----------------------------------------------------------------------------------------------------


def test_nothing_is_opened_before_a_frame_or_a_button_asks(host: Host, serve: Serve) -> None:
    server = serve()
    for effect in ("Source", "Through"):
        host(effect, do="prefs").clean()
        host(effect, do="needed").clean()
        host(effect, do="region").clean()
        host(effect, do="identity").clean()
        host(effect, do="colour").clean()
    assert server.record.connections == 0


def test_loaded_and_unloaded_over_and_over(host: Host, serve: Serve) -> None:
    server = serve()
    run = host(frames="0-1", loads=5).clean()
    assert set(run.status.values()) == {0}
    assert server.record.connections == 5


def test_a_host_without_what_is_needed(host: Host) -> None:
    assert "load status 4" in host(effects=0).clean().text


def test_buttons_go_through_the_shots(host: Host, serve: Serve) -> None:
    serve()
    run = host(press="nextShot,nextShot,nextShot,nextShot,previousShot,askServer").clean()
    shots = [line.split("shot=")[1].split(" says=") for line in run.text.splitlines() if line.startswith("pressed")]
    assert [shot for shot, _ in shots] == ["fight-03", "opening", "the end", "fight-03", "the end", "the end"]
    assert shots[1][1] == "shot 2 of 3: opening, 48 frames of R1.mkv"
    assert shots[-1][1] == "fake 1.0, 3 shots"


def test_a_button_without_a_server(host: Host) -> None:
    run = host(press="askServer,nextShot").clean()
    assert run.text.count("says=no server at") == 2


def test_a_recipe_of_nothing_is_the_source_itself(plain_host: Host) -> None:
    run = plain_host("Through", do="identity", set__preset=4).clean()
    assert "identity status 0 OfxPropName=Source OfxPropTime=10.0" in run.text
    assert "identity status 14" in plain_host("Through", do="identity").clean().text
    assert "identity status 14" in plain_host("Through", do="identity", set__preset=4, set__dustUse=2).clean().text


def test_frames_that_are_needed(plain_host: Host, serve: Serve) -> None:
    serve()
    before = plain_host("Through", do="needed", set__reach=5).clean().text
    assert "FrameRange_Source=5.000000 OfxImageClipPropFrameRange_Source=15.000000" in before
    after = plain_host("Through", frames="0", do="needed", set__reach=5).clean().text
    assert "FrameRange_Source=8.000000 OfxImageClipPropFrameRange_Source=12.000000" in after  # the recipe's radius is 2
    assert "needed status 14" in plain_host("Through", do="needed", temporal=0).clean().text


COLOURS = {
    "rgb/bt1886/bt709": "rec1886_rec709_display",
    "rgb/bt709/bt2020": "rec1886_rec2020_display",
    "rgb/st2084/bt2020": "rec2100_pq_display",
    "rgb/linear/bt709": "lin_rec709_srgb",
    "bt709/log/bt709": "ofx_scene_log",
    "rgb/iec_61966_2_1/bt709": "srgb_display",
    "bt709/arib_b67/bt2020": "rec2100_hlg_display",
    "bt470_bg/bt601/bt470_bg": "ofx_display_sdr",
    "rgb/unspecified/unspecified": "ofx_raw",
    "nonsense": "ofx_raw",
}


@pytest.mark.parametrize("colour", COLOURS)
def test_colour_is_declared(plain_host: Host, serve: Serve, colour: str) -> None:
    serve().colour = colour
    assert f"OfxImageClipPropColourspace={COLOURS[colour]}" in plain_host(frames="0", do="colour").clean().text


def test_colour_that_is_not_known_is_not_guessed(plain_host: Host) -> None:
    assert "=ofx_raw" in plain_host(do="colour").clean().text
    assert "=ofx_scene_log" in plain_host(do="colour", set__colour=3).clean().text
    assert "=OfxColourspace_Source" in plain_host("Through", do="colour").clean().text


def test_a_name_in_an_old_character_set_harms_no_other_clip(plain_host: Host, serve: Serve) -> None:
    server = serve()
    names = {"R\udce9.mkv": "R?.mkv", "\udced\udca0\udc80": "???", "\udcc0\udcaf": "??", "\udcf4\udc90é": "??é"}
    for name, sent in names.items():
        run = plain_host(frames="3", set__file=name).clean()
        assert run.status == {3: 1}
        assert "is not served" in run.messages[0]
        assert server.record.opens[-1][6] == sent
    assert server.record.connections == len(names)
    plain_host("Through", frames="3", set__words="è" * 16001).clean()  # cut between letters
    assert server.record.opens[-1][7] == "archive " + "è" * 15996


def test_memory_of_a_source_that_is_refused_is_not_that_of_the_next(
    plain_host: Host, serve: Serve, eventually: Callable[..., None]
) -> None:
    server = serve(info={"first": -(2**63)})
    words = {"set__reconnectTimeout": 0.2, "set__firstTimeout": 1}
    run = plain_host(frames="0-11", instances="each", **words).clean()
    assert set(run.status.values()) == {1}
    assert len(server.record.opens) == 12
    eventually(lambda: server.record.closes == 12)
    assert server.record.connections == 1


def test_a_frame_that_lies_beyond_all_numbers(plain_host: Host, serve: Serve) -> None:
    serve()
    far = 2**31 - 1
    run = plain_host(frames="3", rod=f"{far - 64},{far - 48},{far},{far}").clean()
    assert run.status == {3: 0}
    assert run.pixels is not None
    assert run.pixels[0][..., :3].max() > 0  # a place that cannot be is not believed: the frame fills the image
