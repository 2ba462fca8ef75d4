"""Runs JSONata within bounds. The only module that knows the engine; run as a program, it serves another process."""

import json
import resource
import signal
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

import jlens

MEMORY = 1024**3
"""Bytes that the program may ask the system for."""


@dataclass(frozen=True)
class Budget:
    """What one evaluation may use: steps, levels of calls, bytes of a string, items of a list, bytes of the result."""

    steps: int
    depth: int
    string: int
    array: int
    result: int
    seconds: float | None
    apart: bool = False
    """Whether it may take a process of its own, without which expressions that could grow are not evaluated."""


@dataclass(slots=True)
class Moment:
    """What `$now()`, `$millis()` and `$random()` go by. (Not frozen, as one is made for every node.)"""

    now_ms: int
    seed: int


class Fault(Exception):
    """The engine refuses an expression or breaks off: JSONata's code, and the part of the expression it is about."""

    def __init__(self, code: str, position: int | None = None, token: str | None = None, message: str = ""):
        super().__init__(code)
        self.code = code
        self.position = position
        self.token = token
        self.message = message
        """The engine's words. They may hold data."""


def compiled(source: str) -> jlens.Expression:
    """An expression ready to run."""
    try:
        return jlens.Expression(source)
    except jlens.JlensError as error:
        raise _fault(error) from None
    except UnicodeEncodeError as error:
        raise Fault(LONE_SURROGATE, error.start) from None


LONE_SURROGATE = "lone surrogate"
"""Our own code, for what cannot even be handed to the engine."""


def run(expression: jlens.Expression, scope: Any, moment: Moment, budget: Budget) -> Any:
    """The value of an expression. None for null, for nothing, and for what is not JSON."""
    try:
        return expression.evaluate(
            scope,
            timeout=budget.seconds,
            max_depth=budget.depth,
            max_steps=budget.steps,
            max_string_length=budget.string,
            max_array_length=budget.array,
            max_result_size=budget.result,
            now=moment.now_ms,
            seed=moment.seed,
        )
    except jlens.JlensError as error:
        raise _fault(error) from None


def _fault(error: jlens.JlensError) -> Fault:
    return Fault(error.code, error.position, error.token, str(error))


# The program: a request is an expression with its bounds, and those of its audit if one is wanted, then the scope as
# JSON; a reply is a letter, then JSON.
# Python's own JSON and nothing of ours is imported, so that it is there within a few hundredths of a second.

HEAD = struct.Struct("<I")
VALUE, NOTHING, FAULT = b"v", b"n", b"f"


def frame(data: bytes) -> bytes:
    """Data as it goes through a pipe."""
    return HEAD.pack(len(data)) + data


def read_frame(pipe: BinaryIO) -> bytes | None:
    """What `frame` wrote; None when the other side is gone."""
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    data = pipe.read(length := HEAD.unpack(head)[0])
    return data if len(data) == length else None


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until the other side is gone. Past its time an evaluation ends the process, which nothing can hold up."""
    while (request := read_frame(requests)) is not None and (scope := read_frame(requests)) is not None:
        source, options, seconds, audit = json.loads(request)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        reply = _reply(source, scope, options) if audit is None else _audited(source, scope, options, audit)
        signal.setitimer(signal.ITIMER_REAL, 0)
        replies.write(frame(reply))
        replies.flush()


def _reply(source: str, scope: bytes, options: Mapping[str, Any]) -> bytes:
    try:
        value = _remembered(source).evaluate_json(scope.decode(), **options)
    except jlens.JlensError as error:
        return FAULT + json.dumps([error.code, error.position, error.token, str(error)[:1000]]).encode()
    return NOTHING if value is None else VALUE + value.encode()


def _audited(source: str, scope: bytes, options: Mapping[str, Any], limits: Any) -> bytes:
    told = _remembered(source).evaluate_with_audit(json.loads(scope), level="full", limits=limits, **options)
    root, error = told["audit"]["root"], told["error"]
    left = [root]
    while left:
        node = left.pop()
        node.pop("input", None)  # every part has what it was applied to, which is most of an audit
        left += node.get("children", ())
    wrong = None if error is None else [error["code"], error["position"], error["token"], error["message"][:1000]]
    return VALUE + json.dumps([root, told["audit"]["truncated"], wrong]).encode()


_remembered = lru_cache(maxsize=64)(jlens.Expression)

if __name__ == "__main__":
    with suppress(ValueError, OSError):  # macOS knows the limit but refuses it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other side
    serve(sys.stdin.buffer, sys.stdout.buffer)
