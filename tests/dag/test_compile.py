"""Plans: what a definition becomes, the same every time, and quickly however large it is."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from textwrap import dedent, indent
from typing import Any

import pytest

from dag.documents import read
from dag.plan import Call, Edge, Join, Plan, PlanGraph, Retry, Sees, Template, decode, encode
from dag.publish import Published, Refused
from tests.dag.publishing import published


def plan_of(text: str) -> Plan:
    written = read(dedent(text), format="yaml")
    assert isinstance(written, dict)
    return compiled({"language": 1, "name": "good"} | written)


def compiled(document: dict[str, Any]) -> Plan:
    result = published(document)
    assert not isinstance(result, Refused), result.problems
    return result.plan


def graph_of(nodes: str) -> PlanGraph:
    return plan_of("nodes:\n" + indent(dedent(nodes), "  ")).graph


def test_edges_are_numbered_by_target_in_the_order_of_needs() -> None:
    graph = graph_of("""
      c: {type: test.step, needs: [b.false, a, b.true]}
      a: {type: test.step}
      b: {type: if, needs: [a.error], config: {condition: input.x}}
    """)
    assert graph.edges == (Edge(2, "false", 0), Edge(1, "out", 0), Edge(2, "true", 0), Edge(1, "error", 2))


@pytest.mark.parametrize(
    ("written", "join"),
    [
        ("all", Join()),
        ("any", Join(1, cancel_rest=True)),
        ("{count: 2}", Join(2, cancel_rest=True)),
        ("{count: 2, rest: ignore}", Join(2)),
        ("{rest: ignore}", Join(1)),
    ],
)
def test_a_join_says_how_many_it_waits_for_and_whether_it_cancels_the_rest(written: str, join: Join) -> None:
    graph = graph_of(f"""
      a: {{type: test.step}}
      b: {{type: test.step}}
      c: {{type: test.step, needs: [a, b], join: {written}}}
    """)
    assert graph.nodes[2].join == join
    assert [node.branch for node in graph.nodes] == ([None] * 3 if join.count is None else [0, 1, None])


def test_an_activity_gets_the_defaults_of_its_type_by_its_config() -> None:
    graph = graph_of("""
      reads: {type: test.fetch, config: {url: "https://x"}}
      writes: {type: test.fetch, config: {url: "https://x", method: POST}}
      asked:
        type: test.fetch
        config: {url: "https://x", method: "${{ input.method }}"}
        retry: {max_attempts: 9, max: 1h, never: [http.404], when: error.code != 'x'}
        attempt_timeout: 5s
        timeout: 2m
        queue: gpu
        mask: [/body/token]
        on_error: continue
      partly: {type: test.fetch, config: {url: "https://x"}, retry: {factor: 3}}
    """)
    reads, writes, asked, partly = (node.call for node in graph.nodes)
    assert reads == Call(effects=False, retry=Retry(3, 1, 2, 60), attempt_timeout=30)
    assert writes == Call(effects=True, retry=Retry(1), attempt_timeout=30)
    retry = Retry(9, 1, 2, 3600, "error.code != 'x'", ("http.404",))
    assert asked == Call(
        effects=True, retry=retry, attempt_timeout=5, own_timeout=True, queue="gpu", mask=("/body/token",)
    )
    assert partly == Call(effects=False, retry=Retry(3, factor=3), attempt_timeout=30)
    assert (graph.nodes[2].timeout, graph.nodes[2].continue_on_error) == (120, True)


def test_templates_are_found_in_configs_and_expressions_are_left_as_they_are() -> None:
    graph = graph_of("""
      a:
        type: test.step
        when: input.go
        config: {value: {list: [1, "${{ input.x }}", "$${{ no }}"], plain: text}}
      b: {type: fail, needs: [a], config: {code: user.no, message: "It was ${{ nodes.a.status }}"}}
      c: {type: switch, config: {value: input.kind, cases: {one: 1, more: [2, "${{ 3 }}"]}}}
      d: {type: delay, config: {for: 90s}}
      e: {type: sort, config: {items: input.list, by: item}}
    """)
    a, b, c, d, e = graph.nodes
    assert (a.when, a.config.places) == ("input.go", (("value", "list", 1), ("value", "list", 2)))
    assert b.config.places == (("message",),)
    assert c.config.value == {"value": "input.kind", "cases": {"one": 1, "more": [2, "${{ 3 }}"]}}
    assert d.config == Template({"for": "90s", "until": None})
    assert e.config == Template({"items": "input.list", "by": "item", "order": "ascending"})


def test_a_node_sees_what_its_expressions_read_and_nothing_else() -> None:
    plan = plan_of("""
    vars: {rate: "${{ env.rate }}", start: "${{ input.n }}"}
    nodes:
      a: {type: test.step}
      b: {type: if, needs: [a], config: {condition: nodes.a.output.x > vars.rate}}
      c:
        type: map
        needs: [b.true, b.error]
        when: nodes.b.port = 'true' or $exists(nodes.b.error)
        config: {items: nodes.a, expression: item * index * env.factor}
      d:
        type: test.step
        needs: [c]
        config: {value: "${{ execution.id }} ${{ secrets.token }}"}
        retry: {when: error.retryable}
    output: {a: "${{ nodes.d.output }}", b: "${{ nodes.a.status }}"}
    """)
    a, b, c, d = (node.sees for node in plan.graph.nodes)
    assert a == Sees()
    assert b == Sees(("vars",), ((0, ("output",)),))
    assert c == Sees(("env",), ((0, ("output", "status", "port", "error")), (1, ("port", "error"))))
    assert d == Sees(("execution",))
    assert plan.graph.vars_see == Sees(("input", "env"))
    assert plan.graph.output_sees == Sees((), ((0, ("status",)), (3, ("output",))))
    assert plan.env == ("factor", "rate")


def test_env_read_as_a_whole_asks_for_every_name() -> None:
    assert plan_of("nodes: {a: {type: transform, config: {expression: env}}}").env == ("*",)


def test_ends_are_nodes_of_which_nothing_or_only_error_is_needed() -> None:
    graph = graph_of("""
      a: {type: test.step}
      b: {type: test.step, needs: [a]}
      c: {type: test.step, needs: [b.error]}
      d: {type: if, needs: [a], config: {condition: input.x}}
      e: {type: stop, needs: [d.true]}
      f: {type: fail, needs: [d.false], config: {code: user.no}}
    """)
    assert [graph.nodes[end].id for end in graph.ends] == ["b", "c"]


def test_a_written_output_is_kept_even_if_it_is_null() -> None:
    assert graph_of("a: {type: test.step}").output is None
    assert plan_of("nodes: {a: {type: test.step}}\noutput: null").graph.output == Template(None)


def test_the_settings_hold_for_the_plan() -> None:
    plan = plan_of("""
    title: Good
    settings: {timeout: 2d, priority: 1, fail: wait}
    nodes: {a: {type: test.step}}
    """)
    assert (plan.workflow, plan.version, plan.title) == ("good", 1, "Good")
    assert (plan.timeout, plan.priority, plan.fail) == (172_800, 1, "wait")


VARIOUS = """
vars: {x: "${{ env.b }}", y: "${{ env.a & env.c }}"}
nodes:
  a: {type: test.fetch, config: {url: "https://x/${{ input.z }}"}}
  b:
    type: test.step
    needs: [a, a.error]
    join: any
    config: {value: ["${{ vars.x & vars.y & execution.id & input.q }}"]}
  c:
    type: if
    needs: [b]
    when: nodes.a.status = nodes.b.error.code
    config: {condition: nodes.a.output and nodes.b.port}
