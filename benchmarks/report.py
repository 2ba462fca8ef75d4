"""Results as Markdown: a table of the limits, then one of every case."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.case import OURS, Limit
from benchmarks.measuring import Measured
from benchmarks.spread import Spread, difference, ratio, spread

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- results: written by `python -m benchmarks --write` -->", "<!-- end of results -->"


def write(results: str) -> None:
    """Put the results into the README in place of those that are there."""
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n\n{results}\n{END}{after}")


def markdown(measured: Sequence[Measured], conditions: Sequence[str]) -> str:
    """Everything that a run found."""
    return "\n".join(
        [*conditions, "", *_summary(measured), "", *(line for each in measured for line in _details(each))]
    )


def _summary(measured: Sequence[Measured]) -> Iterator[str]:
    yield "| case | Perdure | against | | measured | allowed | |"
    yield "|---|--:|---|--:|---|--:|---|"
    for each in measured:
        ours = each.seconds[OURS]
        for limit in each.case.limits or (None,):
            against = limit.against if limit else next((name for name in each.seconds if name != OURS), None)
            cells = [each.case.title, _time(spread(ours).median), *_comparison(each, against, limit)]
            yield f"| {' | '.join(cells)} |"


def _comparison(measured: Measured, against: str | None, limit: Limit | None) -> list[str]:
    ours = measured.seconds[OURS]
    if against is None:
        if limit is None:
            return ["", "", "", "", ""]
        if limit.kind == "rate":
            rates = spread([measured.case.count / seconds for seconds in ours])
            told = f"{rates.median:,.0f}/s (quartiles {rates.first_quartile:,.0f} to {rates.third_quartile:,.0f})"
            return ["", "", told, f"≥ {limit.bound:,.0f}/s", _verdict(rates, limit)]
        return ["", "", "", f"≤ {_time(limit.bound)}", _verdict(spread(ours), limit)]
    theirs = measured.seconds[against]
    if limit is not None and limit.kind == "difference":
        found = difference(ours, theirs)
        told, allowed = f"{found.median * 1000:+.1f} ms", f"≤ {limit.bound * 1000:g} ms"
        told += f" (quartiles {found.first_quartile * 1000:+.1f} to {found.third_quartile * 1000:+.1f})"
    else:
        found = ratio(ours, theirs)
        told, allowed = f"{found.median:.3f}×", f"≤ {limit.bound:.2f}×" if limit else ""
        told += f" (quartiles {found.first_quartile:.3f} to {found.third_quartile:.3f})"
    return [against, _time(spread(theirs).median), told, allowed, _verdict(found, limit) if limit else ""]


def _verdict(found: Spread, limit: Limit) -> str:
    held = found.median >= limit.bound if limit.kind == "rate" else found.median <= limit.bound
    return "held" if held else "**missed**"


def _details(measured: Measured) -> Iterator[str]:
    yield f"### {measured.case.title}"
    yield ""
    yield "| | median | quartiles | lowest to highest | samples | Perdure : it (pair by pair) | |"
    yield "|---|--:|--:|--:|--:|--:|---|"
    ours = measured.seconds[OURS]
    for name, samples in measured.seconds.items():
        found = spread(samples)
        cells = [
            name,
            _time(found.median) + _rate(found.median, measured.case.count),
            f"{_time(found.first_quartile)} to {_time(found.third_quartile)}",
            f"{_time(found.low)} to {_time(found.high)}",
            str(found.count),
            "" if name == OURS else _pairs(ratio(ours, samples)),
            ", ".join(f"{key}: {value:,}" for key, value in measured.facts.get(name, {}).items()),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _pairs(found: Spread) -> str:
    return f"{found.median:.3f} ({found.low:.3f} to {found.high:.3f})"


def _rate(seconds: float, count: int) -> str:
    return f" ({count / seconds:,.0f}/s)" if count > 1 else ""


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
