"""The activity type `code.python`."""

import logging
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Literal

from pydantic import Field, JsonValue, RootModel
from pydantic_monty import (
    AsyncMontySession,
    MontyComplete,
    MontyCrashedError,
    MontyRuntimeError,
    MontySyntaxError,
    ResourceLimits,
)

from activities import reading
from activities.activity_type import ActivityType
from activities.context import Context
from activities.errors import ActivityError, ConfigInvalid, PayloadTooLarge, ReplyUnreadable
from activities.fields import StrictModel
from dag.activity_type import Traits

MIB = 1024 * 1024
DEPTH = 200
PRINTED_LINES = 100
CALLS = 10_000
"""Of `log`, each of which the sandbox stops for; one more is an error of the code."""
PRINTED_TEXT = 16 * 1024
MESSAGE = 1000
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""What `logging` takes no field under."""
LIMITS = {TimeoutError: "limit.time", MemoryError: "limit.memory", RecursionError: "limit.recursion"}

# A value in the sandbox may share its parts, and so be small there and endless here. So it is written as JSON in the
# sandbox, within its limits; and since code can rename any function, only an f-string surely makes a text of bounded
# length.
_WRITE = """\
import json as _json
f"{f'{_json.dumps(result, ensure_ascii=False, allow_nan=False, separators=(",", ":"))}':.20971521}"
"""
LARGEST_RESULT = 20_971_520
"""Characters, one less than that."""


class Config(StrictModel):
    code: str = Field(
        min_length=1,
        max_length=64 * 1024,
        description=(
            "Python that sets the variable `result`, which becomes the step's output: None, a bool, int, float, str,"
            " list, tuple or dict, and these within each other. It reads the variable `input`, may import `json`, `re`,"
            " `math`, `datetime` and some more of the standard library, and reaches neither files nor network."
        ),
    )
    input: JsonValue = Field(None, description="What the code finds in its variable `input`.")
    max_seconds: float = Field(5, gt=0, le=60, description="How long the code may compute; at most 60 seconds.")
    max_memory_mib: int = Field(64, ge=8, le=128, description="How much memory the code may use; at most 128 MiB.")


class Output(RootModel[JsonValue]):
    """What the code set `result` to."""


class CodeRaised(ActivityError):
    """The code raised an exception that it did not catch."""

    code = "user.python"

    def __init__(self, kind: str, message: str, /, *, details: JsonValue):
        super().__init__(message, details=details)
        self.code = f"user.python.{kind.lower()}"


class ResultInvalid(ActivityError):
    """What the code sets `result` to is not JSON."""

    code = "user.python.result"


class CodeLimit(ActivityError):
    """The code took more than it may: time, memory or depth of calls."""

    code = "limit"

    def __init__(self, code: str, message: str, /, *, details: JsonValue = None, retryable: bool = False):
        super().__init__(message, details=details, retryable=retryable)
        self.code = code


async def run(config: Config, context: Context) -> Output:
    """Run Python in a sandbox; its output is what the code sets `result` to.

    What the code prints goes to the log, and so does what it tells `log(message, level, **fields)`, whose level is
    `debug`, `info` (without one), `warning` or `error`. Code that cannot be parsed fails with `config.invalid`, an
    exception that it does not catch with `user.python.<name>` (such as `user.python.valueerror`), a `result` that is
    not JSON with `user.python.result`; past a limit it fails with `limit.time`, `limit.memory` or `limit.recursion`.
    Errors name the line. Sleeping returns at once.
    """
    limits = ResourceLimits(
        max_feed_duration_secs=config.max_seconds,
        max_memory=config.max_memory_mib * MIB,
        max_recursion_depth=DEPTH,
        max_suspensions=CALLS,
    )
    printed = _Printed(context.logger)
    try:
        async with context.python.checkout(limits=limits, os_policy={"sleep": "zero"}) as session:
            with _metered(session, context):
                await _execute(session, config, printed)
                text = await _result(session)
    except MontyCrashedError as crash:
        if crash.timed_out:
            raise CodeLimit("limit.time", f"The code took longer than {config.max_seconds:g} s.") from None
        raise CodeLimit("limit.sandbox", "The code broke the process that it ran in.", retryable=True) from None
    finally:
        printed.end()
    if len(text) > LARGEST_RESULT:
        raise PayloadTooLarge(f"`result` has more than {LARGEST_RESULT} characters of JSON.")
    try:
        return Output(reading.json(text.encode()))
    except ReplyUnreadable:
        raise ResultInvalid("`result` is nested too deep.") from None


async def _execute(session: AsyncMontySession, config: Config, printed: "_Printed") -> None:
    try:
        step = await session.feed_start(
            config.code,
            inputs={"input": config.input},
            external_lookup={"log": printed.log},
            print_callback=printed.take,
        )
        while not isinstance(step, MontyComplete):
            step = await step.resume_auto()
    except (MontyRuntimeError, MontySyntaxError) as error:
        raise _told(error) from None


async def _result(session: AsyncMontySession) -> str:
    try:
        return await session.feed_run(_WRITE)
    except MontyRuntimeError as error:
        match error.exception():
            case NameError():
                raise ResultInvalid("The code ends without having set `result`.") from None
            case TimeoutError() | MemoryError():
                raise _told(error) from None
            case _:
                raise ResultInvalid(f"`result` is not JSON: {error.display('msg')[:MESSAGE]}.") from None


def _told(error: MontyRuntimeError | MontySyntaxError) -> ActivityError:
    frames = [frame for frame in error.traceback() if frame.filename == "<python-input-0>"]
    lines: list[JsonValue] = [{"line": frame.line, "function": frame.function_name or "<module>"} for frame in frames]
    where = f" (line {frames[-1].line})" if frames else ""
    if error.traceback() and error.traceback()[-1].function_name is None:  # it was not even started
        return ConfigInvalid(f"The code cannot be run: {error.display('msg')[:MESSAGE]}{where}.", details=lines)
    kind = type(error.exception())
    message = f"{error.display('type-msg')[:MESSAGE]}{where}"
    if kind in LIMITS:
        return CodeLimit(LIMITS[kind], message, details=lines[-10:])
    return CodeRaised(kind.__name__, message, details=lines[-10:])


class _Printed:
    """Hands on what code prints, line by line, and what it logs; called from threads of the sandbox's."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._begun = ""
        self._room = PRINTED_TEXT
        self._lines = PRINTED_LINES
        self._dropped = False

    def take(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        self._dropped = self._dropped or len(text) > self._room
        *lines, self._begun = (self._begun + text[: self._room]).split("\n")
        self._room -= min(len(text), self._room)
        for line in lines:
            self._line(line)

    def log(self, message: object, level: object = "info", **fields: JsonValue) -> None:
        self._flush()
        number = LEVELS.get(str(level))
        if number is None:
            raise ValueError(f"log: the level is one of {', '.join(LEVELS)}")
        shown = {f"{name}_" if name in RESERVED else name: value for name, value in fields.items()}
        self._logger.log(number, "%s", message, extra=shown)

    def end(self) -> None:
        self._flush()
        if self._dropped:
            self._logger.info("… the code printed more, which is not kept")

    def _flush(self) -> None:
        if self._begun:
            line, self._begun = self._begun, ""
            self._line(line)

    def _line(self, line: str) -> None:
        if self._lines > 0:
            self._lines -= 1
            self._logger.info("%s", line)
        else:
            self._dropped = True


@contextmanager
def _metered(session: AsyncMontySession, context: Context) -> Generator[None]:
    """Count what the sandbox's process computes for this session; it serves no other one meanwhile."""
    process = session.worker_pid
    before = _cpu_seconds(process)
    try:
        yield
    finally:
        after = _cpu_seconds(process)
        if before is not None and after is not None:
            context.computed(after - before)


def _cpu_seconds(process: int | None) -> float | None:
    """The CPU time of a process of this machine; None where the system does not tell it, or it has ended."""
    if process is None or not sys.platform.startswith("linux"):
        return None
    with suppress(OSError):
        return time.clock_gettime((~process << 3) | 2)  # as clock_getcpuclockid(3) makes it of a process
    return None


def _traits(config: Mapping[str, JsonValue]) -> Traits:
    return Traits(effects=False, repeatable=True)


TYPE = ActivityType(
    name="code.python",
    title="Python code",
    config=Config,
    output=Output,
    run=run,
    timeout=timedelta(seconds=90),
    traits=_traits,
)
