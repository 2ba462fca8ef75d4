"""Makes of a test what the interpreter carries out, or tells everything that is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, cast

from pydantic import JsonValue, TypeAdapter

from dag import durations, expressions
from dag.activity_type import Catalog
from dag.durations import DurationInvalid
from dag.errors import PerdureError
from dag.inputs import InputInvalid, accepted
from dag.plan import Plan, PlanNode, Sees, Template
from dag.problems import MOST_PROBLEMS, Problem, did_you_mean, pointer, told
from dag.templates import Marker, scan, split
from dag.testing.case import AnswerIn, CaseIn, DoublesIn, FrozenIn, MockIn
from dag.testing.mode import USUAL_PORTS, Answer, Decided, Mock, Mode, Sent, is_mockable
from dag.testing.places import LOOPS, Place, find

OWN_NAMES = ("config", "attempt")
"""What templates of mocks see of their node, besides what the node itself may see."""
ALWAYS = ("input", "vars", "execution")
FIELDS = ("output", "status", "port", "error")


class CaseInvalid(PerdureError):
    """The test does not fit the workflow. The problems say where and why."""

    code = "test.invalid"

    def __init__(self, problems: tuple[Problem, ...]):
        super().__init__(details=[problem.value() for problem in problems])


@dataclass(frozen=True)
class Handed:
    """What an execution that is a test says to those that it starts."""

    doubles: DoublesIn
    time: Literal["real", "skipped", "frozen"]
    begins_at: float | None
    skipped: float


_HANDED = TypeAdapter(Handed)


@dataclass
class _Found:
    problems: list[Problem] = field(default_factory=list[Problem])

    def add(self, code: str, path: tuple[str | int, ...], message: str, hint: str | None = None) -> None:
        if len(self.problems) <= MOST_PROBLEMS:
            self.problems.append(Problem(code, pointer(path), message, hint))


def prepared(case: CaseIn, plan: Plan, *, catalog: Catalog) -> Mode:
    """A test of a plan. Raises CaseInvalid with every problem."""
    found = _Found()
    mode = _doubles(case, plan, catalog, found)
    time, begins_at = "skipped", None
    match case.time:
        case FrozenIn(frozen=text):
            time, begins_at = "frozen", _moment(text, found)
        case word:
            time = word
    declared = plan.graph.vars.value if plan.graph.vars is not None else {}
    for name in case.vars:
        if not isinstance(declared, dict) or name not in declared:
            known = declared if isinstance(declared, dict) else {}
            message = f"The workflow declares no variable `{name[:100]}`."
            found.add("unknown_field", ("vars", name), message, did_you_mean(name, known))
    for number, assertion in enumerate(case.assertions):
        source, place = (assertion, ()) if isinstance(assertion, str) else (assertion.equals.path, ("equals", "path"))
        _parses(source, ("assertions", number, *place), found)
    if found.problems:
        raise CaseInvalid(told(found.problems))
    return Mode(mode.mocks, mode.real, time, begins_at, 0.0, mode.decisions, mode.events, mode.children)


def handed_on(written: JsonValue, plan: Plan) -> Mode:
    """The same for an execution that a test starts, of what the interpreter says when it does. Raises CaseInvalid."""
    handed, found = _HANDED.validate_python(written), _Found()
    mode = _doubles(handed.doubles, plan, {}, found)
    if found.problems:
        raise CaseInvalid(told(found.problems))
    return replace(mode, time=handed.time, begins_at=handed.begins_at, skipped=handed.skipped)


def _doubles(case: DoublesIn, plan: Plan, catalog: Catalog, found: _Found) -> Mode:
    mocks: dict[str, Mock] = {}
    children: dict[str, dict[str, JsonValue]] = {}
    for path, mock in case.mocks.items():
        at = ("mocks", path)
        place = _place(plan, path, at, found)
        if place is None:
            continue
        if place.rest:
            theirs = cast("dict[str, JsonValue]", _child(children, place).setdefault("mocks", {}))
            theirs[place.rest] = mock.model_dump(mode="json", exclude_unset=True)
        elif not place.undoes and not is_mockable(place.node):
            message = f"A `{place.node.type}` runs in a test as it is; only activities, tasks, waits for events, "
            message += "`emit_event` and `workflow` are mocked."
            found.add("field_not_allowed", at, message)
        else:
            mocks[place.head] = Mock(tuple(_answers(mock, place, catalog, at, found)))
    real = [*_real(case, plan, children, found)]
    decisions = [*_decisions(case, plan, children, found)]
    events = tuple(
        Sent(event.name, event.key, event.payload, _length(event.after, ("events", number, "after"), found))
        for number, event in enumerate(case.events)
    )
    handed: dict[str, JsonValue] = {path: cast(JsonValue, one) for path, one in children.items()}
    return Mode(mocks, tuple(real), decisions=tuple(decisions), events=events, children=handed)


def _child(children: dict[str, dict[str, JsonValue]], place: Place) -> dict[str, JsonValue]:
    return children.setdefault(place.head, {})


def _place(plan: Plan, path: str, at: tuple[str | int, ...], found: _Found) -> Place | None:
    place = find(plan.graph, path)
    if place is None:
        hint = did_you_mean(path, (node.id for node in plan.graph.nodes)) if "." not in path else None
        found.add("node.unknown", at, f"`{path[:200]}` is no path of a node in this workflow.", hint)
    elif place.turns not in (0, place.loops):
        found.add("invalid_value", at, "Name the turns of all loops on the way, or of none.")
    else:
        return place
    return None


def _answers(
    mock: MockIn, place: Place, catalog: Catalog, at: tuple[str | int, ...], found: _Found
) -> Iterator[Answer]:
    if mock.sequence is None:
        yield _answer(mock, place, catalog, at, found)
        return
    for number, one in enumerate(mock.sequence):
        yield _answer(one, place, catalog, (*at, "sequence", number), found)


def _answer(one: AnswerIn, place: Place, catalog: Catalog, at: tuple[str | int, ...], found: _Found) -> Answer:
    port = _port(one, place, at, found)
    try:
        if one.error is not None:
            error = scan(one.error.model_dump(mode="json"))
            return Answer(error=error, sees=_sees(error, place, (*at, "error"), found))
        output = scan(one.output)
        if not output.places:
            output = Template(_fitting(one.output, place, catalog, (*at, "output"), found))
        return Answer(output, port=port, sees=_sees(output, place, (*at, "output"), found))
    except PerdureError as wrong:  # nested too deep
        found.add("limit", at, wrong.message)
        return Answer()


def _port(one: AnswerIn, place: Place, at: tuple[str | int, ...], found: _Found) -> str:
    usual = USUAL_PORTS.get(place.node.type, "out")
    known = {usual, "timeout"} if place.node.type in USUAL_PORTS else {usual}
    if place.node.type == "approval":
        known.add("rejected")
    if one.port is not None and one.port not in known:
        message = f"A `{place.node.type}` has no port `{one.port}`."
        found.add("invalid_value", (*at, "port"), message, did_you_mean(one.port, sorted(known)))
    return one.port or usual


def _fitting(output: JsonValue, place: Place, catalog: Catalog, at: tuple[str | int, ...], found: _Found) -> JsonValue:
    """The output with what its type gives by default, or what keeps it from being one of that type."""
    type = place.node.compensate.type if place.undoes and place.node.compensate is not None else place.node.type
    spec = catalog.get(type)
    if spec is None:
        return output
    try:
        return accepted(output, dict(spec.output_schema))
    except InputInvalid as wrong:
        for problem in wrong.problems:
            found.add(problem.code, at, f"{problem.message} (at `{problem.path or '/'}` of the output)", problem.hint)
        return output


def _sees(template: Template, place: Place, at: tuple[str | int, ...], found: _Found) -> Sees:
    """What the templates of a mock read: that must be there when the node runs."""
    roots: dict[str, None] = {}
    near: dict[int, dict[str, None]] = {}
    far: dict[tuple[int, int], dict[str, None]] = {}
    names = {name for around in place.around for name in around.names}
    allowed = {*OWN_NAMES, *ALWAYS, *names, *(() if place.undoes else place.node.sees.roots)}
    for where in template.places:
        for source in _sources(template, where, at, found):
            parsed = _parses(source, (*at, *where), found)
            if parsed is None:
                continue
            read = parsed.references
            for root in read.roots:
                if root not in allowed:
                    message = f"A mock cannot see `{root}`."
                    found.add("reference.unknown", (*at, *where), message, did_you_mean(root, sorted(allowed)))
                elif root not in OWN_NAMES:
                    roots[root] = None
            for id, fields in read.nodes.items():
                level, number = _node(place, id)
                if number is None:
                    found.add("reference.unknown", (*at, *where), f"There is no node `{id[:70]}` in sight.")
                    continue
                told_of = near.setdefault(number, {}) if level == 0 else far.setdefault((level, number), {})
                told_of.update(dict.fromkeys(name for name in FIELDS if fields is None or name in fields))
    return Sees(
        tuple(roots),
        tuple((number, tuple(fields)) for number, fields in near.items()),
        tuple((level, number, tuple(fields)) for (level, number), fields in far.items()),
    )


def _sources(template: Template, where: tuple[str | int, ...], at: tuple[str | int, ...], found: _Found) -> list[str]:
    text: JsonValue = template.value
    for step in where:
        text = cast("dict[str | int, JsonValue]", text)[step]
    try:
        return [part.source for part in split(str(text)) if isinstance(part, Marker)]
    except PerdureError as wrong:
        found.add("expression.syntax", (*at, *where), wrong.message)
        return []


def _node(place: Place, id: str) -> tuple[int, int | None]:
    for level, around in enumerate(reversed(place.around)):
        if id in around.graph.place:
            return level, around.graph.place[id]
    return 0, None


def _parses(source: str, at: tuple[str | int, ...], found: _Found) -> expressions.Expression | None:
    try:
        return expressions.parse(source)
    except PerdureError as wrong:
        found.add(wrong.code, at, wrong.message)
        return None


def _real(case: DoublesIn, plan: Plan, children: dict[str, dict[str, JsonValue]], found: _Found) -> Iterator[str]:
    for number, path in enumerate(case.real):
        at = ("real", number)
        place = _place(plan, path, at, found)
        if place is None:
            continue
        if place.rest:
            cast("list[JsonValue]", _child(children, place).setdefault("real", [])).append(place.rest)
        elif place.node.call is None and not place.undoes:
            found.add("field_not_allowed", at, f"A `{place.node.type}` is no activity, and only these can be real.")
        elif path in case.mocks:
            found.add("field_not_allowed", at, f"`{path}` is mocked: it cannot be real as well.")
        else:
            yield place.head


def _decisions(
    case: DoublesIn, plan: Plan, children: dict[str, dict[str, JsonValue]], found: _Found
) -> Iterator[Decided]:
    for number, decision in enumerate(case.decisions):
        at = ("decisions", number)
        place = _place(plan, decision.path, (*at, "path"), found)
        if place is None:
            continue
        after = _length(decision.after, (*at, "after"), found)
        if place.rest:
            written = {**decision.model_dump(mode="json", exclude_unset=True), "path": place.rest}
            cast("list[JsonValue]", _child(children, place).setdefault("decisions", [])).append(written)
        elif not _is_task(place.node):
            found.add("field_not_allowed", (*at, "path"), f"`{decision.path}` asks nobody anything.")
        elif place.node.type == "approval" and decision.verdict is None:
            found.add("missing_field", (*at, "verdict"), "An approval needs a verdict: `approve` or `reject`.")
        else:
            yield Decided(
                place.head,
                decision.by,
                after,
                tuple(decision.groups),
                decision.verdict,
                decision.values,
                decision.comment,
            )


def _is_task(node: PlanNode) -> bool:
    return node.type in ("approval", "ask")


def _length(text: str | None, at: tuple[str | int, ...], found: _Found) -> float:
    if text is None:
        return 0.0
    try:
        return durations.parse(text).total_seconds()
    except DurationInvalid as wrong:
        found.add("invalid_value", at, wrong.message)
        return 0.0


def _moment(text: str, found: _Found) -> float | None:
    try:
        at = datetime.fromisoformat(text)
        time = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        found.add("invalid_value", ("time", "frozen"), "This is no time in ISO 8601.", "Write `2026-03-01T09:00:00Z`.")
        return None
    if not 0 <= time < 32_503_680_000:
        found.add("invalid_value", ("time", "frozen"), "The time lies between the years 1970 and 3000.")
    return time


def unmocked(plan: Plan, mode: Mode) -> list[str]:
    """The nodes with effects that are neither mocked nor real, by their paths: the test fails where it comes to one."""
    known = {*mode.mocks, *mode.real}
    return [path for path, node in activities(plan) if node.call and node.call.effects and path not in known]


def activities(plan: Plan) -> Iterator[tuple[str, PlanNode]]:
    """The activity nodes of a plan, by their paths without turns."""
    waiting = [("", plan.graph)]
    while waiting:
        prefix, graph = waiting.pop(0)
        for node in graph.nodes:
            path = f"{prefix}{node.id}"
            if node.call is not None:
                yield path, node
            waiting += [
                (f"{path}." if node.type in LOOPS else f"{path}.{part}.", inside)
                for part, inside in node.graphs.items()
            ]
