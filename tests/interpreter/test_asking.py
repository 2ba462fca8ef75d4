"""Tasks without Temporal: who may decide, what each vote comes to, what time does."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, TypeAdapter

from dag.errors import PerdureError
from dag.task_ids import TaskPlace, task_id, task_place
from dag.task_messages import Decided, Decision
from dag.task_refusals import TaskUnknown
from interpreter import decisions
from interpreter.constructs import answering, asking
from interpreter.constructs.asking import Asking
from interpreter.constructs.steps import Fail, Give, Leave, Say, Step, Tell, Until
from interpreter.decisions import MOST, Memory
from interpreter.words.tasks import asked
from tests.interpreter.people import decision

NOW = 1_000_000.0
FORM = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}, "m": {"default": 2}}}


def task(word: Any = "approval", *, wired: bool = True, **config: Any) -> Asking:
    rendered = asked({"title": "Pay?", **config}, timeout_wired=wired)
    return asking.begin(rendered, word=word, path="ok", now=NOW)


def vote(state: Asking, by: str = "user:ann", verdict: str | None = "approve", **more: Any) -> list[Step]:
    said = decision("ok", by, verdict, **more)
    answering.check(state, said, started_by="user:starter", now=NOW)
    return [*asking.vote(state, said, NOW)]


def refusal(state: Asking, said: Decision, now: float = NOW) -> str:
    with pytest.raises(PerdureError) as refused:
        answering.check(state, said, started_by="user:starter", now=now)
    return refused.value.code


def ends(steps: list[Step]) -> list[tuple[str, JsonValue]]:
    return [(step.port, step.output) for step in steps if isinstance(step, Give)]


def said(steps: list[Step]) -> list[str]:
    return [step.type for step in steps if isinstance(step, Say)]


def test_it_tells_what_it_asks_and_waits_for_what_comes_first() -> None:
    state = task(due="1h", reminders=["10m"], assignees=["user:ann"])
    tell, until = asking.start(state)
    assert isinstance(tell, Tell)
    assert (tell.data["title"], tell.data["due"]) == ("Pay?", "1970-01-12T14:46:40.000Z")
    assert until == Until(NOW + 600)


def test_without_a_deadline_it_waits_for_no_time() -> None:
    assert [*asking.start(task())][1] == Until(None)


@pytest.mark.parametrize("required", [1, 2, 5])
def test_it_takes_as_many_people_as_are_required(required: int) -> None:
    state = task(required=required)
    for n in range(required - 1):
        assert ends(vote(state, f"user:{n}")) == []
    [(port, output)] = ends(vote(state, "user:last"))
    assert port == "approved"
    assert isinstance(output, dict)
    assert (output["by"], output["verdict"]) == ("user:last", "approve")


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["approve", "reject"])), max_size=12))
def test_whatever_is_voted_the_first_rejection_or_enough_people_decide(votes: list[tuple[str, str]]) -> None:
    state, people = task(required=3), set[str]()
    for by, verdict in votes:
        one = decision("ok", by, verdict)
        if asking.repeated(state.votes, one, None) is not None:
            assert verdict == "approve"
            continue
        [*steps] = asking.vote(state, one, NOW)
        people.add(by)
        ended = ends(steps)
        if verdict == "reject":
            assert [port for port, _ in ended] == ["rejected"]
        else:
            assert [port for port, _ in ended] == (["approved"] if len(people) == 3 else [])
        if ended:
            return


def test_an_answer_fills_in_what_the_form_has_defaults_for() -> None:
    state = task("ask", form=FORM)
    [(port, output)] = ends(vote(state, verdict=None, values={"n": 1}))
    assert port == "answered"
    assert isinstance(output, dict)
    assert (output["verdict"], output["values"]) == (None, {"n": 1, "m": 2})


@pytest.mark.parametrize(
    ("config", "said", "code"),
    [
        ({}, decision("ok", "user:starter"), "approval.self"),
        ({"allow_self": False, "assignees": ["user:starter"]}, decision("ok", "user:starter"), "approval.self"),
        ({"assignees": ["user:bob"]}, decision("ok"), "approval.not_assigned"),
        ({"assignees": ["group:x"]}, decision("ok", "group", groups=("group:y",)), "approval.not_assigned"),
        ({}, decision("ok", verdict=None), "approval.form"),
        ({"form": FORM}, decision("ok"), "approval.form"),
        ({"form": FORM}, decision("ok", values={"n": "1"}), "approval.form"),
        ({"form": FORM}, decision("ok", verdict="reject", values={"n": "1"}), "approval.form"),
        ({}, decision("ok", values="x" * 300_000), "approval.form"),
        ({}, decision("ok", values=[0] * 30_000), "approval.form"),
        ({}, decision("ok", comment="x" * 10_001), "approval.form"),
        ({"due": "1ms"}, decision("ok"), "approval.closed"),
    ],
    ids=[
        "self",
        "self listed",
        "not listed",
        "other group",
        "no verdict",
        "empty form",
        "wrong form",
        "wrong rejection",
        "large",
        "many",
        "long comment",
        "overdue",
    ],
)
def test_what_may_not_be_is_refused(config: dict[str, Any], said: Decision, code: str) -> None:
    assert refusal(task(**config), said, NOW + 1) == code


def test_a_form_that_would_take_long_to_check_is_refused_soon() -> None:
    deep: dict[str, Any] = {"type": "array", "items": {"allOf": [{"minimum": n} for n in range(2_000)]}}
    assert refusal(task(form=deep), decision("ok", values=[5_000] * 15_000)) == "approval.form"


def test_a_rejection_needs_no_form_and_groups_and_names_are_listed_alike() -> None:
    state = task(form=FORM, assignees=["user:ann", "group:x"], required=2)
    assert ends(vote(state, values={"n": 1})) == []
    assert [port for port, _ in ends(vote(state, "user:bob", "reject", groups=("group:x",)))] == ["rejected"]


def test_time_reminds_and_escalates_in_order_and_makes_up_for_what_was_missed() -> None:
    escalate = [{"after": "30m", "to": ["user:boss"]}, {"after": "20m", "to": ["user:ann", "group:x"]}]
    state = task(due="1h", reminders=["50m", "10m", "2h"], escalate=escalate, assignees=["user:ann"])
    steps = [*asking.rang(state, NOW + 600)]
    assert (said(steps), steps[-1]) == (["task.reminded"], Until(NOW + 1_200))
    steps = [*asking.rang(state, NOW + 3_300)]
    assert said(steps) == ["task.escalated", "task.escalated", "task.reminded"]
    assert state.assignees == ["user:ann", "group:x", "user:boss"]
    assert steps[-1] == Until(NOW + 3_600)
    assert [port for port, _ in ends([*asking.rang(state, NOW + 9_999)])] == ["timeout"]


def test_an_escalation_of_what_is_for_anybody_shuts_nobody_out() -> None:
    state = task(escalate=[{"after": "1s", "to": ["user:boss"]}])
    assert said([*asking.rang(state, NOW + 1)]) == ["task.escalated"]
    assert [port for port, _ in ends(vote(state, "user:whoever"))] == ["approved"]


@pytest.mark.parametrize(
    ("on_timeout", "wired", "port", "verdict"),
    [
        ("port", True, "timeout", None),
        ("port", False, "fail", None),
        ("fail", True, "fail", None),
        ("approve", False, "approved", "approve"),
        ("reject", False, "rejected", "reject"),
    ],
)
def test_the_deadline_does_what_it_is_told(on_timeout: str, port: str, verdict: str | None, *, wired: bool) -> None:
    state = task(due="1h", on_timeout=on_timeout, wired=wired)
    [step] = asking.rang(state, NOW + 3_605)
    if port == "fail":
        assert isinstance(step, Fail)
        assert step.error.code == "approval.timeout"
    else:
        at = "1970-01-12T14:46:40.000Z"
        output: dict[str, JsonValue] = {"verdict": verdict, "by": None, "at": at, "comment": None, "values": None}
        assert step == Give(port, output)
    assert state.ending == asking.overdue(state, NOW + 3_605)


def test_a_repeated_vote_is_answered_as_it_was() -> None:
    state = task(required=2)
    vote(state, "user:ann")
    first = asking.as_answered("ok", state.votes, 0, state.ending)
    vote(state, "user:bob", comment="Fine.")
    assert first == asking.as_answered("ok", state.votes, 0, state.ending)
    assert (first.status, first.by) == ("open", None)
    last = asking.as_answered("ok", state.votes, 1, state.ending)
    assert (last.status, last.by, last.comment) == ("approved", "user:bob", "Fine.")
    again = decision("ok", "user:bob")
    assert asking.repeated(state.votes, again, state.ending) == 1
    assert asking.repeated(state.votes, replace(again, values=1), state.ending) is None
    assert asking.repeated(state.votes, replace(again, verdict="reject"), state.ending) is None
    assert asking.repeated(state.votes, replace(again, by="user:cem"), state.ending) is None


def test_who_leaves_says_so() -> None:
    assert [*asking.leave(task())] == [Leave()]


def test_all_of_it_is_carried_over_as_it_is() -> None:
    state = task(due="1h", reminders=["1m"], escalate=[{"after": "2m", "to": ["user:b"]}], form=FORM, required=2)
    vote(state, values={"n": 1}, comment="x")
    kind = TypeAdapter(Asking)
    assert kind.validate_python(orjson.loads(kind.dump_json(state))) == state


def test_what_is_remembered_is_bounded_and_open_tasks_are_not_forgotten() -> None:
    memory = Memory()
    for n in range(MOST + 10):
        decisions.answer(
            memory, f"{n}", Decided("open" if n < 5 else "ended", "open"), is_open=lambda path: path == "open"
        )
        state = replace(task(), path=f"each[{n}].ok")
        decisions.close(memory, state, at="now")
    assert len(memory.answers) == len(memory.ended) == MOST
    assert [*memory.answers][:6] == ["0", "1", "2", "3", "4", "15"]
    assert next(iter(memory.ended)) == "each[10].ok"


PLACE = TaskPlace(f"ex_{'0a' * 16}", 1, "each[3].fan.left.catch[0].ok")


def test_an_id_says_where_its_task_is_asked() -> None:
    assert task_place(task_id(PLACE)) == PLACE
    assert task_id(PLACE).startswith("task_")


@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda raw: "task_" + raw.hex()))
def test_what_no_task_has_is_no_id(text: str) -> None:
    for id in (text, f"task_{text}", task_id(PLACE) + text[:1]):
        if id != task_id(PLACE):
            with pytest.raises(TaskUnknown):
                task_place(id)
