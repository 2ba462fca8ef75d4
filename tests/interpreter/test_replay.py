"""Recorded histories of every released version replay for ever, and say the same events again."""

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory

from dag.journal import gaps
from runtime.converter import data_converter
from runtime.storage import MemoryStorage
from tests.interpreter import family_scenarios, scenarios
from tests.interpreter.histories import replayed
from tests.interpreter.record import HISTORIES, KEYRING, said

CONVERTER = data_converter(MemoryStorage(), KEYRING)
RECORDED = sorted(HISTORIES.glob("*/*.json"))


def recording(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def history(recorded: dict[str, Any]) -> WorkflowHistory:
    return WorkflowHistory.from_json(recorded["workflow_id"], recorded["history"])


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_a_recorded_history_replays_and_says_the_same_again(path: Path) -> None:
    recorded = recording(path)
    events = await replayed(history(recorded), CONVERTER)
    assert events
    assert [said(event) for event in events] == [line for line in recorded["events"] if line in set(map(said, events))]
    assert gaps(events) == [] or events[0].n > 1


async def test_a_history_that_is_not_ours_fails_to_replay() -> None:
    recorded = json.loads(
        next(path for path in RECORDED if path.stem == "chain-0").read_text().replace("test.work", "test.other")
    )
    with pytest.raises(workflow.NondeterminismError):
        await replayed(history(recorded), CONVERTER)


def test_every_scenario_is_recorded() -> None:
    assert {path.stem.rpartition("-")[0] for path in RECORDED} >= {*scenarios.SCENARIOS, *family_scenarios.SCENARIOS}
