"""What the page on the examples tells its reader to type, typed on a real local stack."""

import json
import re
import shlex
from collections.abc import Iterator

import httpx2
import pytest

from tests.cli.local_stack import LocalStack, running
from tests.examples.publishing import FOLDER, NAMES, SECRETS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # a stack starts first


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


def test_the_commands_of_the_page_work_as_written(stack: LocalStack) -> None:
    [block] = re.findall(r"```\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    apply, run = (shlex.split(line)[1:] for line in block.splitlines())
    applied = stack.perdure(*apply)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    ran = stack.perdure(*run)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"best"' in ran.stdout


def test_every_example_can_be_applied_once_what_it_needs_is_there(stack: LocalStack) -> None:
    key = (stack.data / "admin.key").read_text().strip()
    for name, value in SECRETS.items():
        put = httpx2.put(
            f"{stack.url}/api/v1/secrets/{name}", json={"value": value}, headers={"Authorization": f"Bearer {key}"}
        )
        assert put.status_code == 204, put.text
    done = stack.perdure("apply", *(f"examples/{name}.yaml" for name in NAMES))
    assert done.returncode == 0, done.stdout + done.stderr
    listed = stack.perdure("ls", "--workflows", "--json")
    assert {workflow["name"] for workflow in json.loads(listed.stdout)["items"]} >= set(NAMES), listed.stdout


def test_a_failure_of_an_example_shows_its_own_code(stack: LocalStack) -> None:
    stack.perdure("apply", "examples/order-review.yaml")
    done = stack.perdure("run", "order-review", "--input", '{"lines": []}')
    assert done.returncode == 1
    assert "user.order.empty" in done.stdout + done.stderr
