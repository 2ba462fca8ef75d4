"""An activity that was asked to stop and never answers: whether it had its effect is not known, so it is undone."""

import pytest

from interpreter import terms
from tests.interpreter.documents import document, work
from tests.interpreter.engine import Engine, ended, until


async def test_what_gives_no_answer_until_its_attempt_is_over_is_undone_too(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terms, "GRACE", 5.0)
    undo = {"type": "test.work", "config": {"value": "undone"}}
    deaf = work(config={"sleep": 600, "stubborn": True}, attempt_timeout="1500ms", compensate=undo)
    polite = work(config={"sleep": 30}, compensate=undo)
    bad = work(config={"fail": "user.no", "sleep": 0.3})
    handle = await engine.start(document({"deaf": deaf, "polite": polite, "bad": bad}))
    await until(lambda: len(engine.witness.runs) == 3)
    assert (await ended(handle)).error.code == "user.no"
    statuses = engine.statuses(handle)
    assert statuses["polite"] == "cancelled"
    assert statuses["deaf.compensate"] == "succeeded"
    assert "polite.compensate" not in statuses
