"""Runs expressions in processes of their own, which end when they take too long or too much memory."""

import atexit
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import orjson
from pydantic import JsonValue

from dag import engine
from dag.engine import Budget, Fault, Moment
from dag.faults import OUT_OF_MEMORY, TIMED_OUT

GRACE = 0.5
"""Seconds past its time after which a process ends that does not look at the clock."""
LONGEST = 60.0
"""Seconds that an evaluation may take whose budget names none."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_AT_ONCE = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))
_idle: deque[subprocess.Popen[bytes]] = deque()


def run_apart(source: str, scope: Mapping[str, JsonValue], moment: Moment, budget: Budget) -> JsonValue:
    """The value of an expression; None for null, for nothing, and for what is not JSON."""
    return _run(source, scope, moment, budget, audit=None)


def audit_apart(
    source: str, scope: Mapping[str, JsonValue], moment: Moment, budget: Budget, limits: Mapping[str, int]
) -> Any:
    """How an expression comes to its value: the root of jlens's audit, whether that was cut, and the fault, if any."""
    return _run(source, scope, moment, budget, audit=limits)


def _run(
    source: str,
    scope: Mapping[str, JsonValue],
    moment: Moment,
    budget: Budget,
    *,
    audit: Mapping[str, int] | None,
) -> Any:
    options = {
        "timeout": budget.seconds,
        "max_depth": budget.depth,
        "max_steps": budget.steps,
        "max_string_length": budget.string,
        "max_array_length": budget.array,
        "max_result_size": budget.result,
        "now": moment.now_ms,
        "seed": moment.seed,
    }
    seconds = LONGEST if budget.seconds is None else budget.seconds
    request = engine.frame(json.dumps([source, options, seconds + GRACE, audit]).encode()) + engine.frame(
        _written(scope)
    )
    with _AT_ONCE:
        reply = _answer(request)
    match reply[:1]:
        case engine.VALUE:
            return orjson.loads(reply[1:])
        case engine.NOTHING:
            return None
        case _:
            raise Fault(*json.loads(reply[1:]))


def _written(scope: Mapping[str, JsonValue]) -> bytes:
    try:
        return orjson.dumps(scope)
    except orjson.JSONEncodeError:  # a lone surrogate, a number beyond 64 bits, or hundreds of levels
        try:
            text = json.dumps(scope, ensure_ascii=False, separators=(",", ":"))
        except RecursionError:
            raise Fault("U1001") from None
        return _LONE_SURROGATE.sub("\ufffd", text).encode()


def _answer(request: bytes) -> bytes:
    """Let an idle process answer, or a new one. An idle one that has gone meanwhile is not to blame."""
    while True:
        try:
            process, fresh = _idle.pop(), False
        except IndexError:
            process, fresh = _started(), True
        try:
            reply = _asked(process, request)
        except BaseException as error:
            _end(process)
            if isinstance(error, BrokenPipeError) and not fresh:
                continue
            raise
        if reply is not None:
            _idle.append(process)
            return reply
        _end(process)
        raise Fault(TIMED_OUT if process.returncode == -signal.SIGALRM else OUT_OF_MEMORY)


def _asked(process: subprocess.Popen[bytes], request: bytes) -> bytes | None:
    requests, replies = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    requests.write(request)
    requests.flush()
    return engine.read_frame(cast(BinaryIO, replies))


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # Isolated: it sees neither this process's environment nor what lies in the working directory.
        [sys.executable, "-I", str(Path(engine.__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"MIMALLOC_ARENA_RESERVE": "64MiB"},  # else the engine takes all the memory it may have at once
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):  # what could not be written any more
                pipe.close()
    process.wait()


@atexit.register
def _end_all() -> None:
    while _idle:
        _end(_idle.pop())
