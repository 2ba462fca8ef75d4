"""Any workflow that may be published, of one graph or of graphs within graphs, and any world for it to run in."""

from typing import Any

from hypothesis import strategies as st

from tests.reference.document import ACTIVITIES, CONSTRUCTS, Document
from tests.reference.drafting import drafted, every_node
from tests.reference.recipes import FLAT, NESTED, UNHURRIED, Choice, Recipe
from tests.reference.script import Acknowledges, Behaviour, Raises, Returns, Script


def graphs(max_nodes: int = 25, *, virtual_time: bool = True) -> st.SearchStrategy[Document]:
    """Documents that pass every check. For real time they are such that no clock can disagree on what comes first: they
    have one short delay at most, no activity without effects beside it (which would hold up the timer), and no timeout.
    """
    return st.builds(
        drafted,
        st.lists(RECIPES, min_size=1, max_size=6) | st.lists(RECIPES, min_size=6, max_size=max_nodes),
        fail=st.sampled_from(["fast", "wait"]),
        timeout=st.sampled_from([None] * 300 + [f"{ticks * 50}ms" for ticks in range(1, 41)])
        if virtual_time
        else st.none(),
        output=st.lists(_choices, max_size=3),
        pace=st.just(FLAT if virtual_time else UNHURRIED),
    )


def scripts(document: Document, *, virtual_time: bool = True) -> st.SearchStrategy[Script]:
    """Worlds for a document. For real time they only say what comes after what: activities without effects end first,
    then comes the delay, then, hours apart, all the rest; no two things at the same time."""
    activities = {
        name: _behaviours(
            name, 0.05 if virtual_time else _HOURS[node["type"]] * (1 + int(name[1:]) * 0.618034 % 1 / 40)
        )
        for name, node in document["nodes"].items()
        if node["type"] in ACTIVITIES
    }
    cancel_at = [ticks * (0.05 if virtual_time else _HOURS["test.step"]) for ticks in range(1, 41)]
    return st.builds(
        Script,
        input=st.sampled_from([{"n": n, "flag": n % 2 > 0, "list": [n, 1, 3][: n % 4]} for n in range(6)]),
        activities=st.fixed_dictionaries(activities),
        cancel_at=st.sampled_from([None] * 300 + cancel_at),
    )


def nested(*, virtual_time: bool = True) -> st.SearchStrategy[Document]:
    """Documents of graphs within graphs, three deep at most, that pass every check; for real time such as above."""
    return st.builds(
        drafted,
        st.lists(_NESTED_RECIPES, min_size=1, max_size=10) | st.lists(_NESTED_RECIPES, min_size=10, max_size=30),
        fail=st.sampled_from(["fast", "wait"]),
        timeout=st.sampled_from([None] * 60 + [f"{ticks * 10_000 + 9_999}ms" for ticks in range(1, 21)])
        if virtual_time
        else st.none(),
        output=st.lists(_choices, max_size=3),
        pace=st.just(NESTED if virtual_time else UNHURRIED),
    )


def worlds(document: Document, *, virtual_time: bool = True) -> st.SearchStrategy[Script]:
    """Scripts for such documents: what a node does may differ from turn to turn. For real time again they only say what
    comes after what, within the ten minutes that `finally` parts have after a cancel."""
    turns: dict[str, st.SearchStrategy[tuple[Behaviour, ...]]] = {}
    for name, node in every_node(document):
        if node["type"] in ACTIVITIES:
            ticks = 10.0 if virtual_time else _SECONDS[node["type"]] * (1 + int(name[1:]) * 0.618034 % 1 / 40)
            turns[name] = st.lists(
                _behaviours(name, ticks, most=20 if virtual_time else 6, failures=5), min_size=1, max_size=3
            ).map(tuple)
            if "compensate" in node:
                turns[f"{name}.compensate"] = _behaviours(name, ticks, most=3).map(_alone)
    cancel_at = [ticks * (10.0 if virtual_time else _SECONDS["test.step"]) for ticks in range(1, 21)]
    return st.builds(
        Script,
        input=st.sampled_from([{"n": n, "flag": n % 2 > 0, "list": [n, 1, 3, 2][: (n + 2) % 5]} for n in range(6)]),
        turns=st.fixed_dictionaries(turns),
        cancel_at=st.sampled_from([None] * 60 + cancel_at),
    )


_SECONDS = {"test.step": 5, "test.read": 1e-6}


def _alone(behaviour: Behaviour) -> tuple[Behaviour, ...]:
    return (behaviour,)


_HOURS = {"test.step": 3600, "test.read": 1e-6}


def _choices_of(*weighted: tuple[int, Any]) -> list[Any]:
    return [thing for weight, thing in weighted for _ in range(weight)]


_choices = st.sampled_from([*_choices_of((6, 0), (6, 1), (6, 2)), *range(31)])
_KINDS = _choices_of(
    (16, "activity"), (3, "if"), (2, "compute"), (2, "delay"), (2, "switch"), (1, "set"), (1, "fail"), (1, "stop")
)
_INNER = _choices_of(
    (14, "activity"), (2, "if"), (2, "compute"), (3, "delay"), (1, "switch"), (2, "set"), (3, "break"), (2, "continue"),
    (4, "fail"), (1, "stop"),
)  # fmt: skip
_JOINS: list[tuple[str, Choice]] = _choices_of(
    (4, ("all", 0)), (6, ("any", 0)), (4, ("any ignore", 0)),
    *((1, (kind, count)) for kind in ("count", "count ignore") for count in (1, 1, 2, 3)),
)  # fmt: skip
_SPICES: list[tuple[Choice, bool, int]] = _choices_of(
    (24, (0, False, 1)),
    *((1, (when, False, 1)) for when in range(1, 6)),
    *((1, (when, True, 1)) for when in range(4)),
    *((3, (0, False, rank)) for rank in (0, 2)),
)
RECIPES = st.builds(
    Recipe,
    kind=st.sampled_from(_KINDS),
    needs=st.lists(st.tuples(_choices, st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2])), max_size=4),
    join=st.sampled_from(_JOINS),
    spice=st.sampled_from(_SPICES),
    texts=st.lists(_choices, min_size=3, max_size=3),
)

_NESTED_RECIPES = st.builds(
    Recipe,
    kind=st.sampled_from([*_INNER, *_choices_of((4, "try")), *CONSTRUCTS * 3]),
    needs=st.lists(st.tuples(_choices, st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2])), max_size=2),
    join=st.sampled_from(_JOINS),
    spice=st.sampled_from([*[_SPICES[0]] * len(_SPICES), *_SPICES]),
    texts=st.lists(_choices, min_size=3, max_size=3),
    undone=st.booleans(),
    level=st.sampled_from([0, 1, 1, 2, 2, 2, 3, 3, 3]),
    opens=st.sampled_from([False, False, True]),
)


def _behaviours(name: str, tick: float, *, most: int = 20, failures: int = 2) -> st.SearchStrategy[Behaviour]:
    returned = [Returns({"v": v}) for v in (0, 1, 2, 3, 4, 5, "text")]
    raised = Raises(f"user.{name}")
    return st.builds(
        Behaviour,
        takes=st.sampled_from([ticks * tick for ticks in range(1, most + 1)]),
        ends=st.sampled_from([*returned, *[raised] * failures]),
        answers_after=st.sampled_from([ticks * tick for ticks in range(1, 6)]),
        answers=st.sampled_from([*[Acknowledges()] * 4, *returned[:2], raised, raised]),
    )
