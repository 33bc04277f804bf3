"""Frames through the plug-in, in a host that gives pictures in every way hosts do; under sanitizers as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

type Host = Callable[..., Any]
type Serve = Callable[..., Any]
type Picture = Callable[..., npt.NDArray[Any]]

DEPTHS = ("byte", "short", "half", "float")


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_frame_comes_bit_for_bit(host: Host, serve: Serve, picture: Picture, depth: str) -> None:
    serve()
    for rows in ("plain", "negative", "padded"):
        run = host(frames="0-2", depth=depth, rows=rows).clean()
        assert run.status == {0: 0, 1: 0, 2: 0}
        np.testing.assert_array_equal(run.pixels, [picture(n, depth) for n in range(3)])


def test_eight_threads_out_of_order_with_an_instance_for_each_frame(host: Host, serve: Serve, picture: Picture) -> None:
    server = serve(delay=0.002)
    run = host(frames="0-31", threads=8, instances="each").clean()
    assert set(run.status.values()) == {0}
    assert len(run.status) == 32
    np.testing.assert_array_equal(run.pixels, [picture(n) for n in range(32)])
    assert server.record.connections == 1
    assert len(server.record.opens) == 1
    assert server.record.hellos == ["test host"]


def test_every_slot_comes_back(host: Host, serve: Serve, eventually: Callable[..., None]) -> None:
    server = serve()
    host(frames="0-39", threads=4).clean()
    eventually(lambda: server.record.releases == 40)


def test_only_the_window_is_written(host: Host, serve: Serve, picture: Picture) -> None:
    serve()
    run = host(frames="4", window="10,8,30,20", depth="byte", origin="0,0").clean()
    untouched = np.full((48, 64, 4), 0xA5, np.uint8)
    expected = untouched.copy()
    expected[48 - 20 : 48 - 8, 10:30] = picture(4, "byte")[48 - 20 : 48 - 8, 10:30]
    np.testing.assert_array_equal(run.pixels[0], expected)


def test_a_window_beyond_the_picture_is_cut(host: Host, serve: Serve, picture: Picture) -> None:
    serve()
    run = host(frames="4", window="-500,-500,5000,5000", origin="-20,33").clean()
    np.testing.assert_array_equal(run.pixels[0], picture(4))
    assert host(frames="4", window="900,900,950,950").clean().status == {4: 0}


def test_bounds_anywhere(host: Host, serve: Serve, picture: Picture) -> None:
    serve()
    run = host(frames="0", origin="-1000,777", rows="negative").clean()
    np.testing.assert_array_equal(run.pixels[0], picture(0))


def test_an_image_that_holds_a_part_of_the_frame(host: Host, serve: Serve, picture: Picture) -> None:
    serve()
    run = host(frames="0", size="30x20", origin="10,12", rod="0,0,64,48").clean()
    np.testing.assert_array_equal(run.pixels[0], picture(0)[48 - 32 : 48 - 12, 10:40])


def test_a_proxy_is_asked_for_in_its_size(host: Host, serve: Serve, picture: Picture) -> None:
    server = serve()
    run = host(frames="3", size="32x24", scale="0.5").clean()
    np.testing.assert_array_equal(run.pixels[0], picture(3, "float", 32, 24))
    assert server.record.gets == [(3, 32, 24, 0)]


def test_a_draft_is_asked_for_as_one(host: Host, serve: Serve) -> None:
    server = serve()
    host(frames="3", arg__OfxImageEffectPropRenderQualityDraft=1).clean()
    assert server.record.gets == [(3, 0, 0, 1)]


def test_another_shape_has_black_around_it_and_alpha_one(host: Host, serve: Serve, picture: Picture) -> None:
    serve()
    run = host(frames="0", size="64x80", depth="short").clean()
    top = (80 - 48) // 2
    np.testing.assert_array_equal(run.pixels[0][top : top + 48], picture(0, "short"))
    assert not run.pixels[0][:top, :, :3].any()
    assert not run.pixels[0][top + 48 :, :, :3].any()
    assert (run.pixels[0][..., 3] == 65535).all()


def test_filled_stretched_and_its_own_size(host: Host, serve: Serve, picture: Picture) -> None:
    server = serve()
    filled = host(frames="0", size="32x48", set__fit=1).clean()
    np.testing.assert_array_equal(filled.pixels[0], picture(0)[:, 16:48])
    stretched = host(frames="0", size="32x12", set__fit=2).clean()
    np.testing.assert_array_equal(stretched.pixels[0], picture(0, "float", 32, 12))
    own = host(frames="0", size="80x60", set__fit=3, depth="byte").clean()
    np.testing.assert_array_equal(own.pixels[0][6:54, 8:72], picture(0, "byte"))
    assert not own.pixels[0][:6, :, :3].any()
    assert [get[1:3] for get in server.record.gets] == [(0, 0), (32, 12), (0, 0)]


def test_pixels_that_are_not_square(host: Host, serve: Serve, picture: Picture) -> None:
    serve()
    run = host(frames="0", size="32x48", aspect="2").clean()
    np.testing.assert_array_equal(run.pixels[0], _columns_between(picture(0), 32))


def test_a_program_that_takes_the_shape_of_the_frame_for_that_of_a_pixel(
    host: Host, serve: Serve, picture: Picture
) -> None:
    serve()
    run = host(frames="0", name="MLT", aspect=repr(64 / 48)).clean()
    np.testing.assert_array_equal(run.pixels[0], picture(0))
    squeezed = host(frames="0", aspect=repr(64 / 48)).clean()  # another program means what it says
    assert not squeezed.pixels[0][:, :8, :3].any()


def _columns_between(pixels: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    """Halved across, as the plug-in does where only one of both sizes is smaller."""
    assert pixels.shape[1] == 2 * width
    return pixels[:, ::2] + np.float32(0.5) * (pixels[:, 1::2] - pixels[:, ::2])


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_small_scan_is_made_larger(host: Host, serve: Serve, picture: Picture, depth: str) -> None:
    serve(width=16, height=12)
    run = host(frames="0", depth=depth).clean()
    small = picture(0, depth, 16, 12)[..., :3].astype(np.float64)
    rows, columns = ((np.arange(n) + 0.5) / 4 - 0.5 for n in (48, 64))
    low, left = (np.clip(np.floor(at), 0, None).astype(int) for at in (rows, columns))
    high, right = np.minimum(low + 1, 11), np.minimum(left + 1, 15)
    down, across = np.clip(rows - low, 0, 1)[:, None, None], np.clip(columns - left, 0, 1)[None, :, None]
    upper = small[low][:, left] * (1 - across) + small[low][:, right] * across
    lower = small[high][:, left] * (1 - across) + small[high][:, right] * across
    expected = upper * (1 - down) + lower * down
    step = {"byte": 0.501, "short": 0.51, "half": 2**-11, "float": 1e-6}[depth]
    assert np.abs(run.pixels[0][..., :3].astype(np.float64) - expected).max() <= step


def test_pictures_without_alpha(host: Host, serve: Serve, picture: Picture) -> None:
    serve()
    run = host(frames="0", components="RGB").clean()
    np.testing.assert_array_equal(run.pixels[0], picture(0)[..., :3])


def test_a_host_that_says_next_to_nothing(host: Host, serve: Serve, picture: Picture) -> None:
    serve()
    missing = (
        "OfxImagePropRowBytes,OfxImageEffectPropPixelDepth,OfxImageEffectPropComponents,OfxImagePropPixelAspectRatio,"
        "OfxImageEffectPropRenderScale,OfxImageEffectPropRenderWindow,OfxImageEffectPropFieldToRender,OfxPropName,"
        "OfxImageClipPropConnected,OfxImageEffectPropContext,OfxImageEffectPropFrameRange,OfxImageEffectPropFrameRate"
    )
    run = host(frames="0-1", missing=missing, bare=1, messages=0, timeless=1).clean()
    np.testing.assert_array_equal(run.pixels, [picture(0), picture(1)])
    run = host("Through", frames="0", missing=missing, bare=1, messages=0, timeless=1).clean()
    assert run.status == {0: 0}


def test_all_of_the_source_is_asked_for_where_it_is_known(host: Host) -> None:
    assert (
        "region status 0 " + " ".join(f"OfxImageClipPropRoI_Source={edge:f}" for edge in (0, 0, 64, 48))
        in host("Through", do="region").clean().text
    )
    assert "region status 14\n" in host("Through", do="region", extent=0).clean().text


@pytest.mark.parametrize("gone", ["OfxImagePropData", "OfxImagePropBounds"])
def test_a_picture_that_is_none(host: Host, serve: Serve, gone: str) -> None:
    serve()
    for effect in ("Source", "Through"):
        assert host(effect, frames="0", missing=gone).clean().status == {0: 1000}


def test_single_fields_are_refused(host: Host, serve: Serve) -> None:
    serve()
    run = host(frames="0", field="OfxFieldLower").clean()
    assert run.status == {0: 1}
    assert "progressive" in run.messages[0]
    assert host(frames="0", field="OfxFieldBoth").clean().status == {0: 0}


# What is shown -------------------------------------------------------------------------------------------------------


def test_a_file_and_frame_that_the_program_names(host: Host, serve: Serve, picture: Picture) -> None:
    server = serve()
    words = {"prop__OfxImageEffectPropSrcFilePath": "/mnt/scans/R1.mkv", "arg__OfxImageEffectPropSrcFrame": 217}
    run = host(frames="90000", set__file="other.mkv", set__shot="opening", **words).clean()
    assert server.record.opens[0][:1] + server.record.opens[0][6:] == (2, "/mnt/scans/R1.mkv", "")
    np.testing.assert_array_equal(run.pixels[0], picture(217))


def test_a_file_a_shot_the_reel_and_an_offset(host: Host, serve: Serve, picture: Picture) -> None:
    server = serve()
    run = host(frames="1005", set__file="/a/R1.mkv", set__offset=-1001).clean()
    np.testing.assert_array_equal(run.pixels[0], picture(4))
    host(frames="5", set__shot="opening").clean()
    host(frames="5").clean()
    host(frames="5", set__shot="opening", set__file="R1.mkv", set__from=3).clean()
    host(frames="5", set__shot="opening", set__file="R1.mkv", set__from=2).clean()
    kinds = [(opened[0], opened[6]) for opened in server.record.opens]
    assert kinds == [(2, "/a/R1.mkv"), (1, "opening"), (0, ""), (0, ""), (1, "opening")]


def test_between_two_frames_the_earlier_is_shown(host: Host, serve: Serve, picture: Picture) -> None:
    serve()
    np.testing.assert_array_equal(host(frames="5", fraction=0.75).clean().pixels[0], picture(5))
    np.testing.assert_array_equal(host(frames="5", fraction=-0.00001).clean().pixels[0], picture(5))


def test_a_frame_that_is_not_there_fails(host: Host, serve: Serve) -> None:
    serve()
    run = host(frames="1000").clean()
    assert run.status == {1000: 1}
    assert "no frame 1000; it goes from 0 to 999" in run.messages[0]
    assert host(frames="-1").clean().status == {-1: 1}


@pytest.mark.parametrize(
    "word", [{"clip__kOfxImageClipPropThumbnail": 1}, {"text__OfxImageEffectPropThumbnailRender": "true"}]
)
def test_an_icon_does_not_wake_the_server(host: Host, serve: Serve, word: dict[str, object]) -> None:
    server = serve()
    run = host(frames="3", **word).clean()
    assert run.status == {3: 0}
    assert server.record.connections == 0


def test_what_is_said_to_be_no_icon_is_restored(host: Host, serve: Serve) -> None:
    server = serve()
    assert host(frames="3", text__OfxImageEffectPropThumbnailRender="false").clean().status == {3: 0}
    assert server.record.connections == 1


# Through -------------------------------------------------------------------------------------------------------------


def _clip(frame: int, depth: str) -> npt.NDArray[Any]:
    """The host's source clip, planes."""
    rows, columns = np.mgrid[:48, :64]
    levels = np.stack([(columns * 3 + rows * 5 + plane * 40 + frame * 11) % 256 for plane in range(3)])
    if depth == "half":
        return (levels / 256).astype(np.float16)
    if depth == "float":
        return levels.astype(np.float32) / np.float32(255)
    return levels.astype(np.uint8) if depth == "byte" else (levels * 257).astype(np.uint16)


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_picture_goes_through_a_recipe(host: Host, serve: Serve, depth: str) -> None:
    server = serve()
    run = host("Through", frames="10-12", depth=depth, rows="negative", origin="5,-7").clean()
    for place, frame in enumerate(range(10, 13)):
        turned = _clip(frame, depth)[:, ::-1, ::-1]
        np.testing.assert_array_equal(np.moveaxis(run.pixels[place], -1, 0)[:3], turned)
        assert (run.pixels[place][..., 3] == {"byte": 255, "short": 65535}.get(depth, 1)).all()
    frames = [(frame, before, after) for frame, before, after, _ in server.record.processed]
    assert frames == [(10, 2, 2), (11, 2, 2), (12, 2, 2)]
    sent = server.record.processed[0][3]
    assert sent == [float(_clip(frame, depth)[0, 0, 0]) for frame in range(8, 13)]
    assert server.record.opens == [(3, DEPTHS.index(depth), 64, 48, 25, 1, "", "archive")]


