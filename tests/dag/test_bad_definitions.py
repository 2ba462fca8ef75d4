"""Bad definitions: all their problems at once, each in its place; never an exception, never slow."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dag.publishing import places, problems_of, published

CORPUS = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


def expected(text: str) -> list[tuple[str, str]]:
    """Codes and pointers from the first lines of a file of the corpus."""
    lines = [line.split() for line in text.splitlines() if line.startswith("#!")]
    return sorted((line[1], line[2] if len(line) > 2 else "") for line in lines)


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_all_problems_are_told_at_once_each_in_its_place(file: Path) -> None:
    text = file.read_text()
    started = time.perf_counter()
    problems = problems_of(text)
    assert time.perf_counter() - started < 1
    assert places(problems) == expected(text)
    for problem in problems:
        assert problem.message.endswith((".", "…"))


def workflow(nodes: object, **fields: object) -> str:
    return json.dumps({"language": 1, "name": "bad", "nodes": nodes, **fields})


def levels(count: int) -> object:
    """A document with graphs this many levels deep."""
    graph: object = {"nodes": {f"n{count}": {"type": "test.step"}}}
    for level in range(count - 1, 0, -1):
        graph = {"nodes": {f"n{level}": {"type": "repeat", "config": {"times": 1, "body": graph}}}}
    return graph


def chain(count: int) -> dict[str, object]:
    return {f"n{n}": {"type": "test.step", "needs": [f"n{n - 1}"] if n else []} for n in range(count)}


STEP = {"type": "test.step"}
LONG = "x" * 2_000_000
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

TEXTS: dict[str, tuple[str | bytes, list[tuple[str, str]]]] = {
    "nothing": ("", [("wrong_type", "")]),
    "a list": ("[1, 2]", [("wrong_type", "")]),
    "no YAML": ("nodes: {a: [", [("syntax", "")]),
    "no JSON": ('{"nodes": }', [("syntax", "")]),
    "bytes that are no text": (b"\xff\xfe\x00", [("not_accepted", "")]),
    "a duplicate key in YAML": ("nodes:\n  a: {type: test.step}\n  a: {type: test.step}\n", [("duplicate_key", "/nodes/a")]),
    "duplicate keys in JSON": ('{"nodes": {"a": {}, "a": {}}, "name": 1, "name": 2}', [("duplicate_key", "/name"), ("duplicate_key", "/nodes/a")]),
    "a YAML tag": ("nodes: !!python/object/apply:os.system [ls]\n", [("not_accepted", "/nodes")]),
    "two YAML documents": ("a: 1\n---\nb: 2\n", [("not_accepted", "")]),
    "a YAML bomb": (BOMB, [("limit", "")]),
    "YAML that holds itself": ("a: &a {b: *a}\n", [("not_accepted", "/a/b")]),
    "JSON nested too deep": ('{"a":' * 100_000 + "1" + "}" * 100_000, [("limit", "")]),
    "YAML nested too deep": ("[" * 100_000 + "]" * 100_000, [("limit", "")]),
    "NUL in an expression and in a key": (
        workflow({"a": {"type": "transform", "config": {"expression": "'\0'"}}}, labels={"a\0b": "c"}),
        [("not_accepted", "/nodes/a/config/expression"), ("not_accepted", "/labels/a\ufffdb")],
    ),
    "half a character": (
        workflow({"a": {"type": "test.step", "config": {"value": "\ud800"}}, "b": {"type": "test.stpe"}}),
        [("not_accepted", "/nodes/a/config/value"), ("unknown_type", "/nodes/b/type")],
    ),
    "numbers that do not survive": (
        workflow({"a": {"type": "test.step", "config": {"value": [2**53 + 1, 10**400, float("nan"), float("inf")]}}}),
        [("number_range", f"/nodes/a/config/value/{n}") for n in range(4)],
    ),
    "33 levels": (json.dumps({"language": 1, "name": "bad", **levels(33)}), []),
    "10,001 nodes": (workflow(chain(10_001)), [("limit", "/nodes")]),
    "a document of 6 MB": (workflow({"a": {**STEP, "description": LONG * 3}}), [("limit", "")]),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_text_that_is_no_definition_says_why(case: str) -> None:
    text, wrong = TEXTS[case]
    started = time.perf_counter()
    problems = problems_of(text)
    assert time.perf_counter() - started < 5
    assert places(problems) == sorted(wrong)
