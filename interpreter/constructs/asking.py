"""`approval` and `ask`: wait for what people decide, remind them, ask others too, and end at the deadline."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import orjson
from pydantic import JsonValue, SkipValidation

from dag.defaults import filled
from dag.errors import ErrorValue
from dag.task_messages import Decided, Decision, Status, Verdict, Voted
from interpreter.constructs.steps import Fail, Give, Leave, Say, Step, Tell, Until
from interpreter.journal import shown
from interpreter.times import iso


@dataclass(frozen=True)
class Vote:
    """What one person has said."""

    by: str
    verdict: Verdict | None
    at: str
    comment: str | None
    digest: str
    """Of what was filled in, to know it again."""


@dataclass(frozen=True)
class Escalation:
    """Others are asked too from a time on."""

    at: float
    to: list[str]


@dataclass(frozen=True)
class Ending:
    """How a task has ended."""

    status: Status
    verdict: Verdict | None = None
    by: str | None = None
    at: str | None = None
    comment: str | None = None


@dataclass
class Asking:
    """What is asked, and what has been said to it."""

    path: str
    word: Literal["approval", "ask"]
    title: str
    description: str | None
    form: SkipValidation[JsonValue]
    anybody: bool
    """Whether it is for all of the tenant: others who are asked later change nothing of that."""
    assignees: list[str]
    required: int
    allow_self: bool
    since: float
    due: float | None
    on_timeout: Literal["port", "fail", "approve", "reject"]
    reminders: list[float]
    """Times to come, in order; so the escalations."""
    escalations: list[Escalation]
    kind: Literal["asking"] = "asking"
    id: str = ""
    """By which people name it."""
    votes: list[Vote] = field(default_factory=list[Vote])
    ending: Ending | None = None
    leaving: bool = False


def begin(config: Mapping[str, JsonValue], *, word: Literal["approval", "ask"], path: str, now: float) -> Asking:
    """It has not been asked yet."""
    due, reminders, escalations = config["due"], config["reminders"], config["escalations"]
    assert isinstance(reminders, list)
    assert isinstance(escalations, list)
    assignees = _names(config["assignees"])
    ends_at = None if due is None else now + _number(due)
    before = float("inf") if ends_at is None else ends_at
    times = sorted({now + _number(after) for after in reminders})
    others = [_escalation(each, now) for each in escalations]
    return Asking(
        path=path,
        word=word,
        title=str(config["title"]),
        description=None if config["description"] is None else str(config["description"]),
        form=config["form"],
        anybody=not assignees,
        assignees=list(dict.fromkeys(assignees)),
        required=int(_number(config["required"])),
        allow_self=config["allow_self"] is True,
        since=now,
        due=ends_at,
        on_timeout=config["on_timeout"],  # pyright: ignore[reportArgumentType]
        reminders=[at for at in times if at < before],
        escalations=sorted((each for each in others if each.at < before), key=lambda each: each.at),
    )


def start(state: Asking) -> Iterator[Step]:
    """Ask."""
    asked: dict[str, JsonValue] = {
        "task": state.id,
        "title": state.title,
        "description": state.description,
        **shown("form", state.form),
        "assignees": [*state.assignees],
        "due": None if state.due is None else iso(state.due),
    }
    if state.word == "approval":
        asked["required"] = state.required
    yield Tell(asked)
    yield Until(_next(state))


def rang(state: Asking, now: float) -> Iterator[Step]:
    """Remind, ask others, or end, as it is time for; all that was missed, in its order."""
    while (at := _next(state)) is not None and at <= now:
        if at == state.due:
            yield from _time_out(state, at)
            return
        if state.escalations and state.escalations[0].at == at:
            escalation = state.escalations.pop(0)
            added = [one for one in escalation.to if one not in state.assignees]
            state.assignees += added
            yield Say("task.escalated", {"to": [*escalation.to], "assignees": [*state.assignees]})
        else:
            state.reminders.pop(0)
            yield Say("task.reminded", {"assignees": [*state.assignees]})
    yield Until(_next(state))


def leave(state: Asking) -> Iterator[Step]:
    """Nobody is asked any longer."""
    state.leaving = True
    yield Leave()


def vote(state: Asking, decision: Decision, now: float) -> Iterator[Step]:
    """Count what somebody has said who may, and end if that decides it."""
    values = filled(decision.values, state.form) if isinstance(state.form, dict) else decision.values
    said = Vote(decision.by, decision.verdict, iso(now), decision.comment, digest(decision.values))
    state.votes.append(said)
    told: dict[str, JsonValue] = {"by": said.by, "verdict": said.verdict, "comment": said.comment}
    yield Say("task.voted", {**told, **shown("values", values)})
    status = _status(state)
    if status != "open":
        yield from _end(state, Ending(status, said.verdict, said.by, said.at, said.comment), values)


def repeated(votes: Sequence[Vote], decision: Decision, ending: Ending | None) -> int | None:
    """Which of the votes a decision says again. What was filled in besides makes another one once the task has ended,
    since nobody would read it."""
    for number, each in enumerate(votes):
        same = ending is None or each.digest == digest(decision.values)
        if each.by == decision.by and each.verdict == decision.verdict and same:
            return number
    return None


def decided(path: str, votes: Sequence[Vote], ending: Ending | None) -> Decided:
    """Where a task stands after these votes."""
    told = tuple(Voted(each.by, each.verdict, each.at, each.comment) for each in votes)
    if ending is None:
        return Decided(path, "open", votes=told)
    return Decided(path, ending.status, ending.verdict, ending.by, ending.at, ending.comment, told)


def as_answered(path: str, votes: Sequence[Vote], number: int, ending: Ending | None) -> Decided:
    """What the one was told whose vote this was."""
    decides = ending is not None and ending.by is not None and number == len(votes) - 1
    return decided(path, votes[: number + 1], ending if decides else None)


def overdue(state: Asking, now: float) -> Ending | None:
    """How it ends by its deadline, if that has passed: though nobody may have rung yet."""
    return _at_deadline(state, state.due) if state.due is not None and state.due <= now else None


def digest(values: JsonValue) -> str:
    """Equal for equal values, whatever the order of their keys."""
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _status(state: Asking) -> Status:
    if state.word == "ask":
        return "answered"
    if state.votes[-1].verdict == "reject":
        return "rejected"
    approving = {each.by for each in state.votes}
    return "approved" if len(approving) >= state.required else "open"


def _time_out(state: Asking, at: float) -> Iterator[Step]:
    ending = _at_deadline(state, at)
    if state.on_timeout == "fail":
        state.ending = ending
        message = "Nobody has answered in time." if not state.votes else "Not enough people have approved in time."
        yield Fail(ErrorValue(code="approval.timeout", message=message))
    else:
        yield from _end(state, ending, None)


def _at_deadline(state: Asking, at: float) -> Ending:
    match state.on_timeout:
        case "approve":
            return Ending("approved", "approve", at=iso(at))
        case "reject":
            return Ending("rejected", "reject", at=iso(at))
        case _:
            return Ending("timeout", at=iso(at))


def _end(state: Asking, ending: Ending, values: JsonValue) -> Iterator[Step]:
    state.ending = ending
    output: dict[str, JsonValue] = {
        "verdict": ending.verdict,
        "by": ending.by,
        "at": ending.at,
        "comment": ending.comment,
        "values": values,
    }
    yield Give(ending.status, output)


def _next(state: Asking) -> float | None:
    """The deadline comes before what is due at the same moment."""
    times = [*state.reminders[:1], *(each.at for each in state.escalations[:1])]
    return min([*times, *([] if state.due is None else [state.due])], default=None)


def _escalation(written: JsonValue, now: float) -> Escalation:
    assert isinstance(written, dict)
    return Escalation(now + _number(written["after"]), _names(written["to"]))


def _names(written: JsonValue) -> list[str]:
    assert isinstance(written, list)
    return [str(name) for name in written]


def _number(value: JsonValue) -> float:
    assert isinstance(value, int | float)
    return value
