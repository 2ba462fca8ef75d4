"""Whatever an expression tries, it ends soon, with a clear error, and what evaluates it lives on with little memory."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dag import apart, engine
from dag.errors import PerdureError
from dag.expressions import INLINE, WIDE, ExpressionBudget, Moment, condition, evaluate

MOMENT = Moment(now_ms=0, seed=1)
SHORT = replace(WIDE, seconds=0.2)
SCOPE: dict[str, Any] = {
    "input": {
        "text": "a" * 40 + "!",
        "long": "x" * 60_000,
        "list": list(range(1_000)),
        "rows": [{"id": n, "o": {"a": n}} for n in range(9_000)],
        "big": 9_999_999,
    }
}

DOUBLED = '$f := function($o, $n) {{ $n = 0 ? $o : $f({{"a": $o, "b": $o}}, $n - 1) }}; {use}'
NESTED = "$f := function($o, $n) {{ $n = 0 ? $o : $f([[$o, $o]], $n - 1) }}; {use}"
ENDLESS = {
    "endless loop": "($f := function() { $f() }; $f())",
    "endless recursion": "($f := function($n) { 1 + $f($n) }; $f(1))",
    "exponential recursion": "($f := function($n) { $n < 2 ? $n : $f($n - 1) + $f($n - 2) }; $f(90))",
    "loops in loops": "$map(input.rows, function($a) { $map(input.rows, function($b) { $map(input.rows, $string) }) })",
    "text that doubles": '($d := function($s, $n) { $n = 0 ? $s : $d($s & $s, $n - 1) }; $d("ab", 60))',
    "padding": '$pad("x", 2000000000)',
    "less padding": '$pad("x", 9999999)',
    "much padding": '$map([1..9000], function($i) { $pad("x", 1000000 + $i) })',
    "regex bomb": "$contains(input.text, /^(a+)+$/)",
    "another regex bomb": "$match(input.text, /(a|a)*b/)",
    "regex bomb on long text": '$replace(input.long, /(x+x+)+y/, "")',
    "list that doubles": "($f := function($a, $n) { $n = 0 ? $count($a) : $f($append($a, $a), $n - 1) }; $f([1], 60))",
    "sorting in a loop": "$sort([1..9000], function($a, $b) { $sort([1..9000], function($a, $b) { $a < $b })[0] > 0 })",
    "long range": "[1..input.big]",
    "longer range": "[1..input.big * 1000]",
    "long ranges": "$map([1..9000], function($i) {{'a': [$i..$i + 50000]}})",
    "comparing what doubles": f"({DOUBLED.format(use='$f({}, 60) = $f({}, 60)')})",
    "comparing without a loop": "($a := input.list; "
    + "".join(f"$a{n} := [[$a{n - 1 if n else ''}, $a{n - 1 if n else ''}]];" for n in range(40))
    + " $a39 + 1)",
    "naming what doubles in an error": f"({DOUBLED.format(use='$f({}, 60) + 1')})",
    "calling with what doubles": f"({DOUBLED.format(use='$uppercase($f({}, 60))')})",
    "testing what doubles": f"({NESTED.format(use='$f([[]], 60) ? 1 : 2')})",
    "summing what doubles": f"({NESTED.format(use='$sum($f([[1]], 60))')})",
    "flattening what doubles": f"({NESTED.format(use='$spread($f([{}], 60))')})",
    "yielding what doubles": f"({DOUBLED.format(use='$f({}, 60)')})",
    "writing what doubles": f"({DOUBLED.format(use='$string($f({}, 60))')})",
    "yielding what is deep": '($f := function($o, $n) { $n = 0 ? $o : $f({"a": $o}, $n - 1) }; $f({}, 5000))',
    "crossing lists": "input.list@$a.$$.input.list@$b.$$.input.list@$c.[$a, $b, $c]",
    "encoding again and again": '($f := function($s, $n) { $n = 0 ? $s : $f($base64encode($s), $n - 1) }; $f("a", 99))',
    "brackets": "(" * 5_000 + "1" + ")" * 5_000,
    "lists": "[" * 30_000 + "]" * 30_000,
    "signs": "-" * 50_000 + "1",
    "a path": "a" + ".a" * 30_000,
    "evaluating text": "$eval('1')",
    "evaluating by another name": "($e := $eval; $map(['1'], $e))",
    "a written range": "[1..9999999]",
}


@pytest.fixture(autouse=True)
def little_memory() -> Any:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    # In KiB. The processes apart have their limit from the system.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


@pytest.mark.parametrize("trick", ENDLESS)
def test_within_a_workflow_task_it_ends_at_once(trick: str) -> None:
    began = time.process_time()
    with pytest.raises(PerdureError) as caught:
        evaluate(ENDLESS[trick], SCOPE, MOMENT, INLINE)
    assert caught.value.code in ("expression.budget", "expression.dynamic")
    assert caught.value.message
    assert time.process_time() - began < 1


@pytest.mark.parametrize("trick", ENDLESS)
def test_even_without_a_clock(trick: str) -> None:
    """As in a replay, where the time that something takes must not count."""
    began = time.process_time()
    with pytest.raises(PerdureError) as caught:
        condition(ENDLESS[trick], SCOPE, MOMENT, replace(INLINE, seconds=None))
    assert not getattr(caught.value, "by_clock", False)
    assert time.process_time() - began < 3


@pytest.mark.parametrize("trick", ENDLESS)
def test_with_room_of_its_own_it_ends_in_time(trick: str) -> None:
    began = time.perf_counter()
    with pytest.raises(PerdureError) as caught:
        evaluate(ENDLESS[trick], SCOPE, MOMENT, SHORT)
    assert caught.value.code in ("expression.budget", "expression.dynamic")
    assert time.perf_counter() - began < 10
    assert evaluate("$distinct([1, 1])", {}, MOMENT, SHORT) == [1]


def test_names_of_python_are_only_names() -> None:
    for source in ("__class__", "input.__class__.__mro__", "$lookup(input, '__init__')", "input.`__dict__`"):
        assert evaluate(f"$exists({source})", SCOPE, MOMENT, INLINE) is False
        assert evaluate(f"$distinct([$exists({source})])", SCOPE, MOMENT, SHORT) == [False]


def test_a_cut_by_the_clock_says_so() -> None:
    with pytest.raises(ExpressionBudget) as caught:
        evaluate(ENDLESS["regex bomb on long text"], SCOPE, MOMENT, replace(INLINE, steps=10**9))
    assert caught.value.by_clock
    with pytest.raises(ExpressionBudget) as caught:
        evaluate(ENDLESS["comparing what doubles"], SCOPE, MOMENT, replace(WIDE, seconds=0.1))
    assert caught.value.by_clock


def test_a_cut_by_memory_says_that_another_run_might_end_otherwise() -> None:
    with pytest.raises(ExpressionBudget, match="memory") as caught:
        evaluate(ENDLESS["long ranges"], SCOPE, MOMENT, replace(WIDE, seconds=30))
    assert caught.value.by_clock


def test_a_process_that_went_away_while_idle_is_replaced() -> None:
    assert evaluate("$distinct([1, 1])", {}, MOMENT, WIDE) == [1]
    for process in apart._idle:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert evaluate("$distinct([2, 2])", {}, MOMENT, WIDE) == [2]


def test_many_threads_get_their_own_answers() -> None:
    def ask(number: int) -> Any:
        return evaluate("$distinct([input, input])", {"input": number}, MOMENT, WIDE)

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(ask, range(400))) == [[number] for number in range(400)]


def test_other_threads_go_on_meanwhile() -> None:
    """An expression in its own process does not hold up this one."""
    beats = 0
    stop = threading.Event()

    def beat() -> None:
        nonlocal beats
        while not stop.wait(0.01):
            beats += 1

    thread = threading.Thread(target=beat)
    thread.start()
    with pytest.raises(ExpressionBudget):
        evaluate(ENDLESS["comparing what doubles"], SCOPE, MOMENT, replace(WIDE, seconds=0.2))
    stop.set()
    thread.join()
    assert beats > 10


def test_its_processes_end_with_the_process_that_started_them() -> None:
    program = (
        "import os, sys\n"
        "from dag import apart\n"
        "from dag.expressions import WIDE, Moment, evaluate\n"
        "evaluate('$distinct([1, 1])', {}, Moment(0, 0), WIDE)\n"
        "print(apart._idle[0].pid, flush=True)\n"
        "os._exit(1)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    child = int(done.stdout)
    for _ in range(100):
        if not is_running(child):
            return
        time.sleep(0.05)
    pytest.fail("it is still there")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not Path("/proc").exists(), reason="no /proc here")
def test_what_is_evaluated_apart_has_a_limit_and_no_environment() -> None:
    evaluate("$distinct([1, 1])", {}, MOMENT, WIDE)
    environment = Path(f"/proc/{apart._idle[0].pid}/environ").read_text()
    assert environment.split("\0")[:-1] == ["MIMALLOC_ARENA_RESERVE=64MiB"]
    assert resource.prlimit(apart._idle[0].pid, resource.RLIMIT_AS) == (engine.MEMORY, engine.MEMORY)
