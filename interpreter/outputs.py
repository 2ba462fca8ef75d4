"""The outputs of an execution's nodes: decoded when first read, packed into segments that continue-as-new carries on.

A segment, once full, keeps its bytes as long as most of what is in it is of use: external storage goes by content and
stores it once, however often it is carried.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson
from pydantic import JsonValue

from dag.errors import PerdureError
from dag.json_writing import compact

SEGMENT_BYTES = 128 * 1024
MOST_BYTES = 256 * 1024 * 1024
"""Of all outputs of one execution, as JSON."""
DECODED_BYTES = 32 * 1024 * 1024
"""So many of them are kept as values too, which may take ten times as much memory."""
SMALL = 1024
"""Outputs that always have room."""


class OutputsTooLarge(PerdureError):
    """The outputs of the execution's nodes take more than 256 MiB together; keep what is large elsewhere."""

    code = "limit.outputs"


@dataclass(slots=True)
class Index:
    """Which nodes' outputs stand in which segment, in the order of the segments; -1 for what is of no use any more."""

    segments: list[list[int]] = field(default_factory=list[list[int]])


DROPPED = -1


class Outputs:
    """Outputs by node. Holds the JSON text of each, and its value once somebody asked."""

    def __init__(self, index: Index | None = None, segments: Sequence[bytes] = ()):
        self._values: dict[int, JsonValue] = {}
        self._decoded = 0
        """The bytes that those take as text."""
        self._total = 0
        self._texts: dict[int, bytes] = {}
        self._sealed: list[tuple[list[int], bytes]] = []
        self._in_segment: dict[int, int] = {}
        for nodes, text in zip(index.segments if index else (), segments, strict=True):
            self._sealed.append((nodes, text))
            self._total += len(text)
            for node in nodes:
                if node != DROPPED:
                    self._in_segment[node] = len(self._sealed) - 1
        if self._sealed and len(self._sealed[-1][1]) < SEGMENT_BYTES:
            self._open_last()

    def put(self, node: int, text: bytes) -> None:
        """Keep an output as JSON text, in place of what was there. Raises OutputsTooLarge."""
        if node in self._texts or node in self._in_segment:
            self.drop(node)
        self._total += len(text)
        if self._total > MOST_BYTES and len(text) > SMALL:
            self._total -= len(text)
            raise OutputsTooLarge
        self._texts[node] = compact(text)

    def has_room(self, size: int) -> bool:
        """Whether outputs of so many bytes find room."""
        return self._total + size <= MOST_BYTES

    def put_value(self, node: int, value: JsonValue) -> None:
        """Keep an output that was computed here. Raises OutputsTooLarge."""
        text = orjson.dumps(value)
        self.put(node, text)
        self._make_room(len(text))
        self._values[node] = value

    def drop(self, node: int) -> None:
        """Forget an output, if there is one."""
        self._values.pop(node, None)
        if (text := self._texts.pop(node, None)) is not None:
            self._total -= len(text)
        else:
            self._in_segment.pop(node, None)  # its bytes count until the segment is packed anew

    def __contains__(self, node: int) -> bool:
        return node in self._texts or node in self._in_segment

    def size(self, node: int) -> int:
        """The length of an output's JSON text that was put in this run."""
        return len(self._texts[node])

    def value(self, node: int) -> JsonValue:
        """The output of a node that has one."""
        if node not in self._values:
            if (text := self._texts.get(node)) is not None:
                self._make_room(len(text))
                self._values[node] = orjson.loads(text)
            else:
                segment = self._in_segment[node]
                self._make_room(len(self._sealed[segment][1]))
                self._values.update(self._unpacked(segment))
        return self._values[node]

    def text(self, node: int) -> bytes:
        """The output of a node that has one, as JSON text."""
        text = self._texts.get(node)
        return orjson.dumps(self.value(node)) if text is None else text

    @property
    def total(self) -> int:
        """The bytes that they all take as JSON."""
        return self._total

    def _make_room(self, size: int) -> None:
        """For values that take so many bytes as text: those before go when it becomes too much, and are decoded again
        when needed."""
        if self._decoded + size > DECODED_BYTES:
            self._values.clear()
            self._decoded = 0
        self._decoded += size

    def pack(self) -> tuple[Index, list[bytes]]:
        """Everything as segments: those that were full stay as they are, unless most of what is in them is dropped."""
        packed = [*self._useful(), *self._filled()]
        return Index([nodes for nodes, _ in packed]), [text for _, text in packed]

    def _useful(self) -> Iterator[tuple[list[int], bytes]]:
        """The sealed segments; what is left of those that are mostly dropped goes to the rest."""
        for segment, (nodes, text) in enumerate(self._sealed):
            left = [node if self._in_segment.get(node) == segment else DROPPED for node in nodes]
            if 2 * left.count(DROPPED) <= len(left):
                yield left, text
            else:
                self._texts.update((node, compact(orjson.dumps(value))) for node, value in self._unpacked(segment))

    def _unpacked(self, segment: int) -> Iterator[tuple[int, JsonValue]]:
        nodes, text = self._sealed[segment]
        values: list[JsonValue] = orjson.loads(text)
        for node, value in zip(nodes, values, strict=True):
            if self._in_segment.get(node) == segment:
                yield node, value

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
        left = dict(self._unpacked(len(self._sealed) - 1))
        self._total -= len(self._sealed.pop()[1])
        for node, value in left.items():
            del self._in_segment[node]
            self.put_value(node, value)
