"""The verbs for tasks, against a real API."""

import json

import pytest

from tests.api.service import Api, Caller
from tests.api.test_tasks import approval, asking
from tests.cli.test_events import perdure

pytestmark = pytest.mark.usefixtures("working")


async def test_a_task_is_shown_and_decided(api: Api, me: Caller) -> None:
    form = {"type": "object", "properties": {"n": {"type": "integer"}}}
    _, task = await asking(me, approval(assignees=["group:finance"], form=form, description="Now."))
    shown = await perdure(api, me, "tasks", "show", task)
    assert shown.out.splitlines()[:4] == ["Pay?", "open", "Now.", "for group:finance"]
    who = ("--by", "user:ann", "--group", "role:x", "--group", "group:finance")
    line = ("tasks", "decide", task, "--approve", "--values", "@-", "--comment", "Fine.", *who)
    decided = await perdure(api, me, *line, given='{"n": 1}')
    assert (decided.status, decided.out) == (0, "approved\n"), decided
    again = await perdure(api, me, *line, "--json", given='{"n": 1}')
    told = json.loads(again.out)
    assert (told["by"], told["comment"]) == ("user:ann", "Fine.")
    refused = await perdure(api, me, "tasks", "decide", task, "--reject", *who)
    assert (refused.status, refused.out) == (6, "")
    assert "approval.closed" in refused.err
    shown = await perdure(api, me, "tasks", "show", task)
    assert shown.out.splitlines()[1].startswith("approved by user:ann at ")


REFUSED = [
    ("tasks decide x --approve --reject", 2, "One verdict"),
    ("tasks decide x --values {", 2, "The content of the form is not JSON"),
    ("tasks decide x --approve", 6, "approval.unknown"),
    ("tasks show x", 6, "approval.unknown"),
]


@pytest.mark.parametrize(("line", "status", "told"), REFUSED)
async def test_what_cannot_be_done_is_told_with_its_exit_status(
    api: Api, me: Caller, line: str, status: int, told: str
) -> None:
    done = await perdure(api, me, *line.split())
    assert (done.status, done.out) == (status, "")
    assert told in done.err
