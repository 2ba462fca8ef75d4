"""The local stack: it starts, says what is in its way, outlives its parts, ends cleanly, and recovers."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.cli.local_stack import LocalStack, alive, environment, running, until

pytestmark = pytest.mark.timeout(300)  # each start is seconds, and many of them on a busy machine

PARTS = {"postgres", "temporal", "api", "worker-1"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """One for the tests that leave it as it was."""
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


def test_what_it_prints_is_where_it_answers(stack: LocalStack) -> None:
    said = stack.said.read_text()
    assert stack.ready()
    assert (stack.data / "admin.key").read_text().strip() in said
    for url in (f"{stack.url}/api/docs", f"http://127.0.0.1:{stack.ui_port}"):
        assert url in said
        assert httpx2.get(url).is_success


def test_only_its_owner_may_look_into_its_folder(stack: LocalStack) -> None:
    assert stack.data.stat().st_mode & 0o777 == 0o700
    for name in ("master.key", "admin.key", "postgres.json"):
        assert (stack.data / name).stat().st_mode & 0o777 == 0o600


def test_each_process_shows_its_role_and_leads_a_group(stack: LocalStack) -> None:
    pids = stack.pids()
    assert set(pids) == PARTS
    lines = {name: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for name, pid in pids.items()}
    assert [part.rpartition(b"/")[2] for part in lines["worker-1"][1:3]] == [b"perdure", b"worker"]
    assert [part.rpartition(b"/")[2] for part in lines["api"][1:3]] == [b"perdure", b"api"]
    assert {os.getpgid(pid) for pid in pids.values()} == set(pids.values())


def test_no_secret_stands_in_a_command_line_or_in_the_log(stack: LocalStack) -> None:
    secrets = [(stack.data / name).read_text().strip() for name in ("master.key", "admin.key")]
    shown = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in stack.pids().values()).decode()
    assert not [secret for secret in secrets if secret in shown]
    assert not [secret for secret in secrets if secret in (stack.data / "logs" / "perdure.log").read_text()]


def test_a_second_start_on_the_same_folder_is_refused(stack: LocalStack) -> None:
    other = LocalStack(stack.data.parent)
    refused = subprocess.run(other.line, capture_output=True, text=True, env=environment(), timeout=30, check=False)
    assert refused.returncode == 1
    assert stack.process is not None
    assert f"as process {stack.process.pid}" in refused.stderr
    assert stack.ready()


@pytest.mark.parametrize(
    "part", [*sorted(PARTS)[:1], *(pytest.param(part, marks=pytest.mark.slow) for part in sorted(PARTS)[1:])]
)
def test_a_part_that_is_killed_is_started_again(stack: LocalStack, part: str) -> None:
    before = stack.pids()
    os.kill(before[part], signal.SIGKILL)
    until(lambda: stack.pids().get(part, before[part]) != before[part], stack.said)
    until(stack.ready, stack.said)
    assert stack.process is not None
    assert stack.process.poll() is None


@pytest.mark.slow
def test_a_taken_port_is_told_before_anything_is_started(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path)
    with socket.create_server(("127.0.0.1", stack.temporal_port)):
        refused = subprocess.run(stack.line, capture_output=True, text=True, env=environment(), timeout=30, check=False)
    assert refused.returncode == 1
    assert f"Port {stack.temporal_port} of Temporal is taken: choose another with --temporal-port." in refused.stderr
    assert not (stack.data / "postgres").exists()


@pytest.mark.slow
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path)
    stack.data.write_text("a file")
    refused = subprocess.run(stack.line, capture_output=True, text=True, env=environment(), timeout=30, check=False)
    assert refused.returncode == 1
    assert "Choose another folder with --data." in refused.stderr


@pytest.mark.slow
def test_everything_is_kept_over_a_stop_and_over_a_death(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        kept = {name: (stack.data / name).read_text() for name in ("admin.key", "master.key", "postgres.json")}
        authorized = {"Authorization": f"Bearer {kept['admin.key'].strip()}"}
        document = {
            "language": 1,
            "name": "kept",
            "nodes": {"one": {"type": "transform", "config": {"expression": "1"}}},
        }
        made = httpx2.post(f"{stack.url}/api/v1/workflows?publish=true", json=document, headers=authorized)
        assert made.status_code == 201, made.text

        first = stack.pids()
        assert stack.end(signal.SIGTERM) == 0
        assert not [name for name, pid in first.items() if alive(pid)]
        assert not stack.pids()

        stack.start()
        second = stack.pids()
        assert stack.end(signal.SIGKILL) == -signal.SIGKILL
        until(lambda: not [name for name, pid in second.items() if alive(pid)])

        stack.start()
        assert {name: (stack.data / name).read_text() for name in kept} == kept
        assert httpx2.get(f"{stack.url}/api/v1/workflows/kept", headers=authorized).json()["version"] == 1
        assert kept["admin.key"] not in stack.said.read_text()
