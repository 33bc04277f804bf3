"""Cut lists as text: read from disk with limits, and decoded whatever program wrote them."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Final

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline._remarks import Remarks

__all__ = ["MAX_BYTES", "lines_of", "read_text", "text_of"]

MAX_BYTES: Final = 256 * 1024 * 1024
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f]")
_LINE_END: Final = re.compile(r"\r\n|\n|\r")


def read_text(path: Path, remarks: Remarks, *, max_bytes: int = MAX_BYTES) -> str:
    """The text of a cut list.

    Decodes UTF-8 and UTF-16 by their marks, UTF-16 without one by its zeros, then UTF-8, then Windows Latin or, where
    lines end as on old Macs, Mac Roman (with a remark).

    Raises:
        TimelineError: Not there, a folder, unreadable, empty, too large, or not text.
    """
    return text_of(path, _bytes(path, max_bytes), remarks)


def text_of(path: Path, data: bytes, remarks: Remarks) -> str:
    """The text in the bytes of a cut list, decoded as `read_text` does.

    Raises:
        TimelineError: Empty, or not text.
    """
    text = _decoded(path, data, remarks)
    if not text.strip():
        raise TimelineError("the file is empty", file=path)
    controls = len(_CONTROL.findall(text))
    if "\0" in text or controls * 100 > len(text):
        raise TimelineError("this is binary data, not a cut list", file=path)
    return text


def lines_of(text: str) -> list[str]:
    """Lines as an editor counts them; the last is line ``len(result)``."""
    return _LINE_END.split(text)


def _bytes(path: Path, max_bytes: int) -> bytes:
    try:
        if path.is_dir():
            raise TimelineError("this is a folder, not a cut list", file=path)
        size = path.stat().st_size
        if size > max_bytes:
            raise TimelineError(f"the file is too large for a cut list ({size >> 20} MiB)", file=path)
        return path.read_bytes()
    except FileNotFoundError:
        raise TimelineError("there is no such file", file=path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TimelineError(f"the file cannot be read: {reason}", file=path) from None


def _decoded(path: Path, data: bytes, remarks: Remarks) -> str:
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16")
        if data[1:64:2].count(0) > len(data[:64]) * 3 // 8:
            return data.decode("utf-16-le")
        if data[0:64:2].count(0) > len(data[:64]) * 3 // 8:
            return data.decode("utf-16-be")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if b"\r" in data and b"\n" not in data:
        remarks.add("the text is not UTF-8 and its lines end as on old Macs, read as Mac Roman")
        return data.decode("mac-roman")
    remarks.add("the text is not UTF-8, read as Windows Latin")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")
