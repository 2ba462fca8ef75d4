"""The outputs of an execution's nodes: decoded when first read, packed into segments that continue-as-new carries on.

A segment, once full, keeps its bytes: external storage goes by content and stores it once, however often it is carried.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson
from pydantic import JsonValue

SEGMENT_BYTES = 128 * 1024


@dataclass(slots=True)
class Index:
    """Which nodes' outputs stand in which segment, in the order of the segments."""

    segments: list[list[int]] = field(default_factory=list[list[int]])


class Outputs:
    """Outputs by node. Holds the JSON text of each, and its value once somebody asked."""

    def __init__(self, index: Index | None = None, segments: Sequence[bytes] = ()):
        self._values: dict[int, JsonValue] = {}
        self._texts: dict[int, bytes] = {}
        self._sealed: list[tuple[list[int], bytes]] = []
        self._in_segment: dict[int, int] = {}
        for nodes, text in zip(index.segments if index else (), segments, strict=True):
            self._sealed.append((nodes, text))
            for node in nodes:
                self._in_segment[node] = len(self._sealed) - 1
        if self._sealed and len(self._sealed[-1][1]) < SEGMENT_BYTES:
            self._open_last()

    def put(self, node: int, text: bytes) -> None:
        """Keep an output as JSON text."""
        self._texts[node] = text

    def put_value(self, node: int, value: JsonValue) -> None:
        """Keep an output that was computed here."""
        self._values[node] = value
        self._texts[node] = orjson.dumps(value)

    def __contains__(self, node: int) -> bool:
        return node in self._texts or node in self._in_segment

    def size(self, node: int) -> int:
        """The length of an output's JSON text that was put in this run."""
        return len(self._texts[node])

    def value(self, node: int) -> JsonValue:
        """The output of a node that has one."""
        if node not in self._values:
            if node in self._texts:
                self._values[node] = orjson.loads(self._texts[node])
            else:
                nodes, text = self._sealed[self._in_segment[node]]
                self._values.update(zip(nodes, orjson.loads(text), strict=True))
        return self._values[node]

    def pack(self) -> tuple[Index, list[bytes]]:
        """Everything as segments: those that were full stay as they are."""
        packed = [*self._sealed, *self._filled()]
        return Index([nodes for nodes, _ in packed]), [text for _, text in packed]

    def _filled(self) -> Iterator[tuple[list[int], bytes]]:
        nodes: list[int] = []
        texts: list[bytes] = []
        size = 0
        for node, text in self._texts.items():
            nodes.append(node)
            texts.append(text)
            size += len(text)
            if size >= SEGMENT_BYTES:
                yield nodes, b"[" + b",".join(texts) + b"]"
                nodes, texts, size = [], [], 0
        if nodes:
            yield nodes, b"[" + b",".join(texts) + b"]"

    def _open_last(self) -> None:
        """The last segment has room: what it holds is packed again with what comes."""
        nodes, text = self._sealed.pop()
        for node, value in zip(nodes, orjson.loads(text), strict=True):
            del self._in_segment[node]
            self.put_value(node, value)
