"""Bad definitions: all their problems at once, each in its place; never an exception, never slow.

Times are of this process's own work, since other tests run beside it."""

import json
import time
from pathlib import Path

import pytest

from tests.dag.publishing import places, problems_of, published

CORPUS = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


def expected(text: str) -> list[tuple[str, str]]:
    """Codes and pointers from the first lines of a file of the corpus."""
    lines = [line.split() for line in text.splitlines() if line.startswith("#!")]
    return sorted((line[1], line[2] if len(line) > 2 else "") for line in lines)


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_all_problems_are_told_at_once_each_in_its_place(file: Path) -> None:
    text = file.read_text()
    started = time.thread_time()
    problems = problems_of(text)
    assert time.thread_time() - started < 1
    assert places(problems) == expected(text)
    for problem in problems:
        assert problem.message.endswith((".", "?"))


def workflow(nodes: object, **fields: object) -> str:
    return json.dumps({"language": 1, "name": "bad", "nodes": nodes, **fields})


def inside(count: int) -> str:
    """The place of the graph that lies within this many."""
    return "".join(f"/nodes/n{level}/config/body" for level in range(1, count + 1))


def levels(count: int) -> dict[str, object]:
    """A graph with others in it, this many levels deep."""
    graph: dict[str, object] = {"nodes": {f"n{count}": {"type": "test.step"}}}
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
    "nothing": ("", [("syntax", "")]),
    "a list": ("[1, 2]", [("wrong_type", "")]),
    "no YAML": ("nodes: {a: [", [("syntax", "")]),
    "no JSON": ('{"nodes": }', [("syntax", "")]),
    "bytes that are no text": (b"\xff\xfe\x00", [("not_accepted", "")]),
    "a duplicate key in YAML": (
        "nodes:\n  a: {type: test.step}\n  a: {type: test.step}\n",
        [("duplicate_key", "/nodes/a")],
    ),
    "duplicate keys in JSON": (
        '{"nodes": {"a": {}, "a": {}}, "name": 1, "name": 2}',
        [("duplicate_key", "/name"), ("duplicate_key", "/nodes/a")],
    ),
    "a YAML tag": ("nodes: !!python/object/apply:os.system [ls]\n", [("not_accepted", "/nodes")]),
    "two YAML documents": ("a: 1\n---\nb: 2\n", [("not_accepted", "")]),
    "a YAML bomb": (BOMB, [("limit", "/g/2")]),
    "YAML that holds itself": ("a: &a {b: *a}\n", [("not_accepted", "/a/b")]),
    "JSON nested too deep": ('{"a":' * 100_000 + "1" + "}" * 100_000, [("limit", "")]),
    "YAML nested too deep": ("[" * 100_000 + "]" * 100_000, [("limit", "/0" * 240)]),
    "NUL in an expression and in a key": (
        workflow({"a": {"type": "transform", "config": {"expression": "'\0'"}}}, labels={"a\0b": "c"}),
        [("not_accepted", "/nodes/a/config/expression"), ("not_accepted", "/labels/a?b")],
    ),
    "half a character": (
        workflow({"a": {"type": "test.step", "config": {"value": "\ud800"}}}),
        [("not_accepted", "/nodes/a/config/value")],
    ),
    "numbers that do not survive": (
        workflow({"a": {"type": "test.step", "config": {"value": [2**53 + 1, 10**400, float("nan"), float("inf")]}}}),
        [("number_range", f"/nodes/a/config/value/{n}") for n in range(4)],
    ),
    "33 levels": (json.dumps({"language": 1, "name": "bad", **levels(33)}), [("limit", inside(32))]),
    "10,001 nodes": (workflow(chain(10_001)), [("limit", "/nodes")]),
    "a document of 6 MB": (workflow({"a": {**STEP, "description": LONG * 3}}), [("limit", "")]),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_text_that_is_no_definition_says_why(case: str) -> None:
    text, wrong = TEXTS[case]
    started = time.thread_time()
    problems = problems_of(text)
    assert time.thread_time() - started < 5
    assert places(problems) == sorted(wrong)


def itself() -> dict[str, object]:
    document: dict[str, object] = {"language": 1, "name": "bad"}
    document["nodes"] = document
    return document


