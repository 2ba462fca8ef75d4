"""What differs between two documents: all of it, from either side, and nothing else."""

import copy
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dag.changelog import changelog
from dag.comparing import compare
from dag.difference import Difference, FieldChange, OrderChange
from tests.dag.everything import _paths as paths
from tests.dag.everything import damaged
from tests.reference.strategies import nested

Document = dict[str, Any]


def stored(document: Any) -> Document:
    """A draft as it is kept; nothing of one that cannot be."""
    try:
        kept = orjson.loads(orjson.dumps(document))
    except TypeError:  # half characters
        return {}
    return kept if isinstance(kept, dict) else {}


WHOLE: st.SearchStrategy[Document] = nested().map(dict)
DRAFTS: st.SearchStrategy[Document] = (damaged() | WHOLE).map(stored).filter(bool)
FEW = settings(max_examples=15)
OLD: Document = {
    "language": 1,
    "name": "pay",
    "settings": {"timeout": "2d"},
    "nodes": {
        "fetch": {"type": "http.request", "config": {"url": "https://a"}},
        "size": {
            "type": "switch",
            "needs": ["fetch"],
            "config": {"cases": {"large": "nodes.fetch.output", "odd": "1"}},
        },
        "each": {
            "type": "for_each",
            "needs": ["size.large"],
            "config": {"items": "[1]", "body": {"nodes": {"p": {"type": "transform", "config": {"expression": "1"}}}}},
        },
    },
    "layout": {"fetch": {"x": 1}, "each": {"x": 2}},
}


@FEW
@given(DRAFTS, DRAFTS)
def test_either_side_tells_the_same(old: Document, new: Document) -> None:
    assert unordered(compare(new, old)) == unordered(mirrored(compare(old, new)))
    assert compare(old, orjson.loads(orjson.dumps(old))).same


@pytest.mark.parametrize("node", [None, 5, "set", [1], {}])
def test_what_is_no_node_but_the_same_does_not_differ(node: object) -> None:
    draft: Document = {"nodes": {"a": node}}
    assert compare(draft, copy.deepcopy(draft)).same


@FEW
@given(DRAFTS, DRAFTS)
def test_what_differs_can_always_be_told_to_people(old: Document, new: Document) -> None:
    told = changelog(compare(old, new), old="1", new="2")
    assert all(char == "\n" or char.isprintable() for char in told)


@FEW
@given(WHOLE, st.data())
def test_nothing_that_differs_is_passed_over(document: Document, data: st.DataObject) -> None:
    *way, last = data.draw(st.sampled_from([path for path in paths(document) if path]))
    changed = copy.deepcopy(document)
    here = changed
    for step in way:
        here = here[step]
    here[last] = "another"
    assert compare(document, changed).same == (document == changed)


@FEW
@given(WHOLE, st.dictionaries(st.text(max_size=5), st.integers(), min_size=1, max_size=3))
def test_a_moved_drawing_is_told_as_no_more_than_that(document: Document, layout: dict[str, int]) -> None:
    moved: Document = {**document, "layout": layout}
    assert compare(document, moved).only_layout


@FEW
@given(WHOLE, st.data())
def test_a_node_under_another_id_is_the_same_node(document: Document, data: st.DataObject) -> None:
    id: str = data.draw(st.sampled_from([*document["nodes"]]))
    renamed = re.sub(rf"(?<=\"){id}(?=[\".])|(?<=nodes\.){id}\b", "other", orjson.dumps(document).decode())
    found = compare(document, orjson.loads(renamed))
    assert [(node.change, node.fields) for node in found.nodes] == [("renamed", ())]
    assert found == Difference(nodes=found.nodes, references=found.references)


def test_a_renamed_node_is_told_with_all_that_follows_its_name() -> None:
    found = compare(OLD, orjson.loads(orjson.dumps(OLD).replace(b"fetch", b"load")))
    assert [(node.change, node.fields) for node in found.nodes] == [("renamed", ())]
    assert [field.new and field.new.path for field in found.references] == ["/nodes/size/config/cases/large"]
    assert found == Difference(nodes=found.nodes, references=found.references)


def test_of_two_nodes_that_are_alike_none_is_taken_for_the_other() -> None:
    twin = OLD["nodes"]["fetch"]
    found = compare(with_nodes(a=twin, b=twin), with_nodes(c=twin, d=twin))
    assert sorted(node.change for node in found.nodes) == ["added", "added", "removed", "removed"]


