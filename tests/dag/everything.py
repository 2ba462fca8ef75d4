"""A document with everything in it that the language has, whole and damaged."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from dag.documents import read

EVERYTHING: Any = read((Path(__file__).parent / "everything.yaml").read_text(), format="yaml")

_KEYS = st.sampled_from(["type", "config", "nodes", "body", "needs", "retry", "x", "value", "if", "\0if", "[key]", "A"])
_WORDS = st.sampled_from(["5m", "${{ input.a }}", "if", "stop", "http.request", "a.b", "nodes", "", "\ud800", "any"])

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """The document with a few things changed, taken away or added."""
    document = copy.deepcopy(EVERYTHING)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(_PATHS))
        here = document
        for step in way:
            here = here.get(step) if isinstance(here, dict) else None
        if isinstance(here, dict):
            match draw(st.sampled_from(["change", "take away", "add"])):
                case "change":
                    here[last] = draw(values)
                case "take away":
                    here.pop(last, None)
                case _:
                    here[draw(_KEYS)] = draw(values)
    return document


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inside: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inside:
        yield from _paths(child, (*path, key))


_PATHS = [path for path in _paths(EVERYTHING) if path]
