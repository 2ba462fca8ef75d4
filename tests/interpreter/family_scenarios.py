"""Executions of every construct of the language, and of workflows that start each other; their histories are recorded,
and they end alike however they are run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import JsonValue

from interpreter.start import Tuning
from runtime.events import publish
from store import ids
from store.emitted_events import Sent
from tests.interpreter.documents import computing, document, work
from tests.interpreter.engine import ended
from tests.interpreter.family import Family, Handle, calling
from tests.interpreter.people import approval, decide, decision

Nodes = dict[str, Any]


@dataclass(frozen=True)
class Deed:
    """What is done to an execution while one of its node runs waits."""

    path: str
    """Of the node run that waits."""
    child: str | None = None
    """The path of the node whose child it is in; None: in the first execution itself."""
    after: str | None = None
    """A node run of the first execution that must have succeeded before."""


@dataclass(frozen=True)
class Decide(Deed):
    """Somebody approves."""

    by: str = "user:ann"


@dataclass(frozen=True)
class Send(Deed):
    """An event is sent."""

    name: str = "go"
    payload: JsonValue = None


@dataclass(frozen=True)
class Cancel(Deed):
    """It is cancelled, or the first execution is."""

    first: bool = False


@dataclass(frozen=True)
class FamilyScenario:
    """The workflows, of which the last is started, and what is done meanwhile."""

    workflows: Mapping[str, Mapping[str, Any]]
    deeds: tuple[Decide | Send | Cancel, ...] = ()
    tuning: Tuning = field(default_factory=Tuning)

    def cut(self, continue_after: int | None) -> "FamilyScenario":
        """The same, with other cuts of the history."""
        return replace(self, tuning=Tuning(continue_after=continue_after))


async def performed(family: Family, scenario: FamilyScenario) -> Handle:
    """Run a scenario until all that it started has ended."""
    for name, fields in scenario.workflows.items():
        await family.put(document(**fields) | {"name": name})
    handle = await family.start([*scenario.workflows][-1], tuning=scenario.tuning)
    for deed in scenario.deeds:
        await _done(family, handle, deed)
    await ended(handle)
    await family.until(lambda: all(family.has_ended(execution) for execution in family.executions()))
    return handle


async def _done(family: Family, handle: Handle, deed: Decide | Send | Cancel) -> None:
    await family.until(lambda: deed.after is None or family.statuses(handle).get(deed.after) == "succeeded")
    whose = handle if deed.child is None else await family.child(handle, deed.child)
    await family.until(lambda: any(event.path == deed.path for event in family.events(whose, "node.waiting")))
    match deed:
        case Decide():
            await decide(whose, decision(deed.path, by=deed.by))
        case Send():
            sent = Sent(ids.event(), deed.name, None, deed.payload)
            await publish(family.client, family.store, family.tenant, sent)
        case Cancel():
            await (handle if deed.first else whose).cancel()


def steps(count: int) -> Nodes:
    """Activities one after another."""
    return {f"n{n}": work(n, [f"n{n - 1}"] if n else None) for n in range(count)}


def waits(name: str, **more: Any) -> Nodes:
    return {"type": "wait_event", "config": {"events": [{"name": name}], **more.pop("config", {})}, **more}


def trying(body: Nodes, **parts: Any) -> Nodes:
    return {"type": "try", "config": {"body": {"nodes": body}, **parts}}


UNDO: Nodes = {"type": "test.work", "config": {"value": "undone ${{ output.value }}"}}
FOREVER: Nodes = {"type": "delay", "config": {"for": "1d"}}
FAILS: Nodes = {"type": "fail", "config": {"code": "user.no", "message": "No."}}
TIDY: Nodes = {"nodes": {"tidy": work("tidy")}}

LOOPS: Nodes = {
    "each": {
        "type": "for_each",
        "config": {
            "items": "[1..3]",
            "concurrency": 2,
            "body": {"nodes": {"a": work("${{ item }}"), "b": computing("nodes.a.output.value * 2", ["a"])}},
        },
    },
    "count": {
        "type": "while",
        "needs": ["each"],
        "config": {
            "condition": "vars.n < 2",
            "body": {
                "nodes": {
                    "inc": {"type": "set", "config": {"values": {"n": "vars.n + 1"}}},
                    "do": work("${{ vars.n }}", ["inc"], type="test.read"),
                }
            },
        },
    },
    "again": {
        "type": "repeat",
        "needs": ["count"],
        "config": {
            "times": 3,
            "body": {
                "nodes": {
                    "pause": {"type": "delay", "config": {"for": "20ms"}},
                    "enough": {"type": "break", "needs": ["pause"], "config": {"when": "loop.index = 1"}},
                    "do": work("${{ loop.index }}", ["enough"]),
                }
            },
        },
    },
}
BRANCHES: Nodes = {
    "fan": {
        "type": "parallel",
        "config": {
            "wait": {"count": 2},
            "branches": {
                "long": {"nodes": {"guard": trying({"w": FOREVER}, **{"finally": TIDY})}},
                "a": {"nodes": {"x": work(1)}},
                "b": {"nodes": {"x": work(2)}},
            },
        },
    },
    "end": computing("nodes.fan.output", ["fan"]),
}
TRIES: Nodes = {
    "first": work(1, compensate=UNDO),
    "guard": {
        **trying(
            {"x": work(2, compensate=UNDO), "breaks": work(needs=["x"], config={"fail": "user.bad"})},
            catch=[{"codes": ["user.bad"], "body": {"nodes": {"mend": work("${{ error.code }}", compensate=UNDO)}}}],
            **{"finally": TIDY},
        ),
        "needs": ["first"],
    },
    "bad": {**FAILS, "needs": ["guard"]},
}
PEOPLE: Nodes = {
    **steps(4),
    "ok": approval(required=2, reminders=["100ms"]),
    "who": {
        "type": "ask",
        "needs": ["ok.approved"],
        "config": {"title": "Who?", "due": "100ms", "form": {"type": "object"}},
    },
    "nobody": computing("nodes.ok.output.by", ["who.timeout"]),
}
EVENTS: Nodes = {
    **steps(4),
    "paid": waits("paid"),
    "told": waits("told"),
    "late": waits("never", config={"timeout": "100ms"}),
    "tell": {
        "type": "emit_event",
        "needs": ["paid.received"],
        "config": {"name": "told", "payload": "${{ nodes.paid.output.payload }}"},
    },
    "end": computing("nodes.told.output.payload", ["told.received", "late.timeout", "tell", "n3"]),
}
ASKING: Nodes = {"nodes": {"ok": approval(), "yes": computing("'yes'", ["ok.approved"])}, "output": "yes"}
HARDY: Nodes = {
    "nodes": {
        "done": work(1, compensate=UNDO),
        "guard": {**trying({"w": FOREVER}, **{"finally": TIDY}), "needs": ["done"]},
    }
}
QUICK: Nodes = {"nodes": {"x": work("quick"), "y": computing("nodes.x.output.value", ["x"])}}
BAD: Nodes = {"nodes": {"x": work(1, compensate=UNDO), "bad": {**FAILS, "needs": ["x"]}}}

SCENARIOS: dict[str, FamilyScenario] = {
    "loops": FamilyScenario({"loops": {"nodes": LOOPS, "vars": {"n": 0}}}, tuning=Tuning(continue_after=4)),
    "branches": FamilyScenario({"branches": {"nodes": BRANCHES}}),
    "tries": FamilyScenario({"tries": {"nodes": TRIES}}, tuning=Tuning(continue_after=3)),
    "people": FamilyScenario(
        {"people": {"nodes": PEOPLE}},
        (Decide("ok", after="n3"), Decide("ok", by="user:bob")),
        Tuning(continue_after=3),
    ),
    "events": FamilyScenario(
        {"events": {"nodes": EVENTS}},
        (Send("paid", after="n3", name="paid", payload=7),),
        Tuning(continue_after=3),
    ),
    "child": FamilyScenario(
        {"asking": ASKING, "child": {"nodes": {"call": calling("asking"), **steps(4)}}},
        (Decide("ok", child="call", after="n3"),),
        Tuning(continue_after=2),
    ),
    "detached": FamilyScenario(
        {
            "asking": ASKING,
            "quick": QUICK,
            "detached": {
                "nodes": {
                    "call": calling("quick", config={"wait": False}, compensate=UNDO),
                    "wait": calling("quick", needs=["call"]),
                }
            },
        }
    ),
    "failing": FamilyScenario(
        {
            "notify": {"nodes": {"x": computing("input.error.code")}},
            "bad": BAD,
            "quick": QUICK,
            "failing": {
                "nodes": {
                    "done": calling("quick", compensate={"type": "test.work", "config": {"value": "${{ output }}"}}),
                    "caught": trying({"inner": calling("bad")}, catch=[{"body": {"nodes": {"x": work("caught")}}}]),
                    "call": calling("bad", needs=["done", "caught"]),
                },
                "settings": {"on_failure": {"workflow": "notify"}},
            },
        }
    ),
    "cancelled-parent": FamilyScenario(
        {"hardy": HARDY, "cancelled-parent": {"nodes": {"call": calling("hardy"), **steps(1)}}},
        (Cancel("guard.body.w", child="call", after="n0", first=True),),
    ),
    "cancelled-child": FamilyScenario(
        {"hardy": HARDY, "cancelled-child": {"nodes": {"call": calling("hardy", on_error="continue"), **steps(1)}}},
        (Cancel("guard.body.w", child="call", after="n0"),),
    ),
}