def test_fewer_neighbours_at_the_ends_and_where_they_are_not_wanted(host: Host, serve: Serve) -> None:
    server = serve()
    host("Through", frames="0", range="0,1").clean()
    host("Through", frames="9", set__reach=1).clean()
    host("Through", frames="9", temporal=0).clean()
    host("Through", frames="9", bare=1).clean()
    assert [entry[:3] for entry in server.record.processed] == [(0, 0, 1), (9, 1, 1), (9, 0, 0), (9, 0, 0)]


def test_many_threads_through(host: Host, serve: Serve) -> None:
    server = serve(delay=0.002)
    run = host("Through", frames="0-15", threads=8, instances="each").clean()
    assert set(run.status.values()) == {0}
    for frame in range(16):
        np.testing.assert_array_equal(run.pixels[frame][..., 1], _clip(frame, "float")[1, ::-1, ::-1])
    assert len(server.record.opens) == 1


def test_what_the_panel_says_goes_to_the_server(host: Host, serve: Serve) -> None:
    server = serve()
    host("Through", frames="0", set__preset=5, set__dustUse=2, set__dust=0.805, set__grainUse=1).clean()
    host("Through", frames="0", set__scratchUse=2, set__scratch=1, set__words="  dust.max_size=60\n wires=on ").clean()
    settings = [opened[7] for opened in server.record.opens]
    assert settings == ["remaster dust=0.805 grain=off", "archive scratch=1.0 dust.max_size=60 wires=on"]


