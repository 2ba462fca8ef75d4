"""The model of the language: what it accepts, what it says of what it does not, and what can be read of the rest."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import JsonValue, ValidationError

from dag.controls.data import SplitConfig
from dag.controls.words import WORDS
from dag.definition import Definition, parse
from dag.limits import Limits
from dag.node import Activity, Broken
from dag.places import found, places_of
from dag.problems import CODES, Problem, pointer, unescaped
from tests.dag.everything import EVERYTHING, damaged, values


def workflow(nodes: Any, **fields: Any) -> Any:
    return {"language": 1, "name": "example", "nodes": nodes, **fields}


def problems(document: Any, limits: Limits | None = None) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in parse(document, limits=limits or Limits()).problems]


def only_problem(node: Any) -> Problem:
    (problem,) = parse(workflow({"n": node})).problems
    return problem


def accepted(document: Any) -> Definition:
    parsed = parse(document)
    assert parsed.problems == ()
    assert parsed.definition is not None
    return parsed.definition


def nested(count: int, last: Any = None) -> Any:
    graph: Any = {"nodes": {"last": last or {"type": "stop"}}}
    for level in range(count):
        graph = {"nodes": {f"n{level}": {"type": "parallel", "config": {"branches": {"a": graph}}}}}
    return workflow(**graph)


def test_everything_that_the_language_has_is_accepted() -> None:
    definition = accepted(EVERYTHING)
    used = {node.type for scope in definition.graphs() for node in scope.graph.nodes.values()}
    assert used == {*WORDS, "http.request"}


def test_a_definition_reads_as_itself_when_written() -> None:
    definition = accepted(EVERYTHING)
    assert accepted(definition.document()) == definition


def test_what_was_left_out_is_not_written() -> None:
    document = workflow({"n": {"type": "delay", "config": {"for": "5m"}}})
    assert accepted(document).document() == document


def test_equal_definitions_have_equal_hashes_whatever_their_layout() -> None:
    nodes = {"a": {"type": "stop"}, "b": {"type": "stop"}}
    first = accepted(workflow(nodes)).content_hash()
    assert accepted(workflow(nodes, layout={"a": {"x": 1}})).content_hash() == first
    assert accepted(workflow(dict(reversed(nodes.items())))).content_hash() != first
    assert accepted(workflow(nodes, title="Other")).content_hash() != first


def test_the_written_order_of_nodes_cases_and_branches_is_kept() -> None:
    graph = {"nodes": {"x": {"type": "stop"}}}
    definition = accepted(
        workflow(
            {
                "z": {"type": "switch", "config": {"cases": {"q": "1", "b": "2", "m": "3"}}},
                "a": {"type": "parallel", "config": {"branches": {"d": graph, "c": graph}}},
            }
        )
    )
    assert list(definition.nodes) == ["z", "a"]
    assert definition.nodes["z"].ports == ("q", "b", "m", "default", "error")
    assert [scope.path for scope in definition.graphs()] == [
        (),
        ("nodes", "a", "config", "branches", "d"),
        ("nodes", "a", "config", "branches", "c"),
    ]


def test_graphs_are_walked_with_what_encloses_them() -> None:
    scopes = {scope.path[-1]: scope for scope in accepted(nested(2)).graphs() if scope.path}
    inner = list(accepted(nested(2)).graphs())[-1]
    assert [id for _, id in inner.enclosing] == ["n1", "n0"]
    assert inner.enclosing[0][0].path == ()
    assert scopes["a"].graph.nodes.keys() == {"last"}


def test_edges_are_read_and_keep_their_text() -> None:
    node = accepted(workflow({"n": {"type": "stop", "needs": ["a", "b.true"]}})).nodes["n"]
    assert [(edge.id, edge.port, edge.text) for edge in node.edges] == [("a", "out", "a"), ("b", "true", "b.true")]


@pytest.mark.parametrize(
    ("node", "ports"),
    [
        ({"type": "if", "config": {"condition": "1"}}, "true false error"),
        ({"type": "switch", "config": {"cases": {"a": "1"}}}, "a default error"),
        ({"type": "http.request"}, "out error"),
        ({"type": "stop"}, ""),
        ({"type": "break"}, "out"),
        ({"type": "continue", "config": {"when": "1"}}, "out"),
        ({"type": "fail", "config": {"code": "user.x"}}, "error"),
        ({"type": "fail", "on_error": "continue", "config": {"code": "user.x"}}, "out error"),
        ({"type": "approval", "config": {"title": "?"}}, "approved rejected timeout error"),
        ({"type": "ask", "config": {"title": "?", "form": {}}}, "answered timeout error"),
        ({"type": "wait_event", "config": {"events": [{"name": "a"}]}}, "received timeout error"),
        ({"type": "set", "config": {"values": {"a": "1"}}}, "out error"),
    ],
)
def test_a_node_has_the_ports_of_its_type(node: Any, ports: str) -> None:
    assert accepted(workflow({"n": node})).nodes["n"].ports == tuple(ports.split())


def test_a_written_null_is_an_output() -> None:
    nodes = {"n": {"type": "stop"}}
    assert accepted(workflow(nodes, output=None)).has_output
    assert not accepted(workflow(nodes)).has_output


def test_the_places_of_expressions_and_templates_are_known() -> None:
    nodes = accepted(EVERYTHING).nodes
    held = {id: {(place.pattern, place.holds) for place in places_of(node)} for id, node in nodes.items()}
    assert (("config", "cases", "*"), "expression") in held["size"]
    assert (("config", "cases", "*"), "template") in held["kind"]
    assert (("retry", "when"), "expression") in held["fetch"]
    assert (("config",), "template") in held["fetch"]
    assert (("config", "body"), "graph") in held["turns"]
    assert (("config", "name"), "expression") not in held["tell"]
    matches = list(found(nodes["heard"], ("config", "events", "*", "match")))
    assert matches == [(("config", "events", 0, "match"), "event.payload.ok")]


BODY = {"nodes": {"x": {"type": "stop"}}}
# fmt: off
BAD: list[tuple[Any, str, str]] = [
    ({"type": "iff"}, "unknown_type", "/type"),
    ({"type": "broken"}, "unknown_type", "/type"),
    ({"type": 5}, "wrong_type", "/type"),
    ({}, "missing_field", "/type"),
    ([], "wrong_type", ""),
    ({"type": "http.request", "needs": "a"}, "wrong_type", "/needs"),
    ({"type": "http.request", "needs": ["a.b.c"]}, "invalid_value", "/needs/0"),
    ({"type": "http.request", "title": None}, "wrong_type", "/title"),
    ({"type": "http.request", "title": 5}, "wrong_type", "/title"),
    ({"type": "http.request", "timeout": 5}, "wrong_type", "/timeout"),
    ({"type": "http.request", "timeout": "0s"}, "invalid_value", "/timeout"),
    ({"type": "http.request", "timeout": "5 minutes"}, "invalid_value", "/timeout"),
    ({"type": "http.request", "config": None}, "wrong_type", "/config"),
    ({"type": "http.request", "on_error": "go on"}, "invalid_value", "/on_error"),
    ({"type": "http.request", "retry": {"max_attempts": 0}}, "invalid_value", "/retry/max_attempts"),
    ({"type": "http.request", "retry": {"max_attempts": True}}, "wrong_type", "/retry/max_attempts"),
    ({"type": "http.request", "retry": {"max_attempts": "5"}}, "wrong_type", "/retry/max_attempts"),
    ({"type": "http.request", "retry": {"attempts": 5}}, "unknown_field", "/retry/attempts"),
    ({"type": "http.request", "retry": {"never": ["Bad code"]}}, "invalid_value", "/retry/never/0"),
    ({"type": "http.request", "mask": ["body"]}, "invalid_value", "/mask/0"),
    ({"type": "http.request", "mask": ["/a"], "cache": {"ttl": "1d"}}, "field_not_allowed", "/cache"),
    ({"type": "http.request", "cache": {}}, "missing_field", "/cache/ttl"),
    ({"type": "http.request", "join": "some"}, "invalid_value", "/join"),
    ({"type": "http.request", "join": {"count": 0}}, "invalid_value", "/join/count"),
    ({"type": "http.request", "rest": "ignore"}, "unknown_field", "/rest"),
    ({"type": "http.request", "when": ""}, "invalid_value", "/when"),
    ({"type": "http.request", "when": "${{ input.a }}"}, "invalid_value", "/when"),
    ({"type": "http.request", "when": True}, "wrong_type", "/when"),
    ({"type": "if", "config": {"condition": "1"}, "on_error": "continue"}, "field_not_allowed", "/on_error"),
    ({"type": "set", "config": {"values": {"a": "1"}}, "retry": {}}, "field_not_allowed", "/retry"),
    ({"type": "http.request", "compensate": {"type": "stop"}}, "invalid_value", "/compensate/type"),
    ({"type": "set", "config": {"values": {"a": "1"}}, "compensate": {}}, "field_not_allowed", "/compensate"),
    ({"type": "set", "config": {"values": {}}}, "invalid_value", "/config/values"),
    ({"type": "set", "config": {"values": {"a-b": "1"}}}, "invalid_value", "/config/values/a-b"),
    ({"type": "set", "config": {"values": {"a": 1}}}, "wrong_type", "/config/values/a"),
    ({"type": "transform"}, "missing_field", "/config"),
    ({"type": "transform", "config": {}}, "missing_field", "/config/expression"),
    ({"type": "switch", "config": {"cases": {"default": "1"}}}, "reserved_name", "/config/cases/default"),
    ({"type": "switch", "config": {"cases": {"error": "1"}}}, "reserved_name", "/config/cases/error"),
    ({"type": "switch", "config": {"cases": {"out": "1"}}}, "reserved_name", "/config/cases/out"),
    ({"type": "switch", "config": {"cases": {"a": 1}}}, "wrong_type", "/config/cases/a"),
    (
        {"type": "for_each", "config": {"items": "a", "as": "nodes", "body": {"nodes": {"x": {"type": "stop"}}}}},
        "reserved_name",
        "/config/as",
    ),
    (
        {
            "type": "while",
            "config": {"condition": "1", "max_iterations": 1_000_001, "body": {"nodes": {"x": {"type": "stop"}}}},
        },
        "limit",
        "/config/max_iterations",
    ),
    ({"type": "repeat", "config": {"body": {"nodes": {"x": {"type": "stop"}}}}}, "invalid_value", "/config"),
    (
        {"type": "repeat", "config": {"times": 2, "max_iterations": 3, "body": {"nodes": {"x": {"type": "stop"}}}}},
        "field_not_allowed",
        "/config/max_iterations",
    ),
    ({"type": "try", "config": {"body": {"nodes": {"x": {"type": "stop"}}}}}, "missing_field", "/config"),
    ({"type": "parallel", "config": {"branches": {}}}, "invalid_value", "/config/branches"),
    (
        {"type": "parallel", "config": {"branches": {"A": {"nodes": {"x": {"type": "stop"}}}}}},
        "invalid_value",
        "/config/branches/A",
    ),
    ({"type": "delay", "config": {"for": "1s", "until": "2030-01-01T00:00:00Z"}}, "invalid_value", "/config"),
    ({"type": "delay", "config": {"until": "tomorrow"}}, "invalid_value", "/config/until"),
    ({"type": "fail", "config": {"code": "http.500"}}, "invalid_value", "/config/code"),
    ({"type": "workflow", "config": {"name": "templates"}}, "reserved_name", "/config/name"),
    ({"type": "workflow", "config": {"name": "${{ input.name }}"}}, "invalid_value", "/config/name"),
    ({"type": "approval", "config": {"title": "?", "assignees": ["ann"]}}, "invalid_value", "/config/assignees/0"),
    ({"type": "approval", "config": {"title": "?", "form": {"type": "objekt"}}}, "invalid_schema", "/config/form/type"),
    ({"type": "merge", "config": {"sources": ["a"], "mode": "zip"}}, "invalid_value", "/config/mode"),
    ({"type": "stop", "config": {"outputs": 1}}, "unknown_field", "/config/outputs"),
    ({"type": "transform", "config": {"expression": "1" * (64 * 1024 + 1)}}, "limit", "/config/expression"),
]
# fmt: on


@pytest.mark.parametrize(("node", "code", "path"), BAD, ids=lambda part: json.dumps(part)[:60])
def test_what_is_wrong_with_a_node_is_told_in_its_place(node: Any, code: str, path: str) -> None:
    problem = only_problem(node)
    assert (problem.code, problem.path) == (code, "/nodes/n" + path)
    assert problem.message.endswith(".")


@pytest.mark.parametrize(
    ("node", "hint"),
    [
        ({"type": "iff"}, "Did you mean `if`?"),
        ({"type": "http.request", "retry": {"max_attemps": 5}}, "Did you mean `max_attempts`?"),
        ({"type": "http.request", "on_error": "go"}, "Allowed: `fail`, `continue`."),
        ({"type": "stop", "retry": {}}, "It goes with activities."),
        ({"type": "stop", "compensate": {}}, "It goes with activities, `workflow`."),
        ({"type": "stop", "when": False}, 'Write "false", in quotes.'),
        ({"type": "stop", "timeout": 30}, 'Write "30s" for seconds.'),
        ({"type": "stop", "rest": "ignore"}, "It goes into `join`, as in `{count: 1, rest: ignore}`."),
    ],
)
def test_a_problem_says_what_would_be_right(node: Any, hint: str) -> None:
    assert only_problem(node).hint == hint


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"language": True}, [("wrong_type", "/language")]),
        ({"language": 1.0}, [("wrong_type", "/language")]),
        ({"language": 2}, [("invalid_value", "/language")]),
        ({"name": "Bad name"}, [("invalid_value", "/name")]),
        ({"name": "a\n"}, [("invalid_value", "/name")]),
        ({"name": "executions"}, [("reserved_name", "/name")]),
        ({"labels": {"a": 1}}, [("wrong_type", "/labels/a")]),
        ({"setings": {}}, [("unknown_field", "/setings")]),
        ({"settings": {"priority": 6}}, [("invalid_value", "/settings/priority")]),
        ({"settings": {"timeout": "400d"}}, [("limit", "/settings/timeout")]),
        ({"settings": {"concurrency": {"limit": 0}}}, [("invalid_value", "/settings/concurrency/limit")]),
        ({"vars": {"null": 1}}, [("reserved_name", "/vars/null")]),
        ({"nodes": {}}, [("empty_graph", "/nodes")]),
        ({"nodes": []}, [("wrong_type", "/nodes")]),
        ({"nodes": {"Bad": {"type": "stop"}}}, [("invalid_value", "/nodes/Bad")]),
        ({"nodes": {"true": {"type": "stop"}}}, [("reserved_name", "/nodes/true")]),
        ({"title": "a\0b"}, [("not_accepted", "/title")]),
        ({"output": {"a": [2**53 + 1]}}, [("number_range", "/output/a/0")]),
        ({"output": float("nan")}, [("number_range", "/output")]),
    ],
)
def test_what_is_wrong_with_a_document_is_told_in_its_place(fields: Any, found: list[tuple[str, str]]) -> None:
    assert problems({**workflow({"n": {"type": "stop"}}), **fields}) == found


def test_half_a_character_is_told_and_breaks_nothing() -> None:
    document = workflow({"n": {"type": "http.request", "title": "\ud800", "config": {"\ud800": 1}}})
    assert {path for code, path in problems(document) if code == "not_accepted"} == {
        "/nodes/n/title",
        "/nodes/n/config/?",
    }


@pytest.mark.parametrize("document", [None, [], "text", 5, {}, {1: 2}, {"nodes": object()}, workflow({"n": {1: 2}})])
def test_what_is_no_document_at_all_is_told(document: Any) -> None:
    assert problems(document)


def test_all_problems_are_told_at_once() -> None:
    document = workflow(
        {
            "a": {"type": "if", "config": {}, "retry": {}},
            "b": {"type": "repeat", "config": {"times": 1, "body": {"nodes": {"b": {"type": "nope"}, "c": {}}}}},
        },
        name="Bad",
    )
    assert sorted(problems(document)) == [
        ("duplicate_id", "/nodes/b/config/body/nodes/b"),
        ("field_not_allowed", "/nodes/a/retry"),
        ("invalid_value", "/name"),
        ("missing_field", "/nodes/a/config/condition"),
        ("missing_field", "/nodes/b/config/body/nodes/c/type"),
        ("unknown_type", "/nodes/b/config/body/nodes/b/type"),
    ]


def test_what_is_right_beside_what_is_wrong_can_still_be_read() -> None:
    document = workflow(
        {
            "good": {"type": "http.request"},
            "bad": {"type": "nope", "needs": ["good", 5, "outer"]},
            "outer": {
                "type": "repeat",
                "config": {"times": 1, "body": {"nodes": {"in_good": {"type": "stop"}, "in_bad": {"type": "if"}}}},
            },
            "Bad": {"type": "stop"},
        },
        settings={"timeout": "never", "priority": 2},
        vars={"rate": 1, "bad-name": 2},
        name="Bad",
    )
    definition = parse(document).definition
    assert definition is not None
    kinds = {id: type(node) for scope in definition.graphs() for id, node in scope.graph.nodes.items()}
    assert kinds == {
        "good": Activity,
        "bad": Broken,
        "outer": WORDS["repeat"],
        "in_good": WORDS["stop"],
        "in_bad": Broken,
    }
    assert [edge.id for edge in definition.nodes["bad"].edges] == ["good", "outer"]
    assert (definition.settings.timeout, definition.settings.priority, definition.vars) == (None, 2, {"rate": 1})


def test_a_template_passes_any_type_but_not_as_a_name() -> None:
    accepted(workflow({"n": {"type": "split", "config": {"items": "a", "size": "${{ input.size }}"}}}))
    assert only_problem({"type": "split", "config": {"items": "a", "size": "2"}}).code == "wrong_type"


def test_once_templates_are_rendered_text_that_looks_like_one_is_text() -> None:
    rendered = {"rendered": True}
    assert SplitConfig.model_validate({"items": "a", "size": 2}, context=rendered).size == 2
    with pytest.raises(ValidationError, match="size"):
        SplitConfig.model_validate({"items": "a", "size": "${{ 1 }}"}, context=rendered)


def test_graphs_nest_as_deep_as_the_limit_says_and_no_deeper() -> None:
    assert len(list(accepted(nested(31)).graphs())) == 32
    ((code, path),) = problems(nested(32))
    assert code == "limit"
    assert path.count("branches") == 32
    assert problems(nested(2), Limits(levels=2)) == [
        ("limit", "/nodes/n1/config/branches/a/nodes/n0/config/branches/a")
    ]


def test_the_deepest_graphs_may_hold_deep_values_and_are_hashed() -> None:
    value: JsonValue = 1
    for _ in range(70):
        value = [value]
    definition = accepted(nested(31, {"type": "http.request", "config": {"value": value}}))
    assert accepted(definition.document()).content_hash() == definition.content_hash()


@pytest.mark.parametrize("count", [33, 1_000, 100_000])
def test_too_deep_a_document_is_refused_soon(count: int) -> None:
    document = nested(count)
    begun = time.process_time()
    assert {code for code, _ in problems(document)} == {"limit"}
    assert time.process_time() - begun < 2
    while isinstance(document, dict) and document:
        _, document = document.popitem()


def chain(count: int) -> Any:
    return workflow(
        {
            f"n{n}": {
                "type": "http.request",
                "needs": [f"n{n - 1}"] if n else [],
                "config": {"url": "https://x.example/${{ input.a }}", "body": {"a": [1, 2, 3]}},
                "retry": {"max_attempts": 3, "initial": "1s"},
            }
            for n in range(count)
        }
    )


def test_ten_thousand_nodes_are_read_soon_and_one_more_is_refused() -> None:
    document = chain(10_000)
    begun = time.process_time()
    assert len(accepted(document).nodes) == 10_000
    assert time.process_time() - begun < 1.5
    begun = time.process_time()
    assert problems(chain(10_001)) == [("limit", "/nodes")]
    assert time.process_time() - begun < 1


def test_nodes_are_counted_over_all_graphs() -> None:
    limits = Limits(nodes=3)
    assert problems(nested(2), limits) == []
    assert problems(nested(3), limits) == [("limit", "/nodes")]


def test_many_problems_are_told_soon_and_not_all() -> None:
    document = chain(10_000)
    for node in document["nodes"].values():
        node["nonsense"] = 1
        node["needs"] = [1, 2, 3]
    begun = time.process_time()
    parsed = parse(document)
    assert time.process_time() - begun < 3
    assert len(parsed.problems) == 1001
    assert parsed.problems[-1].code == "more"


@pytest.mark.parametrize("node", [{"type": "stop", "needs": [1] * 900_000}, {str(n): 1 for n in range(900_000)}])
def test_a_million_problems_are_refused_soon(node: Any) -> None:
    begun = time.process_time()
    assert len(problems(workflow({"n": {"type": "stop", **node}}))) == 1
    assert time.process_time() - begun < 8


@settings(deadline=None, max_examples=100)
@given(damaged() | values)
def test_whatever_the_document_its_problems_are_well_told_and_never_an_exception(document: Any) -> None:
    for problem in parse(document).problems:
        assert problem.code in CODES
        assert problem.message.endswith((".", "?"))
        assert problem.path == "" or problem.path.startswith("/")
        json.dumps(problem.value(), ensure_ascii=False).encode()


@settings(deadline=None, max_examples=100)
@given(damaged())
def test_a_document_without_problems_reads_as_itself_when_written(document: Any) -> None:
    parsed = parse(document)
    if parsed.definition is not None and not parsed.problems:
        assert parse(parsed.definition.document()).definition == parsed.definition


@settings(deadline=None, max_examples=100)
@given(damaged())
def test_nothing_is_broken_without_a_problem_that_points_into_it(document: Any) -> None:
    parsed = parse(document)
    for scope in parsed.definition.graphs() if parsed.definition is not None else ():
        for id, node in scope.graph.nodes.items():
            place = pointer((*scope.path, "nodes", id))
            told = any(one.path == place or one.path.startswith(place + "/") for one in parsed.problems)
            assert told or not isinstance(node, Broken)


@settings(deadline=None, max_examples=100)
@given(damaged())
def test_a_problem_points_at_something_written_or_just_missing(document: Any) -> None:
    for problem in parse(document).problems:
        here = document
        steps = unescaped(problem.path)
        for step in steps[:-1]:
            assert isinstance(here, (dict, list)), problem
            if "?" in step:
                break
            here = here[int(step)] if isinstance(here, list) else here[step]
