"""What the checks let through, and what they only doubt; what they refuse is in test_bad_definitions."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from jsonschema_rs import validator_for

from dag.checks.codes import CODES
from dag.checks.schemas import mismatches
from dag.documents import read
from dag.problems import CODES as OF_DOCUMENTS
from dag.publish import Published
from dag.templates import scan
from tests.dag.publishing import FETCH, published, reviewed

GOOD = sorted((Path(__file__).parent / "good").glob("*.yaml"))


def doubts(text: str) -> list[tuple[str, str]]:
    """What is said of a draft that has no errors."""
    written = read(dedent(text), format="yaml")
    assert isinstance(written, dict)
    problems = reviewed({"language": 1, "name": "good"} | written)
    assert [problem for problem in problems if problem.severity == "error"] == []
    return sorted((problem.code, problem.path) for problem in problems)


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_nothing_is_said_of_a_good_draft(file: Path) -> None:
    assert doubts(file.read_text()) == []


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ("a: {type: test.step, retry: {max_attempts: 3}}", [("unsafe_retry", "/nodes/a/retry")]),
        ("a: {type: test.fetch, config: {url: 'https://x'}, retry: {max_attempts: 3}}", []),
        (
            "a: {type: test.fetch, config: {url: '${{ input.u }}', method: POST}, retry: {max_attempts: 3}}",
            [("unsafe_retry", "/nodes/a/retry")],
        ),
        ("a: {type: test.step, retry: {max_attempts: 1, never: [http]}}", []),
        ("a: {type: approval, config: {title: Pay}}", [("no_deadline", "/nodes/a/config")]),
        ("a: {type: ask, config: {title: Who, form: {}, due: 1d}}", []),
    ],
)
def test_doubts_about_single_nodes(nodes: str, expected: list[tuple[str, str]]) -> None:
    assert doubts("nodes:\n  " + nodes) == expected


@pytest.mark.parametrize(
    ("loop", "is_endless"),
    [
        ("type: while, config: {condition: input.x > 3, body: {nodes: {a: {type: test.step}}}}", True),
        ("type: while, config: {condition: 'true', body: {nodes: {a: {type: test.step}}}}", True),
        ("type: while, config: {condition: 'false', body: {nodes: {a: {type: test.step}}}}", False),
        ("type: while, config: {condition: loop.index < 3, body: {nodes: {a: {type: test.step}}}}", False),
        ("type: while, config: {condition: $random() < 0.5, body: {nodes: {a: {type: test.step}}}}", False),
        ("type: while, config: {condition: vars.x < 3, body: {nodes: {a: {type: test.step}}}}", True),
        ("type: while, config: {condition: vars.y < 3, body: {nodes: {a: {type: test.step}}}}", False),
        ("type: while, config: {condition: 'true', body: {nodes: {a: {type: break, config: {when: input.x}}}}}", False),
        ("type: while, config: {condition: 'true', body: {nodes: {a: {type: stop}}}}", False),
        ("type: repeat, config: {until: input.x, body: {nodes: {a: {type: test.step}}}}", True),
        ("type: repeat, config: {times: 3, body: {nodes: {a: {type: test.step}}}}", False),
    ],
)
def test_a_loop_is_endless_when_nothing_changes_its_condition_or_leaves_it(loop: str, *, is_endless: bool) -> None:
    text = (
        f"vars: {{x: 0, y: 0}}\nnodes:\n  loop: {{{loop}}}\n  s: {{type: set, config: {{values: {{y: vars.y + 1}}}}}}"
    )
    assert bool(doubts(text)) is is_endless


def test_a_break_of_an_inner_loop_does_not_end_the_outer_one() -> None:
    text = """
    nodes:
      outer:
        type: while
        config:
          condition: input.x
          body: {nodes: {inner: {type: while, config: {condition: input.y, body: {nodes: {out: {type: break}}}}}}}
    """
    assert doubts(text) == [("endless_loop", "/nodes/outer/config/condition")]


def test_nodes_never_run_behind_ports_that_are_never_live() -> None:
    text = """
    nodes:
      choose: {type: if, config: {condition: input.x}}
      both: {type: test.step, needs: [choose.true, choose.false], join: {count: 2}}
      after: {type: test.step, needs: [both]}
      ask: {type: ask, config: {title: Who, form: {}, due: 1h, on_timeout: fail}}
      late: {type: test.step, needs: [ask.timeout, after]}
      fine: {type: test.step, needs: [ask.timeout, choose.true]}
      turns:
        type: for_each
        config: {items: input.l, body: {nodes: {out: {type: break}, more: {type: test.step, needs: [out]}}}}
    """
    where = ["/nodes/after", "/nodes/both", "/nodes/late", "/nodes/turns/config/body/nodes/more"]
    assert doubts(text) == [("never_runs", path) for path in where]


@pytest.mark.parametrize(
    ("a", "b", "is_doubtful"),
    [
        ("[]", "[]", True),
        ("[]", "[a]", False),
        ("[b]", "[]", False),
        ("[either.true]", "[either.false]", False),
        ("[either.true]", "[either.true]", True),
        ("[either.true]", "[either.false, other]", True),
        ("[either.true]", "[either.error]", False),
        ("[other, either.true]", "[either.false]", True),
    ],
)
def test_two_sets_of_one_variable_are_doubtful_when_they_may_run_at_once(a: str, b: str, *, is_doubtful: bool) -> None:
    text = f"""
    vars: {{x: 0}}
    nodes:
      either: {{type: if, config: {{condition: input.x}}}}
      other: {{type: test.step}}
      a: {{type: set, needs: {a}, config: {{values: {{x: "1"}}}}}}
      b: {{type: set, needs: {b}, config: {{values: {{x: "2"}}}}}}
    """
    assert doubts(text) == ([("sets_at_once", "/nodes/b/config/values/x")] if is_doubtful else [])


def test_branches_that_set_the_same_variable_are_doubtful() -> None:
    text = """
    vars: {x: 0}
    nodes:
      fan:
        type: parallel
        config:
          branches:
            left:
              nodes:
                a: {type: set, config: {values: {x: '1'}}}
                b: {type: set, needs: [a], config: {values: {x: '2'}}}
            right: {nodes: {c: {type: set, config: {values: {x: '3'}}}}}
      after: {type: set, needs: [fan], config: {values: {x: '4'}}}
    """
    assert doubts(text) == [("sets_at_once", "/nodes/fan/config/branches/right/nodes/c/config/values/x")]


def test_a_template_passes_any_type_and_hides_nothing_else() -> None:
    def wrong(config: Mapping[str, Any]) -> list[str]:
        found = mismatches(validator_for(dict(FETCH)), dict(config), scan(dict(config)).places)
        return sorted("/".join(map(str, place)) for place, _ in found)

    whole = "${{ input.x }}"
    assert wrong({"url": whole, "method": whole, "retries": whole, "body": whole}) == []
    assert wrong({"url": f"a {whole}", "retries": f"{whole}{whole}"}) == []
    assert wrong({"url": whole, "body": {"kind": "raw", "text": whole}}) == []
    assert wrong({"url": whole, "body": {"kind": whole, "fields": {}}}) == []
    assert wrong({"url": whole, "body": {"kind": "form", "fields": whole}}) == []
    assert wrong({"url": whole, "body": {"kind": whole, "other": 1}}) == ["body"]
    assert wrong({"url": whole, "body": {"kind": "raw", "text": whole, "more": whole}}) == ["body/more"]
    assert wrong({"method": whole, "retries": "3"}) == ["", "retries"]
    assert wrong({whole: 1, "url": "https://x"}) == [whole]


def test_doubts_alone_do_not_keep_a_definition_from_being_published() -> None:
    crowd: Any = {f"n{n}": {"type": "set", "config": {"values": {"x": "1"}}} for n in range(3_000)}
    result = published({"language": 1, "name": "good", "vars": {"x": 0}, "nodes": crowd})
    assert isinstance(result, Published)
    assert {problem.severity for problem in result.problems} == {"warning"}


def test_no_code_has_two_meanings() -> None:
    assert set(CODES) & set(OF_DOCUMENTS) <= {"unknown_type", "unknown_field", "field_not_allowed"}
