"""What a node yields, given what it can see: control words end here, activities get their config.

Pure, and the same in the interpreter (small budget) and in the local activity that takes over what exceeds it."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeGuard

import orjson
from pydantic import JsonValue, SkipValidation

from dag import durations, expressions
from dag.crowding import crowded
from dag.durations import DurationInvalid
from dag.errors import ErrorValue, PerdureError
from dag.event_names import checked
from dag.expressions import MISSING, Budget, ExpressionBudget, ExpressionType, Missing, Moment, as_items
from dag.invocation import SecretText
from dag.limits import DEFAULTS
from dag.names import USER_CODE
from dag.nesting import written
from dag.plan import Template
from dag.templates import as_text, render
from interpreter.task_asked import asked

Scope = Mapping[str, JsonValue]

INLINE_ITEMS = 1_000
"""A data node over more items than this is computed outside the workflow task."""
FEWEST_STEPS = 1_000
"""What an expression over one item may always take."""

LONGEST_CODE = 200
"""Characters of the code of a `fail`."""
LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""The last time that can be written."""

_USER_CODE = re.compile(USER_CODE)


class ConfigInvalid(PerdureError):
    """The node's config does not hold what its type needs."""

    code = "config.invalid"


class PayloadTooLarge(PerdureError):
    """What the node yields is larger, or nested deeper, than an execution keeps."""

    code = "payload.too_large"


class TooManyItems(PerdureError):
    """The loop has more items than a `for_each` takes."""

    code = "limit.items"


class IterationsLimit(PerdureError):
    """The loop would take one turn more than it may."""

    code = "limit.iterations"


class SwitchNoMatch(PerdureError):
    """No case of the switch matches and nothing is wired to its `default` port."""

    code = "switch.no_match"


@dataclass(slots=True)
class Job:
    """Everything about a node that computing it needs, besides what it sees."""

    type: str
    config: Template
    when: str | None = None
    wired: tuple[str, ...] = ()
    """The node's ports that lead somewhere; of a `parallel`, its branches."""
    cache_key: str | None = None
    """An expression that tells outputs apart which are stored to be used again."""


@dataclass(slots=True)
class Computed:
    """What came of it. `value` is an output, a config (call), a time in seconds since the epoch (wait), how graphs
    inside are run (open) or an error."""

    kind: Literal["done", "skip", "call", "wait", "stop", "leave", "open", "fail"]
    value: SkipValidation[JsonValue] = None
    port: str | None = "out"
    secrets: tuple[SecretText, ...] = ()
    cache_key: SkipValidation[JsonValue] = None


