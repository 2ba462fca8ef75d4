"""code.python: what code gives, how it fails, and that no code harms the process that asked for it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from activities.code.python import TYPE
from activities.errors import ActivityError
from dag.errors import matches
from tests.activities.contexts import contexts


async def ran(code: str, value: JsonValue = None, **config: JsonValue) -> tuple[Any, list[str]]:
    async with contexts() as (context, told):
        return await TYPE.attempt({"code": code, "input": value, **config}, context), told.lines


async def failure(code: str, **config: JsonValue) -> ActivityError:
    async with contexts() as (context, _):
        with pytest.raises(ActivityError) as caught:
            await TYPE.attempt({"code": code, **config}, context)
        # The worker lives on: the same pool runs what comes next.
        assert await TYPE.attempt({"code": "result = 1 + 1"}, context) == 2
        return caught.value


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("result = input['a'] + 1", 2),
        ("result = {'b': [1, 2.5, None, True], 'a': 'é\\n'}", {"b": [1, 2.5, None, True], "a": "é\n"}),
        ("result = (1, (2,))", [1, [2]]),
        ("import re\nresult = re.sub('a', 'b', 'aa')", "bb"),
        ("def twice(x):\n    return x * 2\nresult = twice(4)", 8),
        ("async def four():\n    return 4\nresult = await four()", 4),
        ("result = None", None),
        ("result = 2**53", 2**53),
        ("result = 2**53 + 1", str(2**53 + 1)),
        ("import time\ntime.sleep(100)\nresult = 'at once'", "at once"),
        ("try:\n    nothing\nexcept NameError:\n    result = 'caught'", "caught"),
        ("result = 1\nreturn\nresult = 2", 1),
        ('result = """a\n b"""', "a\n b"),
    ],
)
async def test_the_output_is_what_the_code_sets_result_to(code: str, result: JsonValue) -> None:
    assert (await ran(code, {"a": 1}))[0] == result


async def test_nothing_is_left_for_the_next_run() -> None:
    async with contexts() as (context, _):
        await TYPE.attempt({"code": "left = 1\nresult = left"}, context)
        with pytest.raises(ActivityError) as caught:
            await TYPE.attempt({"code": "result = left"}, context)
        assert caught.value.code == "user.python.nameerror"


async def test_what_is_printed_is_logged_also_when_the_code_fails() -> None:
    assert (await ran("print('a')\nprint('b\\nc', end='')\nresult = 1"))[1] == ["a", "b", "c"]
    async with contexts() as (context, told):
        with pytest.raises(ActivityError):
            await TYPE.attempt({"code": "print('last words')\n1 / 0"}, context)
        assert told.lines == ["last words"]


async def test_code_logs_with_a_level_and_fields_in_order_with_what_it_prints() -> None:
    async with contexts() as (context, told):
        code = "print('one', end='')\nlog('two', 'warning', row=3, name='x')\nlog({'three': 3})\nresult = 1"
        await TYPE.attempt({"code": code}, context)
    assert told.lines == ["one", "two", "{'three': 3}"]
    assert told.levels == ["info", "warning", "info"]
    assert told.fields == [{}, {"row": 3, "name_": "x"}, {}]


async def test_a_level_that_is_none_is_the_codes_own_error() -> None:
    with pytest.raises(ActivityError) as wrong:
        await ran("log('a', 'loud')\nresult = 1")
    assert wrong.value.code == "user.python.valueerror"


async def test_what_the_sandbox_computes_is_counted() -> None:
    async with contexts() as (context, told):
        await TYPE.attempt({"code": "n = 0\nfor i in range(300000):\n    n += i\nresult = n"}, context)
        busy = told.cpu_seconds
        await TYPE.attempt({"code": "result = 1"}, context)
    assert busy > 0.005
    assert told.cpu_seconds - busy < busy


async def test_of_endless_printing_the_beginning_is_logged() -> None:
    async with contexts() as (context, told):
        with pytest.raises(ActivityError) as caught:
            await TYPE.attempt({"code": "while True:\n    print('x' * 99)", "max_seconds": 0.3}, context)
        assert caught.value.code == "limit.time"
        assert len(told.lines) == 101
        assert sum(map(len, told.lines)) < 20_000


@pytest.mark.parametrize(
    ("code", "told", "line"),
    [
        ("x = 1\nx = = 1", "config.invalid", 2),
        ("result = 1\nif False:\n    yield 1", "config.invalid", 3),
        ("x = '", "config.invalid", 1),
        ("def f():\n    return 1 / 0\n\nresult = f()", "user.python.zerodivisionerror", 2),
        ("raise ValueError('no')", "user.python.valueerror", 1),
        ("result = input['missing']", "user.python.typeerror", 1),
        ("\n\nresult = undefined", "user.python.nameerror", 3),
        ("exec('1 / 0')", "user.python.zerodivisionerror", 1),
        ("eval('1 1')", "user.python.syntaxerror", 1),
        ("import json\njson.loads('{')", "user.python.jsondecodeerror", 2),
    ],
)
async def test_an_error_has_a_code_and_names_the_line(code: str, told: str, line: int) -> None:
    error = await failure(code)
    assert error.code == told
    assert isinstance(error.details, list)
    assert isinstance(last := error.details[-1], dict)
    assert last["line"] == line
    assert f"(line {line})" in error.message
    assert not error.retryable


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("{1, 2}", "set"),
        ("b'x'", "bytes"),
        ("lambda: 1", "function"),
        ("float('nan')", "nan"),
        ("[1, {'a': float('-inf')}]", "inf"),
    ],
)
async def test_a_result_that_is_not_json_is_refused_by_its_type(value: str, named: str) -> None:
    error = await failure(f"result = {value}")
    assert error.code == "user.python.result"
    assert named in error.message


async def test_code_that_sets_no_result_is_told_so() -> None:
    assert (await failure("x = 1")).code == "user.python.result"
    assert (await failure("return 5")).code == "user.python.result"


HOSTILE = {
    "a loop": ("while True:\n    pass", "limit.time"),
    "a loop that catches all": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "limit.time",
    ),
    "a large integer": ("result = 10**10**8", "limit.memory"),
    "a large shift": ("result = 1 << 10**12", "limit.memory"),
    "a large list": ("result = [0] * 10**9", "limit.memory"),
    "a growing list": ("a = []\nwhile True:\n    a.append('x' * 1000)", "limit.memory"),
    "a memory error caught": (
        "try:\n    a = [0] * 10**9\nexcept BaseException:\n    pass\nresult = 1",
        "limit.memory",
    ),
    "recursion": ("def f():\n    return f()\nf()", "limit.recursion"),
    "deep source": ("result = " + "(" * 5000 + ")" * 5000, "config.invalid"),
    "shared parts as the result": ("a = []\nfor _ in range(100):\n    a = [a, a]\nresult = a", "limit"),
    "shared parts as the last value": ("a = []\nfor _ in range(100):\n    a = [a, a]\na", "user.python.result"),
    "shared parts returned": ("a = []\nfor _ in range(100):\n    a = [a, a]\nreturn a", "user.python.result"),
    "a circle": ("a = []\na.append(a)\nresult = a", "user.python.result"),
    "a deep result": ("a = 1\nfor _ in range(10_000):\n    a = [a]\nresult = a", "user.python.result"),
    "an import by hand": ("__import__('os').system('id')", "user.python.nameerror"),
    "a process": ("import subprocess", "user.python.modulenotfounderror"),
    "a socket": ("import socket", "user.python.modulenotfounderror"),
    "a file": ("open('/etc/passwd').read()", "user.python.permissionerror"),
    "a path": ("from pathlib import Path\nPath('/etc/passwd').read_text()", "user.python.permissionerror"),
    "the environment": ("import os\nresult = os.environ['PATH']", "user.python.runtimeerror"),
    "the way to all classes": ("().__class__.__bases__[0].__subclasses__()", "user.python.attributeerror"),
    "an exit": ("raise SystemExit(1)", "user.python.runtimeerror"),
    "an interrupt": ("raise KeyboardInterrupt", "user.python.keyboardinterrupt"),
    "json replaced": ("import json\njson.dumps = lambda *a, **k: 'x'", "user.python.attributeerror"),
    "many names asked for": (
        "while True:\n    try:\n        nothing\n    except NameError:\n        pass",
        "user.python.runtimeerror",
    ),
}


@pytest.mark.parametrize(("code", "told"), HOSTILE.values(), ids=HOSTILE)
async def test_hostile_code_ends_with_a_clear_error_while_the_process_goes_on(code: str, told: str) -> None:
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            started = time.perf_counter()
            await asyncio.sleep(0.01)
            longest = max(longest, time.perf_counter() - started)

    heart = asyncio.create_task(beat())
    error = await failure(code, max_seconds=0.3 if told == "limit.time" else 2, max_memory_mib=16)
    heart.cancel()
    assert matches(error.code, told)
    assert len(error.message) < 1200
    assert longest < 0.5  # also on a busy machine; a blocked loop would have stood still for as long as the code ran


async def test_a_result_beyond_the_limit_is_too_large() -> None:
    error = await failure("result = 'x' * (21 << 20)", max_memory_mib=128)
    assert error.code == "payload.too_large"
    assert len((await ran("result = 'x' * ((20 << 20) - 2)", max_memory_mib=128))[0]) == (20 << 20) - 2


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux tells a process of its children")
async def test_code_that_is_cancelled_leaves_no_process_computing() -> None:
    async with contexts() as (context, _):
        task = asyncio.create_task(TYPE.attempt({"code": "while True:\n    pass", "max_seconds": 60}, context))
        await asyncio.sleep(0.5)
        computing = _sandboxes()
        assert computing
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.5)
        assert not computing & _sandboxes()


def _sandboxes() -> set[int]:
    pids = {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}
    return {pid for pid in pids if "monty" in Path(f"/proc/{pid}/cmdline").read_text()}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"code": ""},
        {"code": "x" * 70_000},
        {"code": "1", "max_seconds": 61},
        {"code": "1", "max_seconds": 0},
        {"code": "1", "max_memory_mib": 129},
        {"code": "1", "max_memory_mib": "64"},
        {"code": 1},
        {"code": "1", "more": 1},
    ],
)
async def test_a_config_out_of_bounds_is_invalid(config: JsonValue) -> None:
    async with contexts() as (context, _):
        with pytest.raises(ActivityError) as caught:
            await TYPE.attempt(config, context)
        assert caught.value.code == "config.invalid"


def test_it_has_no_effects_and_may_run_again() -> None:
    traits = TYPE.traits({"code": "result = 1"})
    assert (traits.effects, traits.repeatable) == (False, True)
