"""How many executions there were, and how they ended."""

from collections.abc import Mapping
from dataclasses import asdict

from api.analytics.asking import Range
from api.analytics.numbers import counts, hits, range_of, together
from store import error_examples, rollup_reading
from store.error_examples import Example
from store.rollup_reading import Group, Sums, Top, Which
from store.session import Session

EXAMPLES = 3


async def stats(session: Session, range: Range, which: Which, top: int) -> dict[str, object]:
    """Count executions of a range."""
    span = [range.since, range.until]
    by_trigger = await rollup_reading.sums(session, span, which, by=["trigger"])
    by_workflow = await rollup_reading.sums(session, span, which, by=["workflow"], top=Top("started", top))
    codes = await rollup_reading.largest(session, span, which, "errors", nodes=False)
    frequent = [key.removeprefix("e:") for key in [*codes][:top]]
    examples = await error_examples.find(session, frequent, which, range.since, range.until, each=EXAMPLES)
    used, started = _by_start(by_workflow), _by_start(by_trigger)
    total = together([*by_trigger.values()])
    return {
        **await range_of(session, range),
        "total": counts(total),
        "cache": hits(total),
        "workflows": [{"workflow": workflow, **asdict(counts(sums))} for (_, workflow), sums in used],
        "triggers": [{"trigger": trigger, **asdict(counts(sums))} for (_, trigger), sums in started],
        "errors": _families({key.removeprefix("e:"): n for key, n in codes.items()}, examples),
    }


def _by_start(found: Mapping[Group, Sums]) -> list[tuple[Group, Sums]]:
    return sorted(found.items(), key=lambda one: (-one[1].get("started", 0), one[0]))


def _families(codes: Mapping[str, int], examples: Mapping[str, list[Example]]) -> list[dict[str, object]]:
    """Codes that begin with the same word. All of them count, those that have examples are named."""
    totals: dict[str, int] = {}
    for code, n in codes.items():
        totals[_family(code)] = totals.get(_family(code), 0) + n
    named = {code: {"code": code, "count": codes[code], "examples": found} for code, found in examples.items()}
    return [
        {"family": family, "count": n, "codes": [told for code, told in named.items() if _family(code) == family]}
        for family, n in sorted(totals.items(), key=lambda one: (-one[1], one[0]))
        if any(_family(code) == family for code in named)
    ]


def _family(code: str) -> str:
    return code.partition(".")[0]
