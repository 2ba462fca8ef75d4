"""The verbs of `perdure` on a real stack: what they write, how they end, and what they never do to a terminal."""

import json
import os
import re
import shlex
import signal
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.local_stack import LocalStack, environment, running, until
from tests.cli.terminal import CTRL_C, on_terminal

pytestmark = pytest.mark.timeout(300)  # a stack starts first

ID = re.compile(r"ex_[0-9a-f]{32}")
NOBODY = "ex_" + "0" * 32
EVIL = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202e"
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")

NOT_THERE = r"There is no execution .* \(execution\.unknown\)"
REFUSED = [
    ("run nobody", 6, r"There is no workflow `nobody`\. \(workflow\.unknown\)"),
    ("run nobody --input {", 2, r"The input is not JSON: .*"),
    (f"show {NOBODY}", 6, NOT_THERE),
    ("ls --api-key wrong", 6, r"http://\S+ does not accept this API key\. .*"),
    ("ls --url http://127.0.0.1:1 --api-key k", 5, r"http://127\.0\.0\.1:1 does not answer .*"),
    ("ls --url http://[ --api-key k", 2, r"http://\[ is no URL of a server: .*"),
]
REFUSED_TOO = [
    ("run 'NO BODY/..'", 6, r"There is nothing at this address\. .*"),
    ("run nobody --input @/nowhere", 2, r"/nowhere cannot be read: No such file or directory\."),
    ("export nobody", 6, r"There is no workflow `nobody`\. \(workflow\.unknown\)"),
    ("apply /nowhere.yaml", 2, r"/nowhere\.yaml cannot be read: No such file or directory\."),
    (f"logs {NOBODY}", 6, NOT_THERE),
    (f"follow {NOBODY}", 6, NOT_THERE),
    (f"cancel {NOBODY}", 6, NOT_THERE),
    ("show nobody", 2, r"`nobody` is no id of an execution\. `perdure ls` lists them\."),
    ("ls --api-key Schlüssel", 2, r"What is given as the API key cannot be one: .*"),
    ("ls --url http://127.0.0.1:1", 2, r"There is no API key for http://127\.0\.0\.1:1: .*"),
    ("ls --url 127.0.0.1:1 --api-key k", 2, r"127\.0\.0\.1:1 is no URL of a server: .*"),
    ("ls --url http://a:99999 --api-key k", 2, r"http://a:99999 is no URL of a server: .*"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


def applied(stack: LocalStack, nodes: Mapping[str, Any], **more: Any) -> str:
    """Publish a workflow under a new name."""
    name = f"w-{uuid.uuid4().hex[:12]}"
    done = stack.perdure("apply", "-", given=json.dumps({"language": 1, "name": name, **more, "nodes": nodes}))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{name}: published, version 1\n"
    return name


def node(expression: str, **more: Any) -> dict[str, Any]:
    return {"type": "transform", "config": {"expression": expression}, **more}


def python(code: str) -> dict[str, Any]:
    return {"type": "code.python", "config": {"code": code}}


def waiting(time: str) -> dict[str, Any]:
    return {"type": "delay", "config": {"for": time}}


def started(stack: LocalStack, workflow: str) -> str:
    """Start an execution, and give its id."""
    done = stack.perdure("run", workflow, "--no-wait")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_apply_makes_a_version_only_of_what_has_changed(stack: LocalStack, tmp_path: Path) -> None:
    file = tmp_path / "counted.yaml"
    for expression, told in (
        ("1", "published, version 1"),
        ("1", "unchanged, version 1"),
        ("2", "published, version 2"),
    ):
        file.write_text(yaml.safe_dump({"language": 1, "name": "counted", "nodes": {"a": node(expression)}}))
        done = stack.perdure("apply", str(file))
        assert (done.returncode, done.stdout, done.stderr) == (0, f"counted: {told}\n", "")
    exported = stack.perdure("export", "counted", "--version", "1", "--format", "json")
    assert json.loads(exported.stdout)["nodes"]["a"] == node("1")
    assert yaml.safe_load(stack.perdure("export", "counted").stdout)["nodes"]["a"] == node("2")
    differs = stack.perdure("diff", "counted", "1", "draft").stdout.splitlines()
    assert differs == ["version 1 → the draft", "", "Nodes", "  ~ a", '      ~ config.expression: "1" → "2"']


def test_apply_publishes_only_what_has_passed_its_tests_where_they_are_required(stack: LocalStack) -> None:
    written = json.dumps({"language": 1, "name": "untested", "nodes": {"a": node("1")}})
    done = stack.perdure("apply", "--tests-required", "-", given=written)
    assert (done.returncode, "tests.not_run" in done.stderr) == (6, True), done.stderr


@pytest.mark.parametrize("verb", ["apply", pytest.param("validate", marks=pytest.mark.slow)])
def test_all_mistakes_are_told_at_once_with_their_lines(stack: LocalStack, tmp_path: Path, verb: str) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.yaml"
    good.write_text(json.dumps({"language": 1, "name": "good", "nodes": {"a": node("1")}}))
    bad.write_text(
        "language: 1\nname: bad\nnodes:\n"
        "  a:\n    type: transform\n    config: {expresion: '1'}\n"
        "  b: {type: transform, needs: [zz], config: {expression: 1 +}}\n"
    )
    done = stack.perdure(verb, str(bad), str(good))
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if not line.startswith("    ")]
    assert [(line.removeprefix(str(bad)).split(":")[1], line.split("[")[1].split("]")[0]) for line in told] == [
        ("6", "missing_field"),
        ("6", "unknown_field"),
        ("7", "unknown_node"),
        ("7", "expression.failed"),
    ]
    assert "Did you mean `expression`?" in done.stderr
    assert done.stdout.startswith("good: " if verb == "apply" else f"{good}: valid")
    assert stack.perdure("export", "bad").returncode == 6


@pytest.mark.slow
def test_yaml_that_cannot_be_read_tells_its_position(stack: LocalStack) -> None:
    done = stack.perdure("apply", "-", given="language: 1\nname: [open\nnodes: {}\n")
    assert done.returncode == 1
    assert re.fullmatch(r"standard input: error: .*at line 3, column \d+\. \[syntax\]\n", done.stderr)


def test_run_writes_a_line_for_each_change_of_a_step(stack: LocalStack) -> None:
    workflow = applied(stack, {"one": node("input.a + 1"), "two": node("nodes.one.output * 2", needs=["one"])})
    done = stack.perdure("run", workflow, "--input", '{"a": 20}')
    first, *lines, ended, output = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(rf"{ID.pattern} {workflow} version 1", first)
    assert [line.split()[1:3] for line in lines] == [
        ["running", "one"],
        ["succeeded", "one"],
        ["running", "two"],
        ["succeeded", "two"],
    ]
    assert ended.startswith("succeeded in ")
    assert output == "42"


@pytest.mark.slow
def test_an_input_comes_from_the_line_a_file_or_standard_input(stack: LocalStack, tmp_path: Path) -> None:
    workflow = applied(stack, {"same": node("input.a")})
    file = tmp_path / "input.json"
    file.write_text('{"a": "from a file"}')
    for given, stdin in (('{"a": "inline"}', None), (f"@{file}", None), ("@-", '{"a": "from stdin"}')):
        done = stack.perdure("run", workflow, "--json", "-i", given, given=stdin)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert (said["status"], said["output"]) == ("succeeded", said["input"]["a"])


def test_a_failure_is_an_exit_status_and_is_shown_with_its_place(stack: LocalStack) -> None:
    workflow = applied(stack, {"broken": python("result = {}['price']"), "after": node("1", needs=["broken"])})
    done = stack.perdure("run", workflow)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "user.python.keyerror at broken: KeyError: price (line 1)"
    [id] = set(ID.findall(done.stdout))
    shown = stack.perdure("show", id)
    assert shown.returncode == 0
    steps = [line.split() for line in shown.stdout.splitlines()[3:5]]
    assert steps[0][:3] == ["broken", "code.python", "failed"]
    assert steps[1] == ["after", "skipped"]
    assert json.loads(stack.perdure("show", id, "--json").stdout)["error"]["path"] == "broken"
    followed = stack.perdure("follow", id)
    assert (followed.returncode, followed.stdout) == (1, done.stdout)


@pytest.mark.slow
def test_logs_are_what_the_activities_wrote(stack: LocalStack) -> None:
    workflow = applied(stack, {"talk": python("print('first')\nprint('second')\nresult = 1")})
    [id] = set(ID.findall(stack.perdure("run", workflow).stdout))

    def lines() -> list[str]:
        return stack.perdure("logs", id).stdout.splitlines()

    until(lambda: len(lines()) == 2)  # they are written after the step's end, in batches
    assert [line.split()[1:] for line in lines()] == [["INFO", "talk", "first"], ["INFO", "talk", "second"]]
    said = [json.loads(line) for line in stack.perdure("logs", id, "--json").stdout.splitlines()]
    assert [(line["message"], line["seq"] > 0) for line in said] == [("first", True), ("second", True)]
    assert [line.split()[-1] for line in stack.perdure("logs", id, "--text", "SECOND").stdout.splitlines()] == [
        "second"
    ]
    assert stack.perdure("logs", id, "--level", "error").stdout == ""


@pytest.mark.parametrize(("line", "status", "told"), REFUSED, ids=[line for line, _, _ in REFUSED])
def test_what_cannot_be_done_is_one_clear_line(stack: LocalStack, line: str, status: int, told: str) -> None:
    refused(stack, line, status, told)


@pytest.mark.slow
@pytest.mark.parametrize(("line", "status", "told"), REFUSED_TOO, ids=[line for line, _, _ in REFUSED_TOO])
def test_nor_is_anything_else_more_than_a_line(stack: LocalStack, line: str, status: int, told: str) -> None:
    refused(stack, line, status, told)


def refused(stack: LocalStack, line: str, status: int, told: str) -> None:
    done = stack.perdure(*shlex.split(line))
    assert (done.returncode, done.stdout) == (status, "")
    assert re.fullmatch(f"perdure: ({told})\n", done.stderr)


@pytest.mark.slow
def test_an_input_that_does_not_fit_tells_where(stack: LocalStack) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "number"}}}
    done = stack.perdure("run", applied(stack, {"x": node("1")}, input=schema), "--input", '{"a": false}')
    assert done.returncode == 6
    first, second = done.stderr.splitlines()
    assert first.endswith("(input.invalid)")
    assert second.startswith("    /a: ")