RATES = {"23.976": (24000, 1001), "24": (24, 1), "29.97002997": (30000, 1001), "16.667": (16667, 1000)}


@pytest.mark.parametrize(("rate", "number"), RATES.items())
def test_the_rate_goes_to_the_server(plain_host: Host, serve: Serve, rate: str, number: tuple[int, int]) -> None:
    server = serve()
    plain_host("Through", frames="0", rate=rate).clean()
    assert server.record.opens[0][4:6] == number


def test_a_slider_that_is_dragged_leaves_no_rings_behind(
    host: Host, serve: Serve, eventually: Callable[..., None]
) -> None:
    server = serve()
    run = host("Through", frames="0-19", instances="each", wander=1).clean()
    assert set(run.status.values()) == {0}
    assert len({opened[7] for opened in server.record.opens}) == 20
    eventually(lambda: server.record.closes == 12)


def test_after_a_fork_both_go_on(host: Host, serve: Serve, picture: Picture, tmp_path: Any) -> None:
    server = serve()
    run = host(frames="0-3", do="fork").clean()
    np.testing.assert_array_equal(run.pixels, [picture(n) for n in range(4)])
    child = np.fromfile(tmp_path / "dump.child", np.float32).reshape(run.pixels.shape)
    np.testing.assert_array_equal(child, run.pixels)
    assert server.record.connections == 2
