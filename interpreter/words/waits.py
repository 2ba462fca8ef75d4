"""What the words wait for, or send for: `delay`, `wait_event`, `emit_event`, `approval`, `ask`, `workflow`."""

from datetime import UTC, datetime

from pydantic import JsonValue

from dag import durations
from dag.durations import DurationInvalid
from dag.event_names import checked
from interpreter.evaluator import Evaluator
from interpreter.job import Computed, Job
from interpreter.words.config import Config, ConfigInvalid, config_of, is_whole, rendered, span
from interpreter.words.tasks import asked

LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""The last time that can be written."""


def delay(job: Job, evaluator: Evaluator) -> Computed:
    """When the wait ends."""
    config = rendered(job, evaluator)
    try:
        if (span := config.get("for")) is not None:
            return Computed("wait", evaluator.now + durations.parse(str(span)).total_seconds())
        until = datetime.fromisoformat(str(config.get("until")))
    except DurationInvalid as error:
        raise ConfigInvalid(f"`for` of a delay: {error.message}") from None
    except ValueError:
        raise ConfigInvalid("`until` of a delay is an ISO 8601 time, such as 2030-01-31T09:00:00Z.") from None
    at = (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp()
    return Computed("wait", min(max(at, 0.0), LATEST))  # `until` may be in year 0 or 10000, in UTC


def wait_event(job: Job, evaluator: Evaluator) -> Computed:
    """Which events are waited for, and how long."""
    config = rendered(job, evaluator)
    written, events = config_of(job)["events"], config["events"]
    assert isinstance(written, list)
    assert isinstance(events, list)
    wanted: list[JsonValue] = []
    for entry, event in zip(written, events, strict=True):
        assert isinstance(entry, dict)
        assert isinstance(event, dict)
        key = entry.get("key")
        value = None if key is None else evaluator.keep(evaluator.value(str(key)))
        wanted.append({"name": _event_name(event), "key": value, "keyed": key is not None})
    match config.get("mode"):
        case "any":
            enough = 1
        case "all":
            enough = len(wanted)
        case {"count": int(count)} if is_whole(count, least=1) and count <= len(wanted):
            enough = count
        case _:
            raise ConfigInvalid(f"`mode` of a wait is `any`, `all`, or a `count` from 1 to {len(wanted)}.")
    waits: dict[str, JsonValue] = {
        "wanted": wanted,
        "enough": enough,
        "gives_list": config.get("mode") != "any",
        "timeout": span(config, "timeout"),
        "lookback": span(config, "lookback"),
    }
    return Computed("open", waits)


def emit_event(job: Job, evaluator: Evaluator) -> Computed:
    """The event to be sent."""
    config, key = rendered(job, evaluator), config_of(job).get("key")
    value = None if key is None else evaluator.keep(evaluator.value(str(key)))
    emitted: dict[str, JsonValue] = {"name": _event_name(config), "key": value, "payload": config.get("payload")}
    return Computed("open", emitted)


def task(job: Job, evaluator: Evaluator) -> Computed:
    """What people are asked."""
    return Computed("open", asked(rendered(job, evaluator), timeout_wired="timeout" in job.wired))


def workflow(job: Job, evaluator: Evaluator) -> Computed:
    """What is started."""
    config = rendered(job, evaluator)
    if not isinstance(config.get("wait"), bool):
        raise ConfigInvalid("`wait` of a workflow is true or false.")
    return Computed("open", {field: config.get(field) for field in ("name", "version", "input", "wait")})


def _event_name(config: Config) -> str:
    name = config.get("name")
    if not isinstance(name, str):
        raise ConfigInvalid("The `name` of an event is text.")
    return checked(name)