class Evaluator:
    """Evaluates a node's expressions within one budget for all of them."""

    def __init__(self, scope: Scope, moment: Moment, budget: Budget):
        self._scope = scope
        self._moment = moment
        self._budget = budget
        self._began = time.perf_counter()
        self._kept = 0

    @property
    def now(self) -> float:
        """The moment of the evaluation, in seconds since the epoch."""
        return self._moment.now_ms / 1000

    def value(self, source: str) -> JsonValue | Missing:
        """The value of an expression."""
        self.check_clock()
        return expressions.evaluate(source, self._scope, self._moment, self._budget)

    def true(self, source: str) -> bool:
        """Whether a condition holds."""
        self.check_clock()
        return expressions.condition(source, self._scope, self._moment, self._budget)

    def render(self, template: Template) -> tuple[JsonValue, tuple[SecretText, ...]]:
        """A template with its markers replaced by what they yield."""
        rendered = render(template, self._marker)
        return rendered.value, rendered.secrets

    def _marker(self, source: str) -> JsonValue | Missing:
        value = self.value(source)
        return value if value is MISSING else self.keep(value)

    def items(self, source: str) -> list[JsonValue]:
        """The items that a data node goes over."""
        return as_items(self.value(source))

    def each(self, items: list[JsonValue]) -> "ItemEvaluator":
        """An evaluator that sees one item at a time, the budget shared out among them."""
        if self._budget.steps <= expressions.INLINE.steps and len(items) > INLINE_ITEMS:
            raise ExpressionBudget(f"More than {INLINE_ITEMS} items.")
        steps = max(FEWEST_STEPS, self._budget.steps // max(1, len(items)))
        return ItemEvaluator(self, self._scope, self._moment, replace(self._budget, steps=steps))

    def keep(self, value: JsonValue | Missing) -> JsonValue:
        """The value, null if it is missing, as part of what the node yields. All of them together have a bound."""
        if value is MISSING:
            return None
        self._kept += len(value) if isinstance(value, str) else len(orjson.dumps(value))
        if self._kept > self._budget.result:
            raise ExpressionBudget(f"What the node yields grows beyond {self._budget.result} bytes.")
        return value

    def check_clock(self) -> None:
        """Break off when all expressions together took too long."""
        if self._budget.seconds is not None and time.perf_counter() - self._began > self._budget.seconds:
            raise ExpressionBudget("The node's expressions took too long.", by_clock=True)


class ItemEvaluator:
    """Evaluates an expression for each of a list of items."""

    def __init__(self, whole: Evaluator, scope: Scope, moment: Moment, budget: Budget):
        self._whole = whole
        self._scope = dict(scope)
        self._moment = moment
        self._budget = budget

    def value(self, source: str, **names: JsonValue) -> JsonValue | Missing:
        """The value of an expression that sees `names` too."""
        self._whole.check_clock()
        self._scope.update(names)
        return expressions.evaluate(source, self._scope, self._moment, self._budget)

    def true(self, source: str, **names: JsonValue) -> bool:
        """Whether a condition holds that sees `names` too."""
        self._whole.check_clock()
        self._scope.update(names)
        return expressions.condition(source, self._scope, self._moment, self._budget)


Config = Mapping[str, JsonValue]
Word = Callable[[Job, Evaluator], Computed]


def compute(job: Job, scope: Scope, moment: Moment, budget: Budget) -> Computed:
    """Ask `when`, then do what the node's type says. Exceeding the budget raises; every other error is a result."""
    evaluator = Evaluator(scope, moment, budget)
    try:
        if job.when is not None and not evaluator.true(job.when):
            return Computed("skip", port=None)
        computed = WORDS.get(job.type, _call)(job, evaluator)
        check_size(computed.value)
    except ExpressionBudget:
        raise
    except PerdureError as error:
        return failure(error.value())
    return computed


def failure(error: ErrorValue) -> Computed:
    """The error as what came of it."""
    return Computed("fail", error.model_dump(mode="json", exclude_none=True), port=None)


def check_size(value: JsonValue) -> None:
    """Refuse what could not be carried on. Here, since nothing catches it later."""
    if not isinstance(value, dict | list | str):
        return
    try:
        text = written(value, levels=DEFAULTS.document_depth)
    except TypeError:
        message = f"What the node yields is nested deeper than {DEFAULTS.document_depth} levels."
        raise PayloadTooLarge(message) from None
    if len(text) > DEFAULTS.payload_bytes:
        raise PayloadTooLarge(f"What the node yields has more than {DEFAULTS.payload_bytes} bytes of JSON.")
    if crowded(text):
        raise PayloadTooLarge(f"What the node yields has more than {DEFAULTS.payload_values} values.")


def check_written(text: bytes) -> None:
    """The same of what is JSON text already."""
    if len(text) > DEFAULTS.payload_bytes:
        raise PayloadTooLarge(f"What the node yields has more than {DEFAULTS.payload_bytes} bytes of JSON.")
    if len(text) > DEFAULTS.payload_values or text.count(b"[") + text.count(b"{") > DEFAULTS.document_depth:
        check_size(orjson.loads(text))


def _call(job: Job, evaluator: Evaluator) -> Computed:
    config, secrets = evaluator.render(job.config)
    key = None if job.cache_key is None else evaluator.keep(evaluator.value(job.cache_key))
    return Computed("call", config, secrets=secrets, cache_key=key)


def _if(job: Job, evaluator: Evaluator) -> Computed:
    return Computed("done", port="true" if evaluator.true(_text(job, "condition")) else "false")


def _switch(job: Job, evaluator: Evaluator) -> Computed:
    config = _config(job)
    cases = config["cases"]
    assert isinstance(cases, dict)
    if config.get("value") is None:
        match = next((port for port, case in cases.items() if evaluator.true(str(case))), None)
    else:
        value = _present(evaluator.value(_text(job, "value")))
        match = next((port for port, case in cases.items() if _is_one_of(value, case)), None)
    if match is None and "default" not in job.wired:
        raise SwitchNoMatch
    return Computed("done", port=match or "default")


def _is_one_of(value: JsonValue, literals: JsonValue) -> bool:
    listed = literals if isinstance(literals, list) else [literals]
    return any(isinstance(value, bool) == isinstance(literal, bool) and value == literal for literal in listed)


def _set(job: Job, evaluator: Evaluator) -> Computed:
    values = _config(job)["values"]
    assert isinstance(values, dict)
    return Computed("done", {name: evaluator.keep(evaluator.value(str(source))) for name, source in values.items()})


def _transform(job: Job, evaluator: Evaluator) -> Computed:
    return Computed("done", _present(evaluator.value(_text(job, "expression"))))


def _map(job: Job, evaluator: Evaluator) -> Computed:
    items = evaluator.items(_text(job, "items"))
    each, source = evaluator.each(items), _text(job, "expression")
    yielded = [evaluator.keep(each.value(source, item=item, index=n)) for n, item in enumerate(items)]
    return Computed("done", yielded)


def _filter(job: Job, evaluator: Evaluator) -> Computed:
    items = evaluator.items(_text(job, "items"))
    each, source = evaluator.each(items), _text(job, "condition")
    return Computed("done", [item for n, item in enumerate(items) if each.true(source, item=item, index=n)])


def _reduce(job: Job, evaluator: Evaluator) -> Computed:
    items = evaluator.items(_text(job, "items"))
    result = _present(evaluator.value(_text(job, "initial")))
    each, source = evaluator.each(items), _text(job, "expression")
    for n, item in enumerate(items):
        result = _present(each.value(source, item=item, index=n, result=result))
    return Computed("done", result)


def _sort(job: Job, evaluator: Evaluator) -> Computed:
    items = evaluator.items(_text(job, "items"))
    each, source = evaluator.each(items), _text(job, "by")
    keys: list[Any] = [evaluator.keep(each.value(source, item=item, index=n)) for n, item in enumerate(items)]
    if not (all(isinstance(key, str) for key in keys) or all(_is_number(key) for key in keys)):
        raise ExpressionType("`by` of a sort gives a number for every item, or text for every item.")
    order = _word(_rendered(job, evaluator), "order", "ascending", "descending")
    ordered = sorted(range(len(items)), key=lambda n: keys[n], reverse=order == "descending")
    return Computed("done", [items[n] for n in ordered])


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _group(job: Job, evaluator: Evaluator) -> Computed:
    items = evaluator.items(_text(job, "items"))
    each, source = evaluator.each(items), _text(job, "by")
    groups: dict[str, JsonValue] = {}
    for n, item in enumerate(items):
        key = evaluator.keep(each.value(source, item=item, index=n))
        members = groups.setdefault(as_text(key), [])
        assert isinstance(members, list)
        members.append(item)
    return Computed("done", groups)


def _split(job: Job, evaluator: Evaluator) -> Computed:
    items = evaluator.items(_text(job, "items"))
    size = _rendered(job, evaluator).get("size")
    if not is_whole(size, least=1):
        raise ConfigInvalid("`size` of a split is a whole number from 1.")
    return Computed("done", [items[n : n + size] for n in range(0, len(items), size)])


def _merge(job: Job, evaluator: Evaluator) -> Computed:
    config = _config(job)
    sources = config["sources"]
    assert isinstance(sources, list)
    read = [evaluator.keep(evaluator.value(str(source))) for source in sources]
    values: list[JsonValue] = [value for value in read if value is not None]
    match _word(_rendered(job, evaluator), "mode", "object", "list", "first", "last"):
        case "list":
            return Computed("done", values)
        case "first" | "last" as end:
            return Computed("done", values[0 if end == "first" else -1] if values else None)
        case _:
            merged: dict[str, JsonValue] = {}
            for value in values:
                if not isinstance(value, dict):
                    raise ConfigInvalid(
                        "A merge of mode `object` takes objects only; use mode `list` for other values."
                    )
                merged.update(value)
            return Computed("done", merged)


def _delay(job: Job, evaluator: Evaluator) -> Computed:
    config = _rendered(job, evaluator)
    try:
        if (span := config.get("for")) is not None:
            return Computed("wait", evaluator.now + durations.parse(str(span)).total_seconds())
        until = datetime.fromisoformat(str(config.get("until")))
    except DurationInvalid as error:
        raise ConfigInvalid(f"`for` of a delay: {error.message}") from None
    except ValueError:
        raise ConfigInvalid("`until` of a delay is an ISO 8601 time, such as 2030-01-31T09:00:00Z.") from None
    at = (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp()
    return Computed("wait", min(max(at, 0.0), LATEST))  # `until` may be in year 0 or 10000, in UTC


def _for_each(job: Job, evaluator: Evaluator) -> Computed:
    items = evaluator.items(_text(job, "items"))
    if len(items) > DEFAULTS.for_each_items:
        raise TooManyItems(f"The loop has {len(items):,} items; at most {DEFAULTS.for_each_items:,} are possible.")
    config = _rendered(job, evaluator)
    concurrency = config.get("concurrency")
    if not is_whole(concurrency, least=1):
        raise ConfigInvalid("`concurrency` of a loop is a whole number from 1.")
    opened: dict[str, JsonValue] = {
        "items": items,
        "concurrency": concurrency,
        "tolerated": _tolerated(config, len(items)),
        "result": _word(config, "result", "list", "full", "merge", "first", "last", "none"),
    }
    return Computed("open", opened)


def _tolerated(config: Config, count: int) -> float | None:
    """How many failed turns the loop goes on after; None: any number."""
    goes_on = _word(config, "on_item_error", "fail", "continue") == "continue"
    match config.get("tolerate"):
        case {"count": int(most)} if is_whole(most, least=0):
            return None if goes_on else most
        case {"percent": int() | float() as percent} if not isinstance(percent, bool) and 0 <= percent <= 100:
            return None if goes_on else count * percent / 100
        case None:
            return None if goes_on else 0
        case _:
            raise ConfigInvalid("`tolerate` is a `count` from 0, or a `percent` from 0 to 100.")


def _while(job: Job, evaluator: Evaluator) -> Computed:
    return Computed("open", {"max_iterations": _most_iterations(_rendered(job, evaluator))})


def _repeat(job: Job, evaluator: Evaluator) -> Computed:
    config = _rendered(job, evaluator)
    times = config.get("times")
    if times is not None and not is_whole(times, least=0):
        raise ConfigInvalid("`times` of a repeat is a whole number from 0.")
    if isinstance(times, int) and times > DEFAULTS.iterations:
        raise IterationsLimit(f"The loop would take more than {DEFAULTS.iterations:,} turns.")
    return Computed("open", {"times": times, "max_iterations": _most_iterations(config)})


def _most_iterations(config: Config) -> JsonValue:
    most = config.get("max_iterations")
    if not is_whole(most, least=1) or most > DEFAULTS.iterations:
        raise ConfigInvalid(f"`max_iterations` is a whole number from 1 to {DEFAULTS.iterations:,}.")
    return most


def is_whole(value: JsonValue, *, least: int) -> TypeGuard[int]:
    """Whether it is a whole number, and not too small. True is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _parallel(job: Job, evaluator: Evaluator) -> Computed:
    config = _rendered(job, evaluator)
    match config.get("wait"):
        case "all":
            enough = None
        case "any":
            enough = 1
        case {"count": int(count)} if is_whole(count, least=1):
            enough = count
        case _:
            raise ConfigInvalid("`wait` of a parallel is `all`, `any`, or a `count` from 1.")
    result = _word(config, "result", "by_branch", "list", "merge", "first", "last")
    return Computed("open", {"enough": enough, "result": result})


def _try(job: Job, evaluator: Evaluator) -> Computed:
    return Computed("open", {})


def _wait_event(job: Job, evaluator: Evaluator) -> Computed:
    config = _rendered(job, evaluator)
    written, events = _config(job)["events"], config["events"]
    assert isinstance(written, list)
    assert isinstance(events, list)
    wanted: list[JsonValue] = []
    for entry, rendered in zip(written, events, strict=True):
        assert isinstance(entry, dict)
        assert isinstance(rendered, dict)
        key = entry.get("key")
        value = None if key is None else evaluator.keep(evaluator.value(str(key)))
        wanted.append({"name": _event_name(rendered), "key": value, "keyed": key is not None})
    match config.get("mode"):
        case "any":
            enough = 1
        case "all":
            enough = len(wanted)
        case {"count": int(count)} if is_whole(count, least=1) and count <= len(wanted):
            enough = count
        case _:
            raise ConfigInvalid(f"`mode` of a wait is `any`, `all`, or a `count` from 1 to {len(wanted)}.")
    waits: dict[str, JsonValue] = {
        "wanted": wanted,
        "enough": enough,
        "gives_list": config.get("mode") != "any",
        "timeout": _span(config, "timeout"),
        "lookback": _span(config, "lookback"),
    }
    return Computed("open", waits)


def _task(job: Job, evaluator: Evaluator) -> Computed:
    return Computed("open", asked(_rendered(job, evaluator), timeout_wired="timeout" in job.wired))


def _emit_event(job: Job, evaluator: Evaluator) -> Computed:
    config, key = _rendered(job, evaluator), _config(job).get("key")
    value = None if key is None else evaluator.keep(evaluator.value(str(key)))
    emitted: dict[str, JsonValue] = {"name": _event_name(config), "key": value, "payload": config.get("payload")}
    return Computed("open", emitted)


def _workflow(job: Job, evaluator: Evaluator) -> Computed:
    config = _rendered(job, evaluator)
    if not isinstance(config.get("wait"), bool):
        raise ConfigInvalid("`wait` of a workflow is true or false.")
    return Computed("open", {field: config.get(field) for field in ("name", "version", "input", "wait")})


def _event_name(config: Config) -> str:
    name = config.get("name")
    if not isinstance(name, str):
        raise ConfigInvalid("The `name` of an event is text.")
    return checked(name)


def _span(config: Config, field: str) -> float | None:
    """A duration in seconds."""
    written = config.get(field)
    if written is None:
        return None
    try:
        return durations.parse(str(written)).total_seconds()
    except DurationInvalid as error:
        raise ConfigInvalid(f"`{field}`: {error.message}") from None


def _leave(job: Job, evaluator: Evaluator) -> Computed:
    condition = _config(job).get("when")
    leaves = condition is None or evaluator.true(str(condition))
    return Computed("leave", port=None) if leaves else Computed("done")


def _ask(job: Job, evaluator: Evaluator) -> Computed:
    return Computed("done", evaluator.true(str(job.config.value)))


def _stop(job: Job, evaluator: Evaluator) -> Computed:
    return Computed("stop", _rendered(job, evaluator).get("output"), port=None)


def _fail(job: Job, evaluator: Evaluator) -> Computed:
    config = _rendered(job, evaluator)
    code = config.get("code")
    if not isinstance(code, str) or len(code) > LONGEST_CODE or not _USER_CODE.fullmatch(code):
        message = "`code` of a fail is a code of your own, such as `user.not_paid`, of at most {} characters."
        raise ConfigInvalid(message.format(LONGEST_CODE))
    return failure(ErrorValue(code=code, message=as_text(config.get("message")), details=config.get("details")))


def _render(job: Job, evaluator: Evaluator) -> Computed:
    return Computed("done", evaluator.render(job.config)[0])


WORDS: Mapping[str, Word] = {
    "if": _if,
    "switch": _switch,
    "set": _set,
    "transform": _transform,
    "map": _map,
    "filter": _filter,
    "reduce": _reduce,
    "sort": _sort,
    "group": _group,
    "split": _split,
    "merge": _merge,
    "delay": _delay,
    "for_each": _for_each,
    "while": _while,
    "repeat": _repeat,
    "parallel": _parallel,
    "try": _try,
    "wait_event": _wait_event,
    "emit_event": _emit_event,
    "workflow": _workflow,
    "approval": _task,
    "ask": _task,
    "break": _leave,
    "continue": _leave,
    "stop": _stop,
    "fail": _fail,
    "?": _ask,
    "": _render,
}
"""By control word. The empty word renders what a graph declares: its variables, its output; `?` is a loop's condition.
All other types are activities."""


def _config(job: Job) -> Config:
    assert isinstance(job.config.value, dict)
    return job.config.value


def _rendered(job: Job, evaluator: Evaluator) -> Config:
    value, _ = evaluator.render(job.config)
    assert isinstance(value, dict)
    return value


def _word(config: Config, field: str, *words: str) -> str:
    """One of a few words, which may have come from a template; the first is the default."""
    word = config.get(field, words[0])
    if not isinstance(word, str) or word not in words:
        raise ConfigInvalid(f"`{field}` is one of: {', '.join(words)}.")
    return word


def _text(job: Job, field: str) -> str:
    source = _config(job)[field]
    assert isinstance(source, str)
    return source


def _present(value: JsonValue | Missing) -> JsonValue:
    return None if value is MISSING else value
