"""What the benchmarks write about themselves."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.case import OURS, Case, Contender, Limit, Stage
from benchmarks.measuring import Measured


@asynccontextmanager
async def nobody(stage: Stage) -> AsyncGenerator[Sequence[Contender]]:
    yield []


def measured(ours: float, *limits: Limit) -> Measured:
    return Measured(
        Case("case", "A case", nobody, limits, count=10), {OURS: [ours] * 3, "them": [1.0] * 3}, {OURS: {"runs": 1}}
    )


@pytest.mark.parametrize(
    ("ours", "limit", "verdict"),
    [
        (1.1, Limit("ratio", 1.1, "them"), "held"),
        (1.2, Limit("ratio", 1.1, "them"), "missed"),
        (1.04, Limit("difference", 0.05, "them"), "held"),
        (1.06, Limit("difference", 0.05, "them"), "missed"),
        (5.0, Limit("seconds", 5.0), "held"),
        (5.1, Limit("seconds", 5.0), "missed"),
        (0.1, Limit("rate", 100), "held"),
        (0.11, Limit("rate", 100), "missed"),
    ],
)
def test_a_limit_is_missed_beyond_it_only(ours: float, limit: Limit, verdict: str) -> None:
    other = {"held": "missed", "missed": "held"}[verdict]
    told = report.markdown([measured(ours, limit)], ["- here"])
    assert verdict in told
    assert other not in told


def test_new_results_replace_the_old_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    monkeypatch.setattr(report, "README", readme)
    report.write("new")
    assert readme.read_text() == f"before\n{report.BEGIN}\n\nnew\n{report.END}\nafter\n"


def test_the_readme_has_a_place_for_results() -> None:
    text = report.README.read_text()
    assert 0 < text.index(report.BEGIN) < text.index(report.END)
