"""The examples, run as their reader runs them: a worker process, and `python -m examples.run`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def env(temporal: str) -> Iterator[dict[str, str]]:
    """The settings of a worker that runs meanwhile."""
    env = {**os.environ, "PERDURE_TEMPORAL_ADDRESS": temporal, "PERDURE_QUEUE": "examples"}
    worker = subprocess.Popen([sys.executable, "-m", "worker"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        yield env
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=30)


def run(env: dict[str, str], file: str, given: object) -> str:
    command = [sys.executable, "-m", "examples.run", f"examples/{file}", json.dumps(given)]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize(
    ("price", "looked_at_by"),
    [(3.5, "nobody"), (3500, "a person")],
)
def test_an_order_is_priced_and_goes_its_way(env: dict[str, str], price: float, looked_at_by: str) -> None:
    said = run(env, "order-review.yaml", {"lines": [{"quantity": 2, "price": price}]})
    assert json.loads(said.partition("\n")[2]) == {"total": 2 * price, "looked_at_by": looked_at_by}


def test_an_empty_order_fails_with_its_own_code(env: dict[str, str]) -> None:
    assert "failed: user.order.empty" in run(env, "order-review.yaml", {"lines": []})


def test_an_input_that_does_not_fit_is_told_without_a_start(env: dict[str, str]) -> None:
    said = run(env, "order-review.yaml", {"limit": "much"})
    assert "error at /lines: `lines` is missing." in said
    assert "error at /limit" in said
    assert "has started" not in said
