"""How the words run what is inside them: `for_each`, `while`, `repeat`, `parallel`, `try`."""

from pydantic import JsonValue

from dag.errors import PerdureError
from dag.limits import DEFAULTS
from interpreter.evaluator import Evaluator
from interpreter.job import Computed, Job
from interpreter.words.config import Config, ConfigInvalid, is_whole, rendered, text, word


class TooManyItems(PerdureError):
    """The loop has more items than a `for_each` takes."""

    code = "limit.items"


class TooManyTurns(PerdureError):
    """More turns of the loop would run at once than a `for_each` has."""

    code = "limit.turns"


class IterationsLimit(PerdureError):
    """The loop would take one turn more than it may."""

    code = "limit.iterations"


def for_each(job: Job, evaluator: Evaluator) -> Computed:
    """What the turns go over, and how."""
    items = evaluator.items(text(job, "items"))
    if len(items) > DEFAULTS.for_each_items:
        raise TooManyItems(f"The loop has {len(items):,} items; at most {DEFAULTS.for_each_items:,} are possible.")
    config = rendered(job, evaluator)
    concurrency = config.get("concurrency")
    if not is_whole(concurrency, least=1):
        raise ConfigInvalid("`concurrency` of a loop is a whole number from 1.")
    if min(concurrency, len(items)) > (most := DEFAULTS.turns_at_once):
        raise TooManyTurns(f"{concurrency:,} turns of the loop would run at once; at most {most:,} are possible.")
    opened: dict[str, JsonValue] = {
        "items": items,
        "concurrency": concurrency,
        "tolerated": _tolerated(config, len(items)),
        "result": word(config, "result", "list", "full", "merge", "first", "last", "none"),
    }
    return Computed("open", opened)


def while_(job: Job, evaluator: Evaluator) -> Computed:
    """How many turns there may be."""
    return Computed("open", {"max_iterations": _most_iterations(rendered(job, evaluator))})


def repeat(job: Job, evaluator: Evaluator) -> Computed:
    """How many turns there are, or may be."""
    config = rendered(job, evaluator)
    times = config.get("times")
    if times is not None and not is_whole(times, least=0):
        raise ConfigInvalid("`times` of a repeat is a whole number from 0.")
    if isinstance(times, int) and times > DEFAULTS.iterations:
        raise IterationsLimit(f"The loop would take more than {DEFAULTS.iterations:,} turns.")
    return Computed("open", {"times": times, "max_iterations": _most_iterations(config)})


def parallel(job: Job, evaluator: Evaluator) -> Computed:
    """How many branches are enough."""
    config = rendered(job, evaluator)
    match config.get("wait"):
        case "all":
            enough = None
        case "any":
            enough = 1
        case {"count": int(count)} if is_whole(count, least=1):
            enough = count
        case _:
            raise ConfigInvalid("`wait` of a parallel is `all`, `any`, or a `count` from 1.")
    result = word(config, "result", "by_branch", "list", "merge", "first", "last")
    return Computed("open", {"enough": enough, "result": result})


def try_(job: Job, evaluator: Evaluator) -> Computed:
    """Nothing: what is inside begins."""
    return Computed("open", {})


def _tolerated(config: Config, count: int) -> float | None:
    """How many failed turns the loop goes on after; None: any number."""
    goes_on = word(config, "on_item_error", "fail", "continue") == "continue"
    match config.get("tolerate"):
        case {"count": int(most)} if is_whole(most, least=0):
            return None if goes_on else most
        case {"percent": int() | float() as percent} if not isinstance(percent, bool) and 0 <= percent <= 100:
            return None if goes_on else count * percent / 100
        case None:
            return None if goes_on else 0
        case _:
            raise ConfigInvalid("`tolerate` is a `count` from 0, or a `percent` from 0 to 100.")


def _most_iterations(config: Config) -> JsonValue:
    most = config.get("max_iterations")
    if not is_whole(most, least=1) or most > DEFAULTS.iterations:
        raise ConfigInvalid(f"`max_iterations` is a whole number from 1 to {DEFAULTS.iterations:,}.")
    return most