@pytest.mark.slow
def test_a_server_that_is_no_perdure_is_told_so(stack: LocalStack) -> None:
    done = stack.perdure("ls", "--url", f"http://127.0.0.1:{stack.ui_port}", "--api-key", "k")
    assert done.returncode == 6
    assert re.fullmatch(r"perdure: http://\S+ answered 404, and not as Perdure does\.\n", done.stderr)


@pytest.mark.slow
def test_what_tenants_wrote_never_steers_the_terminal(stack: LocalStack) -> None:
    code = f"evil = {json.dumps(EVIL)}\nprint(evil)\nif input:\n    raise ValueError(evil)\nresult = evil"
    config = {"code": code, "input": "${{ input.fail }}"}
    workflow = applied(stack, {"evil": {"type": "code.python", "config": config}}, title=f"T{EVIL}")
    good = stack.perdure("run", workflow, "--input", '{"fail": false}')
    bad = stack.perdure("run", workflow, "--input", '{"fail": true}')
    assert (good.returncode, bad.returncode) == (0, 1), good.stderr + bad.stderr
    [id] = set(ID.findall(good.stdout))
    [failed] = set(ID.findall(bad.stdout))
    until(lambda: "owned" in stack.perdure("logs", id).stdout)
    mistaken = yaml.safe_dump({"language": 1, "name": "x", "nodes": {"a": {**node("1"), EVIL: 1}}})
    said = [
        good,
        bad,
        stack.perdure("logs", id),
        stack.perdure("logs", id, "--json"),
        stack.perdure("show", failed),
        stack.perdure("show", id, "--json"),
        stack.perdure("ls", "--workflows"),
        stack.perdure("ls", "--workflows", "--json"),
        stack.perdure("export", workflow, "--format", "json"),
        stack.perdure("validate", "-", given=mistaken),
        stack.perdure("run", EVIL),
        stack.perdure("apply", EVIL),
    ]
    assert [one.args for one in said if STEERING.search(one.stdout + one.stderr)] == []
    assert json.loads(stack.perdure("show", id, "--json").stdout)["output"] == EVIL
    assert yaml.safe_load(stack.perdure("export", workflow).stdout)["title"] == f"T{EVIL}"
    for line, status in ((["run", workflow, "--input", '{"fail": true}'], 1), (["export", workflow], 0)):
        with on_terminal(line, stack.data) as terminal:
            assert terminal.end() == status
        assert "owned" in terminal.raw
        assert not [part for part in ("\x1b]0;", "\x07", "\x9b", "\u202e") if part in terminal.raw]


