"""The words that choose a way, or an end: `if`, `switch`, `break`, `continue`, `stop`, `fail`."""

import re

from pydantic import JsonValue

from dag.errors import ErrorValue, PerdureError
from dag.names import USER_CODE
from dag.templates import as_text
from interpreter.evaluator import Evaluator
from interpreter.job import Computed, Job, failure
from interpreter.words.config import ConfigInvalid, config_of, present, rendered, text

LONGEST_CODE = 200
"""Characters of the code of a `fail`."""
_USER_CODE = re.compile(USER_CODE)


class SwitchNoMatch(PerdureError):
    """No case of the switch matches and nothing is wired to its `default` port."""

    code = "switch.no_match"


def if_(job: Job, evaluator: Evaluator) -> Computed:
    """Which of two ways."""
    return Computed("done", port="true" if evaluator.true(text(job, "condition")) else "false")


def switch(job: Job, evaluator: Evaluator) -> Computed:
    """Which of several ways."""
    config = config_of(job)
    cases = config["cases"]
    assert isinstance(cases, dict)
    if config.get("value") is None:
        match = next((port for port, case in cases.items() if evaluator.true(str(case))), None)
    else:
        value = present(evaluator.value(text(job, "value")))
        match = next((port for port, case in cases.items() if _is_one_of(value, case)), None)
    if match is None and "default" not in job.wired:
        raise SwitchNoMatch
    return Computed("done", port=match or "default")


def leave(job: Job, evaluator: Evaluator) -> Computed:
    """Whether the turn ends."""
    condition = config_of(job).get("when")
    leaves = condition is None or evaluator.true(str(condition))
    return Computed("leave", port=None) if leaves else Computed("done")


def stop(job: Job, evaluator: Evaluator) -> Computed:
    """What the execution ends with."""
    return Computed("stop", rendered(job, evaluator).get("output"), port=None)


def fail(job: Job, evaluator: Evaluator) -> Computed:
    """The error."""
    config = rendered(job, evaluator)
    code = config.get("code")
    if not isinstance(code, str) or len(code) > LONGEST_CODE or not _USER_CODE.fullmatch(code):
        message = "`code` of a fail is a code of your own, such as `user.not_paid`, of at most {} characters."
        raise ConfigInvalid(message.format(LONGEST_CODE))
    return failure(ErrorValue(code=code, message=as_text(config.get("message")), details=config.get("details")))


def _is_one_of(value: JsonValue, literals: JsonValue) -> bool:
    listed = literals if isinstance(literals, list) else [literals]
    return any(isinstance(value, bool) == isinstance(literal, bool) and value == literal for literal in listed)
