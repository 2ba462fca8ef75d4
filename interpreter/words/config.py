"""The config of a control word, as it is written and as it is when the node starts."""

from collections.abc import Mapping
from typing import TypeGuard

from pydantic import JsonValue

from dag import durations
from dag.durations import DurationInvalid
from dag.errors import PerdureError
from dag.expressions import MISSING, Missing
from interpreter.evaluator import Evaluator
from interpreter.job import Job

Config = Mapping[str, JsonValue]


class ConfigInvalid(PerdureError):
    """The node's config does not hold what its type needs."""

    code = "config.invalid"


def config_of(job: Job) -> Config:
    """As it is written."""
    assert isinstance(job.config.value, dict)
    return job.config.value


def rendered(job: Job, evaluator: Evaluator) -> Config:
    """With values in the place of its templates."""
    value, _ = evaluator.render(job.config)
    assert isinstance(value, dict)
    return value


def word(config: Config, field: str, *words: str) -> str:
    """One of a few words, which may have come from a template; the first is the default."""
    word = config.get(field, words[0])
    if not isinstance(word, str) or word not in words:
        raise ConfigInvalid(f"`{field}` is one of: {', '.join(words)}.")
    return word


def text(job: Job, field: str) -> str:
    """An expression of it."""
    source = config_of(job)[field]
    assert isinstance(source, str)
    return source


def present(value: JsonValue | Missing) -> JsonValue:
    """The value, null if it is missing."""
    return None if value is MISSING else value


def is_whole(value: JsonValue, *, least: int) -> TypeGuard[int]:
    """Whether it is a whole number, and not too small. True is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def span(config: Config, field: str) -> float | None:
    """A duration in seconds, if there is one."""
    return None if config.get(field) is None else duration(config[field], field)


def duration(value: JsonValue, field: str) -> float:
    """A duration in seconds."""
    try:
        return durations.parse(str(value)).total_seconds()
    except DurationInvalid as error:
        raise ConfigInvalid(f"`{field}`: {error.message}") from None