@pytest.mark.slow
def test_a_terminal_shows_a_table_that_ends_as_it_was(stack: LocalStack) -> None:
    nodes = {"one": node("1"), "pause": {**waiting("2s"), "needs": ["one"]}, "end": node("'all'", needs=["pause"])}
    workflow = applied(stack, nodes)
    with on_terminal(["run", workflow], stack.data) as terminal:
        terminal.until(lambda: "pause" in terminal.text)
        assert "succeeded in" not in terminal.text
        assert terminal.end() == 0
    last = terminal.text[terminal.text.rindex(f"{workflow} version 1") :].splitlines()
    assert [line.split()[:2] for line in last[1:4]] == [["✓", "one"], ["✓", "pause"], ["✓", "end"]]
    assert last[4].startswith("succeeded in ")
    assert last[5] == '"all"'


@pytest.mark.slow
def test_ctrl_c_stops_following_and_the_execution_goes_on(stack: LocalStack) -> None:
    workflow = applied(stack, {"pause": waiting("5s")})
    with on_terminal(["run", workflow], stack.data) as terminal:
        terminal.until(lambda: "pause" in terminal.text)
        terminal.press(CTRL_C)
        assert terminal.end() == 130
    assert "Traceback" not in terminal.text
    [id] = set(ID.findall(terminal.text))
    assert f"{id} goes on. Follow it again: perdure follow {id}" in terminal.text
    assert stack.perdure("follow", id).returncode == 0


