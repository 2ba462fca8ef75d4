"""`wait_event`: waits until enough of the events that it wants have come, each tried against its condition in turn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.event_messages import SUBSCRIBE, TAKE, UNSUBSCRIBE, EmittedEvent, Wanted
from dag.event_names import canonical
from dag.plan import PlanNode
from interpreter.constructs.steps import Ask, Call, Decline, Fail, Give, Leave, Step, Tell, Until
from interpreter.times import iso, moment


@dataclass
class EventWait:
    """What has come, and what is still to be looked at."""

    path: str
    wanted: list[Wanted]
    enough: int
    gives_list: bool
    since: str
    ends_at: float | None
    kind: Literal["event_wait"] = "event_wait"
    doing: Literal["subscribing", "nothing", "asking", "taking", "unsubscribing"] = "subscribing"
    waiting: list[EmittedEvent] = field(default_factory=list[EmittedEvent])
    """Events that may be the right ones; the first is being looked at."""
    tried: int = 0
    """The first entry of the list that the event under consideration has not been tried against."""
    seen: set[str] = field(default_factory=set[str])
    got: dict[int, EmittedEvent] = field(default_factory=dict[int, EmittedEvent])
    timed_out: bool = False
    error: ErrorValue | None = None
    leaving: bool = False


def begin(config: Mapping[str, JsonValue], *, path: str, now: float, begun: float) -> EventWait:
    """It has not begun to wait. `begun` is when the execution did."""
    wanted, enough, lasts, back = config["wanted"], config["enough"], config["timeout"], config["lookback"]
    assert isinstance(wanted, list)
    assert isinstance(enough, int)
    return EventWait(
        path,
        [Wanted(**each) for each in wanted if isinstance(each, dict)],  # pyright: ignore[reportArgumentType]
        enough,
        gives_list=config["gives_list"] is True,
        since=iso(now - back if isinstance(back, int | float) else begun),
        ends_at=now + lasts if isinstance(lasts, int | float) else None,
    )


def look_back(state: EventWait, early: Sequence[EmittedEvent]) -> list[EmittedEvent]:
    """Consider the events that came before; the rest is for others."""
    found = [event for event in early if fits(state, event) and moment(event.at) >= moment(state.since)]
    state.waiting.extend(found)
    state.seen.update(event.id for event in found)
    return [event for event in early if event.id not in state.seen]


def start(state: EventWait) -> Iterator[Step]:
    """Tell everybody that it waits, and ask what has come before."""
    yield Tell({"events": [{"name": one.name, "key": one.key} for one in state.wanted]})
    yield Until(state.ends_at)
    yield _subscription(state)


def came(state: EventWait, node: PlanNode, event: EmittedEvent) -> Iterator[Step]:
    """An event has come that fits by name and key."""
    if event.id in state.seen:
        return
    state.seen.add(event.id)
    state.waiting.append(event)
    if state.doing == "nothing":
        yield from _look(state, node)


def fits(state: EventWait, event: EmittedEvent) -> bool:
    """Whether it may be what one of the entries waits for that have none yet."""
    return not (state.leaving or state.doing == "unsubscribing") and any(
        position not in state.got and _fits(one, event) for position, one in enumerate(state.wanted)
    )


def called(state: EventWait, node: PlanNode, answer: JsonValue) -> Iterator[Step]:
    """What was asked for outside has been answered."""
    match state.doing:
        case "subscribing":
            assert isinstance(answer, dict)
            yield from _subscribed(state, node, answer)
        case "taking":
            yield from _taken(state, node, taken=answer is True)
        case _:
            yield from _end(state)


def answered(state: EventWait, node: PlanNode, *, answer: bool) -> Iterator[Step]:
    """Whether the event meets the condition of the entry that it is tried against."""
    state.doing = "nothing"
    if answer:
        yield _taking(state)
    else:
        state.tried += 1
        yield from _look(state, node)


def failed(state: EventWait, error: ErrorValue) -> Iterator[Step]:
    """A condition could not be computed, or waiting is not possible."""
    if state.doing == "unsubscribing":  # that it waits no longer is seen to by whoever tells it of an event
        yield from _end(state)
    else:
        state.error = error
        yield from _stop(state)


def rang(state: EventWait, node: PlanNode) -> Iterator[Step]:
    """It has waited as long as it may."""
    state.timed_out = True
    if state.doing == "nothing":
        yield from _look(state, node)


def leave(state: EventWait) -> Iterator[Step]:
    """Wait no longer."""
    state.leaving = True
    if state.doing in ("nothing", "asking"):
        yield from _stop(state)


def _subscribed(state: EventWait, node: PlanNode, answer: Mapping[str, JsonValue]) -> Iterator[Step]:
    earlier = answer["events"]
    assert isinstance(earlier, list)
    found: list[EmittedEvent] = []
    for each in earlier:
        assert isinstance(each, dict)
        event = EmittedEvent(str(each["id"]), str(each["name"]), each["key"], each["payload"], str(each["at"]))
        if event.id not in state.seen:
            state.seen.add(event.id)
            found.append(event)
    state.waiting = sorted([*found, *state.waiting], key=lambda event: moment(event.at))
    after = answer["next"]
    if isinstance(after, str) and not state.leaving:
        yield _subscription(state, after)
    else:
        state.doing = "nothing"
        yield from _look(state, node)


def _look(state: EventWait, node: PlanNode) -> Iterator[Step]:
    """Try the first event against the next entry, or go on to the next event."""
    if state.leaving or len(state.got) >= state.enough:
        yield from _stop(state)
        return
    while state.waiting:
        event = state.waiting[0]
        for position in range(state.tried, len(state.wanted)):
            if position not in state.got and _fits(state.wanted[position], event):
                state.tried = position
                condition = _condition(node, position)
                if condition is None:
                    yield _taking(state)
                else:
                    state.doing = "asking"
                    yield Ask(condition, {"event": _told(event)})
                return
        yield Decline(state.waiting.pop(0))
        state.tried = 0
    if state.timed_out:
        yield from _stop(state)


def _taken(state: EventWait, node: PlanNode, *, taken: bool) -> Iterator[Step]:
    event = state.waiting.pop(0)
    if taken:
        state.got[state.tried] = event
    state.tried = 0
    state.doing = "nothing"
    yield from _look(state, node)


def _stop(state: EventWait) -> Iterator[Step]:
    """Wait no longer: others may want what has not been looked at."""
    state.doing = "unsubscribing"
    for event in state.waiting:
        yield Decline(event)
    state.waiting.clear()
    yield Until(None)
    yield Call(UNSUBSCRIBE, {"path": state.path})


def _end(state: EventWait) -> Iterator[Step]:
    if state.leaving:
        yield Leave()
    elif state.error is not None:
        yield Fail(state.error)
    elif len(state.got) < state.enough:
        yield Give("timeout")
    else:
        events: list[JsonValue] = [_told(state.got[position]) for position in sorted(state.got)]
        yield Give("received", events if state.gives_list else events[0])


def _subscription(state: EventWait, after: str | None = None) -> Call:
    wanted: list[JsonValue] = [asdict(one) for one in state.wanted]
    return Call(SUBSCRIBE, {"path": state.path, "wanted": wanted, "since": state.since, "after": after})


def _taking(state: EventWait) -> Call:
    state.doing = "taking"
    return Call(TAKE, {"path": state.path, "event": state.waiting[0].id})


def _fits(wanted: Wanted, event: EmittedEvent) -> bool:
    if wanted.name != event.name:
        return False
    return not wanted.keyed or canonical(wanted.key) == canonical(event.key)


def _condition(node: PlanNode, position: int) -> str | None:
    assert isinstance(node.config.value, dict)
    events = node.config.value["events"]
    assert isinstance(events, list)
    entry = events[position]
    assert isinstance(entry, dict)
    condition = entry.get("match")
    return condition if isinstance(condition, str) else None


def _told(event: EmittedEvent) -> dict[str, JsonValue]:
    return {"name": event.name, "key": event.key, "payload": event.payload, "at": event.at}
