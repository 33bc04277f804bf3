"""A server in this process, and reels for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import vapoursynth as vs

from vsfilmrestore.serve.client import Client
from vsfilmrestore.serve.endpoint import listen, socket_of
from vsfilmrestore.serve.reel import ServedReel
from vsfilmrestore.serve.server import Server
from vsfilmrestore.serve.supply import Supply

type Serve = Callable[..., Server]


@pytest.fixture(autouse=True)
def _own_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("VSFILMRESTORE_SOCKET", raising=False)


@pytest.fixture
def reel(tmp_path: Path, movie: Callable[..., None]) -> ServedReel:
    """Three shots of one small scan; a script inverts them, so that restored frames are told from the scan's."""
    from vsfilmrestore.render.reel import Reel

    movie(tmp_path / "scans" / "R1.mkv", 24, width=64, height=48, audio=False)
    (tmp_path / "cut.edl").write_text(
        "TITLE: CUT\nFCM: NON-DROP FRAME\n\n"
        "001  R1       V     C        01:00:00:00 01:00:00:08 01:00:00:00 01:00:00:08\n* FROM CLIP NAME: opening\n"
        "002  R1       V     C        01:00:00:10 01:00:00:16 01:00:00:08 01:00:00:14\n* FROM CLIP NAME: dance\n"
        "003  R1       V     C        01:00:00:16 01:00:01:00 01:00:00:14 01:00:00:22\n* FROM CLIP NAME: dance\n"
    )
    opened = Reel.open(tmp_path / "cut.edl", media=tmp_path / "scans", preset="none")
    opened.shot("*")(lambda clip: clip.std.Invert())
    return ServedReel(opened)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers; stops them at the end."""
    servers: list[Server] = []

    def start(reel: ServedReel, name: str = "default", **words: object) -> Server:
        ring = {"ring_bytes": words.pop("ring_bytes")} if "ring_bytes" in words else {}
        told = {"told": words.pop("told")} if "told" in words else {}
        supply = Supply(reel, **words)  # type: ignore[arg-type]
        servers.append(Server(supply, listen(socket_of(name)), **ring, **told))  # type: ignore[arg-type]
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def client(serve: Serve, reel: ServedReel) -> Iterator[Client]:
    """A client of a server of `reel`."""
    serve(reel)
    with Client.connect(timeout=10) as connected:
        yield connected


@pytest.fixture
def reel_of() -> Callable[[vs.VideoNode], ServedReel]:
    """A clip as a reel of one shot."""
    return _reel_of


def _reel_of(node: vs.VideoNode) -> ServedReel:
    from vsfilmrestore.media.model import Media
    from vsfilmrestore.recipes import Recipe
    from vsfilmrestore.render.reel import Reel

    medium = Media(Path("/scans/clip.vpy"), "script", node, None, node.fps, name="clip")
    return ServedReel(Reel.of_medium(medium, recipe=Recipe()))
