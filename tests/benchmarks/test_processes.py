"""Whatever ends the benchmarks, nothing that they started goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

KEEPER = """
import asyncio, sys
from pathlib import Path
from benchmarks.processes import child

async def main():
    line = [sys.executable, "-c", "import signal; print('ready', flush=True); signal.pause()"]
    async with child(line, Path(sys.argv[1]) / "child.log", speaks=True) as running:
        print(running.process.pid, flush=True)
        if sys.argv[2] == "crash":
            raise RuntimeError("it crashes")
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc, and elsewhere SIGKILL leaves children behind")
@pytest.mark.parametrize(
    "how", [None, signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name if how else "crash"
)
def test_a_child_does_not_outlive_the_harness(how: signal.Signals | None, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KEEPER, str(tmp_path), "wait" if how else "crash"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as keeper:
        assert keeper.stdout is not None
        pid = int(keeper.stdout.readline())
        if how:
            assert not ended({pid})
            keeper.send_signal(how)
        keeper.wait(30)
    assert eventually_ended({pid})


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc, and elsewhere SIGKILL leaves children behind")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_a_run_that_is_stopped_leaves_no_process(how: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--case", "api-start"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline().startswith("api-start 1/")
        started = set(descendants(run.pid))
        assert len(started) > 5  # Temporal, two workers, PostgreSQL, the API, the service's worker
        run.send_signal(how)
        run.wait(60)
        assert eventually_ended(started)
    assert how == signal.SIGKILL or list(tmp_path.iterdir()) == []


def descendants(pid: int) -> Iterator[int]:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(child)
        yield from descendants(int(child))


def eventually_ended(pids: set[int]) -> bool:
    until = time.monotonic() + 30
    while not ended(pids) and time.monotonic() < until:
        time.sleep(0.05)
    return ended(pids)


def ended(pids: set[int]) -> bool:
    """Gone, or dead and not buried yet: who buries orphans may take its time."""
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            continue
        if state != "Z":
            return False
    return True
