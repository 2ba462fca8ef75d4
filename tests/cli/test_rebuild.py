"""`perdure rebuild` on a real stack: what it tells, what it mends, and how it ends."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from cli.up.folder import PostgresAccess
from cli.up.stack import DATABASE
from runtime import local_postgres
from tests.cli.local_stack import LocalStack, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # a stack starts first

NOBODY = "ex_" + "0" * 32
DOCUMENT = """
language: 1
name: small
nodes:
  a: {type: transform, config: {expression: "1"}}
  b: {type: transform, needs: [a], config: {expression: "2"}}
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


def execution(stack: LocalStack) -> str:
    stack.perdure("apply", "-", given=DOCUMENT)
    ran = stack.perdure("run", "small", "--json")
    return next(json.loads(line)["id"] for line in ran.stdout.splitlines() if '"workflow"' in line)


def damage(stack: LocalStack, statement: str) -> None:
    """Write into the tables by hand, as one who may."""
    access = PostgresAccess.model_validate_json((stack.data / "postgres.json").read_text())
    url = local_postgres.url(access.port, user=local_postgres.SUPERUSER, password=access.superuser, database=DATABASE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select set_config('perdure.tenant', id, false) from tenants")
        connection.execute(statement.encode())


def test_it_tells_what_differs_mends_it_and_then_finds_nothing(stack: LocalStack) -> None:
    first, second = execution(stack), execution(stack)
    good = stack.perdure("rebuild", first, second, "--check")
    assert good.returncode == 0, good.stdout + good.stderr
    assert "2 executions (2 same)" in good.stdout
    damage(stack, f"update node_runs set status = 'failed' where execution_id = '{first}' and path = 'b'")
    bad = stack.perdure("rebuild", "--all", "--check")
    assert bad.returncode == 1
    assert f"{first} differs: 6 events\n    node_runs, attempt 1, b differs in status\n" in bad.stdout
    assert second not in bad.stdout
    told = [json.loads(line) for line in stack.perdure("rebuild", first, "--json").stdout.splitlines()]
    assert [line["kind"] for line in told] == ["execution", "total"]
    assert told[0]["outcome"] == "rebuilt"
    assert told[0]["differences"] == [
        {"table": "node_runs", "row": "attempt 1, b", "kind": "other", "columns": ["status"]}
    ]
    assert stack.perdure("rebuild", "--all", "--check", "--workflow", "small").returncode == 0


def test_what_the_tables_have_lost_is_found_in_temporal(stack: LocalStack) -> None:
    lost = execution(stack)
    damage(stack, f"delete from executions where id = '{lost}'")
    found = stack.perdure("rebuild", "--all")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "3 executions (" in found.stdout  # the worker's own pass may have been quicker with it
    assert "succeeded" in stack.perdure("show", lost).stdout
    assert stack.perdure("rebuild", lost, "--check").returncode == 0


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        ([], 2, "Name executions, or say --all."),
        (["--all", NOBODY], 2, "Name executions, or say --all."),
        (["nobody"], 2, "`nobody` is no id of an execution."),
        ([NOBODY, "--workflow", "x"], 2, "goes with --all"),
        ([NOBODY], 1, f"{NOBODY} unknown: Neither we nor Temporal know it."),
    ],
    ids=["nothing", "both", "no id", "a workflow without all", "unknown"],
)
def test_what_cannot_be_done_is_said(stack: LocalStack, line: list[str], status: int, says: str) -> None:
    ended = stack.perdure("rebuild", *line)
    assert ended.returncode == status
    assert says in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PERDURE_TEMPORAL_ADDRESS", "127.0.0.1:1"),
        ("PERDURE_DATABASE_URL", "postgresql://perdure_app:x@127.0.0.1:1/perdure"),
    ],
)
def test_a_server_that_does_not_answer_is_named(stack: LocalStack, name: str, value: str) -> None:
    settings = json.loads((stack.data / "settings.json").read_text())
    away = LocalStack(stack.data.parent, {**settings, name: value, "PERDURE_START_TIMEOUT": "1"})
    ended = away.perdure("rebuild", NOBODY)
    assert ended.returncode == 5, ended.stdout + ended.stderr
    assert "does not answer" in ended.stderr
