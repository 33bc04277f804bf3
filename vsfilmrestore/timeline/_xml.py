"""XML from strangers: read into a plain tree with line numbers, without entities, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.parsers import expat

from vsfilmrestore.errors import TimelineError
from vsfilmrestore.timeline._remarks import Remarks
from vsfilmrestore.timeline._text import lines_of, read_text

__all__ = ["Node", "read_xml"]

_MOST_NODES: Final = 2_000_000
_DEEPEST: Final = 200


@dataclass(slots=True)
class Node:
    """An element.

    Attributes:
        tag: Its name.
        attributes: Its attributes.
        line: Line its start tag stands on, from 1.
        text: Its own text up to its first child, stripped.
        children: Elements in it, in order.
    """

    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.children)

    def get(self, name: str, default: str = "") -> str:
        """An attribute."""
        return self.attributes.get(name, default)

    def all(self, *tags: str) -> list[Node]:
        """Its children of these names, in order."""
        return [child for child in self.children if child.tag in tags]

    def first(self, path: str) -> Node | None:
        """The first element at a path of names below it: ``rate/timebase``."""
        node = self
        for name in path.split("/"):
            for child in node.children:
                if child.tag == name:
                    node = child
                    break
            else:
                return None
        return node

    def value(self, path: str, default: str = "") -> str:
        """The text of the first element at a path below it."""
        node = self.first(path)
        return node.text if node is not None else default

    def walk(self) -> Iterator[Node]:
        """It and all elements below it, in the order of the file."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


def read_xml(path: Path, remarks: Remarks) -> Node:
    """The root element of an XML file.

    Raises:
        TimelineError: Not readable, not XML (with the line), declares entities, or is beyond all bounds.
    """
    text = read_text(path, remarks)
    builder = _Builder(path)
    return builder.root(text)


class _Builder:
    def __init__(self, path: Path) -> None:
        self._path = path
        # The text is decoded already: what its first line says of its encoding no longer holds.
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._entity
        self._stack: list[Node] = []
        self._text: list[str] = []
        self._root: Node | None = None
        self._count = 0
        self._above = 0

    def root(self, text: str) -> Node:
        body = text.lstrip()
        self._above = len(lines_of(text[: len(text) - len(body)])) - 1
        try:
            self._parser.Parse(body.encode(), True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            line = self._above + error.lineno
            raise TimelineError(f"not readable as XML: {reason}", file=self._path, line=line) from None
        assert self._root is not None
        return self._root

    @property
    def _line(self) -> int:
        return self._above + self._parser.CurrentLineNumber

    def _fail(self, message: str) -> TimelineError:
        return TimelineError(message, file=self._path, line=self._line)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_NODES or len(self._stack) >= _DEEPEST:
            raise self._fail("the XML is nested too deeply, or too large for a cut list")
        node = Node(tag, attributes, self._above + self._parser.CurrentLineNumber)
        if self._stack:
            self._keep_text(self._stack[-1])
            self._stack[-1].children.append(node)
        else:
            self._root = node
        self._stack.append(node)

    def _end(self, tag: str) -> None:
        self._keep_text(self._stack.pop())

    def _characters(self, text: str) -> None:
        if not self._stack[-1].children:
            self._text.append(text)

    def _keep_text(self, node: Node) -> None:
        if self._text:
            node.text = "".join(self._text).strip()
            self._text.clear()

    def _entity(self, *declaration: object) -> None:
        raise self._fail("the XML declares entities of its own, which cut lists never need; refused")