@pytest.mark.slow
def test_a_small_terminal_shows_what_runs_and_counts_the_rest(stack: LocalStack) -> None:
    steps: dict[str, Any] = {f"s{n}": node("1", **({"needs": [f"s{n - 1}"]} if n else {})) for n in range(30)}
    workflow = applied(stack, {**steps, "pause": {**waiting("3s"), "needs": ["s29"]}})
    with on_terminal(["run", workflow], stack.data, rows=12) as terminal:
        assert terminal.end() == 0
    last = terminal.text[terminal.text.rindex(f"{workflow} version 1") :].splitlines()
    assert last[1] == "… 25 more steps"
    assert last[7].split()[:2] == ["✓", "pause"]


@pytest.mark.slow
def test_cancelled_and_timed_out_have_exit_statuses_of_their_own(stack: LocalStack) -> None:
    long = started(stack, applied(stack, {"pause": waiting("1h")}))
    until(lambda: "waiting" in stack.perdure("show", long).stdout)
    asked = stack.perdure("cancel", long)
    assert (asked.returncode, asked.stdout) == (0, f"{long}: asked to cancel\n")
    followed = stack.perdure("follow", long)
    assert followed.returncode == 3
    assert "cancelled: The execution was cancelled." in followed.stdout
    assert stack.perdure("cancel", long).returncode == 0
    late = stack.perdure("run", applied(stack, {"pause": waiting("1h")}, settings={"timeout": "1s"}))
    assert late.returncode == 4
    assert late.stdout.splitlines()[-1].startswith("timeout.execution: ")


@pytest.mark.slow
def test_what_has_ended_cannot_be_cancelled(stack: LocalStack) -> None:
    [id] = set(ID.findall(stack.perdure("run", applied(stack, {"a": node("1")})).stdout))
    done = stack.perdure("cancel", id)
    assert done.returncode == 6
    assert re.fullmatch(r"perdure: .*\(execution\.\w+\)\n", done.stderr)