def deep(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value


def document(nodes: object, **fields: object) -> dict[str, object]:
    return {"language": 1, "name": "bad", "nodes": nodes, **fields}


def transform(expression: str) -> dict[str, object]:
    return {"type": "transform", "config": {"expression": expression}}


DOCUMENTS: dict[str, tuple[object, list[tuple[str, str]]]] = {
    "null": (None, [("wrong_type", "")]),
    "text": ("nodes", [("wrong_type", "")]),
    "a document that holds itself": (itself(), [("limit", "/nodes" * 240)]),
    "lists without end": (
        document({"a": {**STEP, "config": {"value": deep(50_000)}}}),
        [("limit", "/nodes/a/config/value" + "/0" * 236)],
    ),
    "what is no JSON": (
        document({"a": {**STEP, "config": {"value": {1, 2}}}}),
        [("wrong_type", "/nodes/a/config/value")],
    ),
    "half a character beside others": (
        document({"a": {**STEP, "config": {"value": "\ud800"}}, "b": {"type": "test.stpe", "when": "foo"}}),
        [
            ("not_accepted", "/nodes/a/config/value"),
            ("unknown_type", "/nodes/b/type"),
            ("unknown_root", "/nodes/b/when"),
        ],
    ),
    "half a character in an expression": (
        document({"a": transform("'\ud800'")}),
        [("expression.failed", "/nodes/a/config/expression"), ("not_accepted", "/nodes/a/config/expression")],
    ),
    "long text everywhere": (
        document(
            {
                "a": {"type": LONG},
                "b": {**STEP, "needs": [LONG], "when": LONG, "title": LONG},
                "c": {**STEP, "queue": LONG},
                "d": {**STEP, "config": {LONG: 1}},
                "e": {"type": "test." + LONG.lower()},
                "f": {**STEP, "config": {"value": "${{ nodes." + LONG[:60_000] + ".output }}"}},
            }
        ),
        [
            ("unknown_type", "/nodes/a/type"),
            ("invalid_value", "/nodes/b/needs/0"),
            ("limit", "/nodes/b/when"),
            ("unknown_queue", "/nodes/c/queue"),
            ("invalid_config", "/nodes/d/config/" + LONG),
            ("unknown_type", "/nodes/e/type"),
            ("unknown_node", "/nodes/f/config/value"),
        ],
    ),
    "an expression longer than 64 KiB": (
        document({"a": transform("1 + " * 20_000 + "1")}),
        [("limit", "/nodes/a/config/expression")],
    ),
    "a template of 2 MB": (
        document({"a": {**STEP, "config": {"value": "${{ '" + LONG + "' }}"}}}),
        [("expression.failed", "/nodes/a/config/value")],
    ),
    "parentheses without end": (
        document({"a": transform("(" * 60_000)}),
        [("expression.budget", "/nodes/a/config/expression")],
    ),
    "paths without end": (
        document({"a": transform("input" + ".a" * 30_000)}),
        [("expression.budget", "/nodes/a/config/expression")],
    ),
    "operators without end": (
        document({"a": transform("-" * 60_000 + "1")}),
        [("expression.budget", "/nodes/a/config/expression")],
    ),
    "a hundred thousand markers": (
        document({"a": {**STEP, "config": {"value": "${{ foo }}" * 100_000}}}),
        [("unknown_root", "/nodes/a/config/value")],
    ),
    "markers without end": (
        document({"a": {**STEP, "config": {"value": "${{ {" * 100_000}}}),
        [("expression.failed", "/nodes/a/config/value")],
    ),
    "a schema with a remote reference": (
        document({"a": STEP}, input={"$ref": "https://example.com/x"}),
        [("invalid_schema", "/input/$ref")],
    ),
    "a pattern that explodes": (
        document({"a": STEP}, input={"pattern": "(a{1,1000}){1,1000}"}),
        [("invalid_schema", "/input/pattern")],
    ),
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_a_hostile_document_is_refused_within_a_second(case: str) -> None:
    value, wrong = DOCUMENTS[case]
    started = time.thread_time()
    problems = published(value).problems
    assert time.thread_time() - started < 1
    assert places(problems) == sorted(wrong)
    assert all(len(problem.message) < 500 and len(problem.hint or "") < 2_000 for problem in problems)


MANY = range(9_000)


def setting(number: int) -> dict[str, object]:
    return {"type": "set", "config": {"values": {"x": str(number)}}}


CROWDS: dict[str, tuple[object, list[str]]] = {
    "a circle of all": (document({f"n{n}": {**STEP, "needs": [f"n{(n + 1) % 9_000}"]} for n in MANY}), ["cycle"]),
    "circles of two": (document({f"n{n}": {**STEP, "needs": [f"n{n ^ 1}"]} for n in MANY}), ["cycle", "more"]),
    "types that are near": (document({f"n{n}": {"type": f"test.step{n}"} for n in MANY}), ["more", "unknown_type"]),
    "edges from names that are near": (
        document({f"node_{n}": {**STEP, "needs": [f"nod_{n}"]} for n in MANY}),
        ["more", "unknown_node"],
    ),
    "references to names that are near": (
        document({f"node_{n}": {**STEP, "when": f"nodes.nod_{n}.output and vrs{n}"} for n in MANY}),
        ["more", "unknown_node", "unknown_root"],
    ),
    "variables that are near": (
        document(
            {"a": {"type": "set", "config": {"values": {f"vr_{n}": "1" for n in MANY}}}},
            vars={f"var_{n}": 1 for n in MANY},
        ),
        ["more", "unknown_variable"],
    ),
    "nodes that set the same at once": (document({f"n{n}": setting(n) for n in MANY}, vars={"x": 0}), []),
    "cases that set the same": (
        document(
            {
                "way": {"type": "switch", "config": {"value": "input.x", "cases": {f"c{n}": n for n in MANY}}},
                **{f"n{n}": {**setting(n), "needs": [f"way.c{n}"]} for n in MANY},
            },
            vars={"x": 0},
        ),
        [],
    ),
    "branches of branches": (
        document(
            {
                "fan": {
                    "type": "parallel",
                    "config": {"branches": {f"b{n}": {"vars": {"v": n}, "nodes": {f"s{n}": setting(n)}} for n in MANY}},
                }
            },
            vars={f"x{n}": 0 for n in MANY} | {"x": 0},
        ),
        [],
    ),
    "fields that are not there": (document({f"n{n}": {**STEP, "nedes": []} for n in MANY}), ["more", "unknown_field"]),
}


@pytest.mark.parametrize("case", CROWDS)
def test_thousands_of_problems_are_told_within_seconds(case: str) -> None:
    value, codes = CROWDS[case]
    started = time.thread_time()
    problems = published(value).problems
    took = time.thread_time() - started
    print(f"{case}: {len(problems)} problems, {took:.2f} s")
    assert took < 5
    assert sorted({problem.code for problem in problems if problem.severity == "error"}) == codes
