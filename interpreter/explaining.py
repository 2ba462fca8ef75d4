"""Says why the conditions of a node held or did not, from what was laid before them as they were asked."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial

import orjson
from pydantic import JsonValue

from dag.auditing import Audited, audit
from dag.engine import Moment
from dag.why import Condition, Kind, Part
from interpreter.failures import dumped
from interpreter.job import Job

MOST_CONDITIONS = 50
"""The last ones are told: a `switch` may ask any number of cases."""
MOST_BYTES = 40 * 1024
"""Of all parts together."""
LONGEST_QUOTE = 2_000
"""Characters of an expression."""

_ASKED_BY: Mapping[str, Kind] = {"while": "while", "wait_event": "match"}
"""Of what lasts, by type, what it asks; loops of other types ask `until`."""


@dataclass(frozen=True)
class Asked:
    """What a node computed, with what it saw."""

    word: str
    """The type of the node."""
    job: Job
    scope: bytes
    """As JSON, since values go on changing."""
    moment: Moment
    masks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Of the outputs among what it saw, by node."""

    @property
    def turn(self) -> int | None:
        """Of a loop's condition, the turn that it was asked about."""
        if self.job.type != "?" or self.word == "wait_event":
            return None
        return orjson.loads(self.scope)["loop"]["index"]


def has_condition(asked: Asked) -> bool:
    """Whether there is anything to explain."""
    job = asked.job
    if job.when is not None or job.type in ("?", "if", "switch"):
        return True
    return job.type in ("break", "continue") and _config(job).get("when") is not None


def explained(asked: Asked) -> list[Condition]:
    """Each condition that was asked, in order."""
    return _within_bounds([*_conditions(asked)])


def _conditions(asked: Asked) -> Iterator[Condition]:
    job, scope = asked.job, orjson.loads(asked.scope)
    ask = partial(audit, scope=scope, moment=asked.moment, masks=asked.masks)
    if job.when is not None:
        first = _condition("when", job.when, ask)
        yield first
        if first.result is not True:
            return
    config = _config(job)
    match job.type:
        case "if":
            yield _condition("condition", str(config["condition"]), ask)
        case "switch" if config.get("value") is not None:
            yield _condition("value", str(config["value"]), ask)
        case "switch":
            cases = config["cases"]
            assert isinstance(cases, dict)
            for port, case in cases.items():
                asked_case = replace(_condition("case", str(case), ask), case=port)
                yield asked_case
                if asked_case.result is True or asked_case.error is not None:
                    return
        case "break" | "continue" if config.get("when") is not None:
            yield _condition("condition", str(config["when"]), ask)
        case "?":
            yield replace(_condition(_ASKED_BY.get(asked.word, "until"), str(job.config.value), ask), turn=asked.turn)
        case _:
            pass


def _condition(kind: Kind, source: str, ask: Callable[..., Audited]) -> Condition:
    told = ask(source, is_condition=kind != "value")
    quote = source if len(source) <= LONGEST_QUOTE else source[:LONGEST_QUOTE] + "…"
    return Condition(
        kind,
        quote,
        told.result,
        masked=told.masked,
        error=None if told.error is None else dumped(told.error),
        parts=told.parts,
        more=told.more,
    )


def _config(job: Job) -> Mapping[str, JsonValue]:
    return job.config.value if isinstance(job.config.value, dict) else {}


def _within_bounds(conditions: list[Condition]) -> list[Condition]:
    left = MOST_BYTES
    kept: list[Condition] = []
    for condition in conditions[-MOST_CONDITIONS:]:
        parts: list[Part] = []
        for part in condition.parts:
            left -= len(orjson.dumps(asdict(part)))
            if left < 0:
                break
            parts.append(part)
        kept.append(replace(condition, parts=parts, more=condition.more or len(parts) < len(condition.parts)))
    return kept