output: {c: "${{ nodes.c.status & nodes.a.output & nodes.b.status }}"}
"""


def test_a_plan_is_the_same_after_it_was_written_and_read() -> None:
    plan = plan_of(VARIOUS)
    again = decode(encode(plan))
    assert again == plan
    assert again.hash == plan.hash


def test_a_plan_is_the_same_in_every_process() -> None:
    """Text hashes differently in each process, so that the order of a set would show."""
    code = "import sys; from tests.dag.test_compile import VARIOUS, plan_of; print(plan_of(VARIOUS).hash)"
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert found == {plan_of(VARIOUS).hash + "\n"}


def test_a_plan_does_not_hang_on_layout_or_descriptions() -> None:
    plain = {"language": 1, "name": "good", "nodes": {"a": {"type": "test.step"}}}
    drawn = {**plain, "nodes": {"a": {"type": "test.step", "description": "x"}}, "layout": {"a": {"x": 1}}}
    assert compiled(drawn).hash == compiled(plain).hash


NODES = 10_000


def chain(number: int) -> list[int]:
    return [number - 1] if number else []


def fan(number: int) -> list[int]:
    return list(range(1, NODES - 1)) if number == NODES - 1 else [0][:number]


def steps(number: int) -> list[int]:
    return [before for before in (number - 1, number - 2) if before >= 0]


def layers(number: int) -> list[int]:
    return [(number // 100 - 1) * 100 + (number * 7 + k * 5) % 100 for k in range(20)] if number >= 100 else []


@pytest.mark.parametrize(
    ("needs", "join"),
    [
        *(pytest.param(*each, marks=pytest.mark.slow) for each in [(chain, "all"), (fan, "all"), (steps, "any")]),
        (chain, "any"),
        (fan, "any"),
        (layers, "all"),
    ],
)
def test_ten_thousand_nodes_are_published_within_seconds(needs: Callable[[int], list[int]], join: str) -> None:
    nodes: dict[str, Any] = {}
    for number in range(NODES):
        node: dict[str, Any] = {"type": "test.step"}
        if before := needs(number):
            seen = f"nodes.n{before[0]}"
            node["needs"] = [f"n{one}" for one in before]
            node["join"] = join
            node["when"] = f"{seen}.status = 'succeeded' and input.x != {number}"
            node["config"] = {"value": f"${{{{ {seen}.output.total + {number} }}}} of ${{{{ vars.x }}}}"}
        nodes[f"n{number}"] = node
    document = {"language": 1, "name": "large", "vars": {"x": 1}, "nodes": nodes}
    started, worked = time.perf_counter(), time.process_time()
    result = published(json.loads(json.dumps(document)))
    took, work = time.perf_counter() - started, time.process_time() - worked
    assert isinstance(result, Published)
    print(f"{needs.__name__} {join}: {len(result.plan.graph.edges)} edges, {took:.2f} s ({work:.2f} s of work)")
    assert work < 15, "2 s on an idle machine; this much only where others work too"
