"""What stands between the JSON of a plan and a typed function."""

from datetime import timedelta

import pytest
from pydantic import BaseModel, JsonValue

from activities.activity_type import ActivityType
from activities.context import Context
from activities.errors import ActivityError, ConfigInvalid
from dag.activity_type import Traits
from tests.activities.contexts import contexts


class Config(BaseModel):
    at: timedelta
    pairs: dict[str, tuple[int, int]] = {}


class Output(BaseModel):
    at: timedelta
    first: int


async def run(config: Config, context: Context) -> Output:
    """Say what was given."""
    context.logger.info(context.idempotency_key)
    return Output(at=config.at, first=config.pairs["a"][0])


TYPE = ActivityType(name="test.echo", title="Echo", config=Config, output=Output, run=run, timeout=timedelta(seconds=1))


async def test_json_goes_in_and_json_comes_out() -> None:
    async with contexts() as (context, told):
        assert await TYPE.attempt({"at": "PT1S", "pairs": {"a": [1, 2]}}, context) == {"at": "PT1S", "first": 1}
        assert told.lines == ["0123-abc"]


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"at": "hidden"}, "/at"),
        ({"at": "PT1S", "pairs": {"a": [1, "hidden"]}}, "/pairs/a/1"),
        ({"at": "PT1S", "pairs": {"a": [1]}}, "/pairs/a/1"),
        ({}, "/at"),
        ([], ""),
        (None, ""),
    ],
)
def test_a_wrong_config_is_told_by_place_and_never_by_value(config: JsonValue, path: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        TYPE.parse(config)
    assert isinstance(caught.value.details, list)
    assert [problem["path"] for problem in caught.value.details if isinstance(problem, dict)] == [path]
    assert "hidden" not in str(caught.value.value())
    assert caught.value.__cause__ is None


def test_half_a_surrogate_is_a_wrong_config() -> None:
    with pytest.raises(ConfigInvalid):
        TYPE.parse({"at": "\ud800"})


def test_a_type_that_says_nothing_has_effects_and_runs_once() -> None:
    assert TYPE.spec.traits({}) == Traits(effects=True, repeatable=False)


def test_the_schemas_are_of_what_goes_in_and_comes_out() -> None:
    spec = TYPE.spec
    assert spec.config_schema["required"] == ["at"]
    assert spec.output_schema["required"] == ["at", "first"]
    assert spec.description == "Say what was given."


def test_an_error_says_what_it_was_told_to() -> None:
    class Late(ActivityError):
        """Come back later."""

        code = "test.late"
        retryable = True

    assert (Late().message, Late().retry_after) == ("Come back later.", None)
    late = Late("Not now.", details=[1], retryable=False, retry_after=5)
    assert (late.message, late.details, late.retryable, late.retry_after) == ("Not now.", [1], False, 5)
