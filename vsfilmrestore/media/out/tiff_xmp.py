"""An XMP packet in a TIFF file that another library wrote: tag 700 (XMP specification part 3), added to its directory.

OpenImageIO writes an XMP packet of what it has names for, and it has none for IPTC's Digital Source Type.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO, Final
from xml.sax.saxutils import escape

from vsfilmrestore.errors import OutputError

__all__ = ["add_xmp", "source_type_packet"]

_XMP: Final = 700
_BYTE: Final = 1
_CLASSIC: Final = 42
_ENTRY: Final = 12
_PACKET: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>
"""


def source_type_packet(uri: str) -> bytes:
    """An XMP packet that tells the Digital Source Type."""
    return _PACKET.format(escape(uri)).encode()


def add_xmp(path: Path, packet: bytes) -> None:
    """Give a TIFF file of one picture an XMP packet; nothing that stands in it is moved.

    The packet and a new directory with one entry more go to the end of the file, then the header points there.

    Raises:
        OutputError: It is no classic TIFF file, or has an XMP packet already.
        OSError: It cannot be read or written.
    """
    with path.open("r+b") as file:
        head = file.read(8)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or struct.unpack(f"{order}H", head[2:4])[0] != _CLASSIC:
            raise OutputError("cannot take an XMP packet: it is no classic TIFF file", file=path)
        file.seek(struct.unpack(f"{order}I", head[4:])[0])
        (count,) = struct.unpack(f"{order}H", file.read(2))
        entries = [file.read(_ENTRY) for _ in range(count)]
        following = file.read(4)
        tags = [struct.unpack(f"{order}H", entry[:2])[0] for entry in entries]
        if _XMP in tags:
            raise OutputError("has an XMP packet already", file=path)
        at = _even_end(file)
        file.write(packet)
        directory = _even_end(file)
        entry = struct.pack(f"{order}HHII", _XMP, _BYTE, len(packet), at)
        entries.insert(sum(tag < _XMP for tag in tags), entry)
        file.write(struct.pack(f"{order}H", count + 1) + b"".join(entries) + following)
        file.seek(4)
        file.write(struct.pack(f"{order}I", directory))
        file.flush()
        os.fsync(file.fileno())


def _even_end(file: BinaryIO) -> int:
    """The end of the file, where something may begin: at an even place."""
    at = file.seek(0, 2)
    return at + file.write(b"\0") if at % 2 else at