def test_people_read_all_that_differs() -> None:
    each = OLD["nodes"]["each"]
    body: Document = {"nodes": {"p": {"type": "transform", "needs": ["q"], "config": {"expression": "2"}}, "q": each}}
    new = with_nodes(
        size={"type": "switch", "needs": ["load"], "config": {"cases": {"odd": "1", "large": "nodes.load.output"}}},
        load={**OLD["nodes"]["fetch"], "title": "Load"},
        each={**each, "retry": {"max": 2}, "config": {"items": "[1]", "body": body}},
    )
    new |= {"settings": {"priority": 1}, "layout": {"load": {"x": 1}, "each": {"x": 3}}}
    assert changelog(compare(OLD, new), old="version 1", new="the draft").splitlines() == [
        "version 1 → the draft",
        "",
        "Settings",
        "  + priority: 1",
        '  - timeout: "2d"',
        "",
        "Nodes",
        "  ~ fetch → load, renamed",
        '      + title: "Load"',
        "  ~ each.body.p",
        "      + after q",
        '      ~ config.expression: "1" → "2"',
        "  + each.body.q (for_each)",
        "      + after size.large",
        '      + config: {"items":"[1]","body":{"nodes":{"p":{"type":"transform","config":{"expression":"1"}}}}}',
        "  ~ each",
        '      + retry: {"max":2}',
        "",
        "Order",
        "  ~ in size.config.cases: large now stands after odd",
        "  ~ in the workflow: load now stands after size",
        "",
        "Followed the new names",
        '  ~ size.config.cases.large: "nodes.fetch.output" → "nodes.load.output"',
        "",
        "Drawing",
        "  ~ each",
    ]


@pytest.mark.parametrize(("old", "new"), [([1, 2, 3], [1, 3]), ([1], [1, 2, 3]), ([{"a": 1}], [0, {"a": 1}])])
def test_only_the_items_that_came_or_went_are_told(old: list[Any], new: list[Any]) -> None:
    found = compare({"name": "x", "labels": old}, {"name": "x", "labels": new})
    assert {change.change for change in found.document} == {"removed" if len(old) > len(new) else "added"}
    assert len(found.document) == abs(len(old) - len(new))


def test_numbers_and_flags_are_not_taken_for_each_other() -> None:
    found = compare({"settings": {"priority": 1}}, {"settings": {"priority": True}})
    assert [change.change for change in found.settings] == ["changed"]


def test_many_nodes_are_compared_in_a_time_that_goes_with_their_size() -> None:
    took = [_took(nodes) for nodes in (500, 5_000)]
    assert took[1] < 60 * took[0] + 1


def _took(count: int) -> float:
    def chain(letter: str) -> Document:
        nodes: Document = {
            f"{letter}{index}": {
                "type": "http.request",
                "needs": [f"{letter}{index - 1}"] if index else [],
                "config": {"url": f"https://{index}/${{{{ nodes.{letter}{max(index - 1, 0)}.output }}}}"},
            }
            for index in range(count)
        }
        return {"name": "x", "nodes": dict(reversed(nodes.items())) if letter == "m" else nodes}

    began = time.process_time()
    found = compare(chain("n"), chain("m"))
    assert len(found.nodes) == count
    assert changelog(found, old="1", new="2")
    return time.process_time() - began


def with_nodes(**nodes: Any) -> Document:
    return {**OLD, "nodes": nodes}


def mirrored(found: Difference) -> Difference:
    """What the other side should tell."""

    def swapped(changes: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(replace(change, old=change.new, new=change.old) for change in changes)

    def fields(changes: Sequence[FieldChange]) -> tuple[FieldChange, ...]:
        return swapped(changes)

    def orders(changes: Sequence[OrderChange]) -> tuple[OrderChange, ...]:
        return tuple(OrderChange(change.new_path, change.old_path, change.new, change.old) for change in changes)

    return Difference(
        document=fields(found.document),
        input=fields(found.input),
        settings=fields(found.settings),
        vars=fields(found.vars),
        nodes=tuple(replace(node, fields=fields(node.fields)) for node in swapped(found.nodes)),
        edges=swapped(found.edges),
        order=orders(found.order),
        output=fields(found.output),
        references=fields(found.references),
        layout=fields(found.layout),
    )


def unordered(found: Difference) -> dict[str, Any]:
    def sorted_(changes: Sequence[Any]) -> list[str]:
        return sorted(repr(change) for change in changes)

    nodes = [replace(node, fields=tuple(sorted(node.fields, key=repr))) for node in found.nodes]
    orders = [
        replace(change, old=tuple(sorted(change.old, key=repr)), new=tuple(sorted(change.new, key=repr)))
        for change in found.order
    ]
    return {
        **{name: sorted_(value) for name, value in vars(found).items()},
        "nodes": sorted_(nodes),
        "order": sorted_(orders),
    }