@pytest.mark.slow
def test_lists_are_filtered_by_workflow_status_and_parent(stack: LocalStack) -> None:
    good, bad = applied(stack, {"a": node("1")}), applied(stack, {"a": {"type": "fail", "config": {"code": "user.no"}}})
    ids = [ID.findall(stack.perdure("run", name).stdout)[0] for name in (good, bad, good)]

    def listed(*options: str) -> list[str]:
        rows = json.loads(stack.perdure("ls", "--json", *options).stdout)["items"]
        assert [line.split()[0] for line in stack.perdure("ls", *options).stdout.splitlines()[1:]] == [
            row["id"] for row in rows
        ]
        return [row["id"] for row in rows]

    assert listed("--workflow", good) == [ids[2], ids[0]]
    assert listed("--workflow", good, "--limit", "1") == [ids[2]]
    assert listed("--workflow", bad, "--status", "failed") == [ids[1]]
    assert listed("--workflow", bad, "--status", "succeeded") == []
    assert set(ids) <= set(listed())
    parent = applied(stack, {"call": {"type": "workflow", "config": {"name": good}}})
    [id] = set(ID.findall(stack.perdure("run", parent).stdout))
    [child] = listed("--parent", id)
    assert f"started by {id} at call" in stack.perdure("show", child).stdout


@pytest.mark.slow
def test_a_key_starts_once_and_a_version_can_be_chosen(stack: LocalStack) -> None:
    workflow = applied(stack, {"a": node("1")})
    second = {"language": 1, "name": workflow, "nodes": {"a": node("2")}}
    assert stack.perdure("apply", "-", given=json.dumps(second)).returncode == 0
    runs = [stack.perdure("run", workflow, "--json", "--key", "k", "--version", "1") for _ in range(2)]
    assert len({json.loads(run.stdout)["id"] for run in runs}) == 1
    assert json.loads(runs[0].stdout)["output"] == 1
    other = stack.perdure("run", workflow, "--key", "k", "--version", "1", "--input", '{"other": 1}')
    assert (other.returncode, "(idempotency.conflict)" in other.stderr) == (6, True)
    assert json.loads(stack.perdure("run", workflow, "--json").stdout)["output"] == 2
    assert stack.perdure("run", workflow, "--version", "3").returncode == 6


@pytest.mark.slow
def test_following_outlives_a_restart_of_api_and_database(stack: LocalStack) -> None:
    workflow = applied(stack, {"pause": waiting("12s")})
    with on_terminal(["run", workflow], stack.data) as terminal:
        terminal.until(lambda: "pause" in terminal.text)
        for part in ("api", "postgres"):
            os.kill(stack.pids()[part], signal.SIGKILL)
        assert terminal.end() == 0
    assert "succeeded in" in terminal.text


@pytest.mark.slow
def test_a_reader_that_has_enough_is_no_error(stack: LocalStack) -> None:
    workflow = applied(stack, {f"s{n}": node("1") for n in range(40)})
    line = f"set -o pipefail; {stack.line[0]} run {workflow} | head -n 1"
    done = subprocess.run(
        ["bash", "-c", line],
        env={**environment(), "PERDURE_DATA": str(stack.data)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_stats_tell_how_executions_ended(stack: LocalStack) -> None:
    good, bad = applied(stack, {"a": node("1")}), applied(stack, {"a": node("$error('no')")})
    for workflow in (good, bad):
        stack.perdure("run", workflow)
    told = stack.perdure("stats", "--last", "24h")
    assert told.returncode == 0, told.stderr
    assert re.search(rf"^{good} +1 +1 +1 +0 +100\.0%", told.stdout, re.MULTILINE)
    assert re.search(rf"^{bad} +1 +1 +0 +1 +0\.0%", told.stdout, re.MULTILINE)
    assert re.search(r"^expression\.\w+ +\d+", told.stdout, re.MULTILINE)
    assert stack.perdure("stats", "--last", "1y").returncode == 6
