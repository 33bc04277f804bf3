"""A .vpy as media: the user's own script, run because the user named it.

It runs as vspipe would run it: in the current VapourSynth environment, with ``__name__`` set to ``__vapoursynth__``,
``__file__`` to its path and its folder as the working folder. In addition its folder can be imported from. All of that,
and the outputs set before, is put back afterwards.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import vapoursynth as vs

from vsfilmrestore.errors import MediaError, ScriptError, plain_text
from vsfilmrestore.media.audio import cut_audio
from vsfilmrestore.media.model import Media, SourceOptions
from vsfilmrestore.media.stand_ins import frozen, unread
from vsfilmrestore.media.timecode import exact_rate

__all__ = ["open_script", "run_script"]

core = vs.core

_NAME = "__vapoursynth__"

type Outputs = dict[int, vs.VideoNode | vs.AudioNode]


def run_script(path: Path) -> Outputs:
    """Run a script and return what it set as outputs.

    Raises:
        ScriptError: The script cannot be read or fails; names the script and the line.
    """
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except OSError as error:
        raise ScriptError(f"the script cannot be read ({error.strerror})", file=path) from error
    except SyntaxError as error:
        raise ScriptError(f"not valid Python: {error.msg}", file=path, line=error.lineno) from error
    except ValueError as error:
        raise ScriptError(f"not valid Python: {error}", file=path) from error
    with _as_vspipe_does(path) as names:
        try:
            exec(code, names)
        except SystemExit as error:
            if error.code not in (None, 0):
                raise ScriptError(
                    f"the script ended itself ({error.code})", file=path, line=_line(path, error)
                ) from None
        except Exception as error:
            raise ScriptError(_words(error), file=path, line=_line(path, error)) from error
        return {n: o.clip if isinstance(o, vs.VideoOutputTuple) else o for n, o in vs.get_outputs().items()}


def open_script(path: Path, options: SourceOptions) -> Media:
    """Output 0 of a script, with the first sound among its outputs.

    Raises:
        ScriptError: The script fails, sets no output 0, or its output 0 is no clip of constant format and rate.
        MediaError: Fewer frames than asked for.
    """
    if not path.is_file():
        raise ScriptError("there is no such script", file=path)
    outputs = run_script(path)
    clip = outputs.get(0)
    if not isinstance(clip, vs.VideoNode):
        what = "is sound" if clip is not None else "was not set"
        raise ScriptError(f"output 0 {what}", file=path, hint="End the script with clip.set_output(0)")
    if clip.format is None or not clip.width or not clip.height:
        raise ScriptError("output 0 changes its size or format on the way", file=path)
    if not clip.fps and options.rate is None:
        raise ScriptError("output 0 has no constant frame rate", file=path, hint="Call std.AssumeFPS in the script")
    rate = options.rate or exact_rate(clip.fps)
    first, last = options.first or 0, clip.num_frames - 1 if options.last is None else options.last
    if first < 0 or not first <= last < clip.num_frames:
        raise MediaError(f"frames {first}-{last} were asked for, the script gives 0-{clip.num_frames - 1}", file=path)
    sounds = [o for _, o in sorted(outputs.items()) if isinstance(o, vs.AudioNode)]
    audio = cut_audio(sounds[0], first, last, rate) if sounds and options.audio else None
    clip = frozen(clip.std.GPUDownload() if clip.gpu_resident else clip, options.unreadable)
    video = core.std.AssumeFPS(clip, fpsnum=rate.numerator, fpsden=rate.denominator)[first : last + 1]
    told = unread(options.unreadable)
    return Media(path=path, kind="script", video=video, audio=audio, rate=rate, name=path.stem, remarks=told)


@contextmanager
def _as_vspipe_does(path: Path) -> Iterator[dict[str, object]]:
    module = ModuleType(_NAME)
    module.__file__ = str(path)
    where, search, known = _working_folder(), list(sys.path), sys.modules.get(_NAME)
    before = dict(vs.get_outputs())
    folder = str(path.resolve().parent)
    vs.clear_outputs()
    sys.modules[_NAME] = module
    sys.path.insert(0, folder)
    try:
        os.chdir(folder)
        yield module.__dict__
    finally:
        sys.path[:] = search
        if known is None:
            sys.modules.pop(_NAME, None)
        else:
            sys.modules[_NAME] = known
        if where is not None:
            os.chdir(where)
        _restore(before)


def _working_folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _restore(before: dict[int, vs.VideoOutputTuple | vs.AudioNode]) -> None:
    vs.clear_outputs()
    for number, output in before.items():
        if isinstance(output, vs.VideoOutputTuple):
            output.clip.set_output(number, output.alpha, output.alt_output)
        else:
            output.set_output(number)


def _line(path: Path, error: BaseException) -> int | None:
    """The last line of the script itself that was on the way to the error."""
    spots = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return spots[-1] if spots else None


def _words(error: Exception) -> str:
    text = plain_text(error)
    return text if isinstance(error, vs.Error) else f"{type(error).__name__}: {text}"
