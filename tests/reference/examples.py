"""Executions of one graph, worked out by hand from LANGUAGE, each a sentence; for the evaluator and the interpreter."""

from tests.reference.example import Example, ends, fails
from tests.reference.script import Raises, Returns

EXAMPLES = [
    Example(
        "A node starts when what it needs has finished, and its end gives the output",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step, needs: [a], config: {value: "${{ nodes.a.output.v }}"}}
        """,
        {"a": "succeeded", "b": "succeeded"},
        {"a": ends(1, {"v": 7}), "b": ends(1, "done")},
        output="done",
        order=("a", "b"),
        configs={"b": {"value": 7}},
    ),
    Example(
        "Nodes that become ready at the same moment start in the written order of nodes",
        """
        nodes:
          d: {type: test.step, needs: [a]}
          c: {type: transform, needs: [a], config: {expression: "3"}}
          a: {type: test.step}
          b: {type: test.step}
          e: {type: transform, needs: [a], config: {expression: "5"}}
        """,
        dict.fromkeys("dcabe", "succeeded"),
        {"a": ends(1), "b": ends(2, "b"), "d": ends(1, "d")},
        output={"d": "d", "c": 3, "b": "b", "e": 5},
        order=("a", "b", "d", "c", "e"),
    ),
    Example(
        "A control node ends before the next one starts, but what it makes ready waits its turn in the queue",
        """
        nodes:
          a: {type: transform, config: {expression: "1"}}
          b: {type: transform, needs: [a], config: {expression: "2"}}
          c: {type: transform, config: {expression: "3"}}
        """,
        dict.fromkeys("abc", "succeeded"),
        output={"b": 2, "c": 3},
        order=("a", "c", "b"),
    ),
    Example(
        "The port that was not taken is dead, and what hangs on it is skipped, however far down",
        """
        nodes:
          check: {type: if, config: {condition: "input.n > 3"}}
          small: {type: test.step, needs: [check.false]}
          smaller: {type: test.step, needs: [small]}
          large: {type: test.step, needs: [check.true]}
        """,
        {"check": "succeeded", "small": "skipped", "smaller": "skipped", "large": "succeeded"},
        {"large": ends(1, "L")},
        input={"n": 4},
        output={"large": "L"},
        ports={"check": "true", "small": None},
    ),
    Example(
        "A condition that yields nothing counts as false",
        """
        nodes:
          check: {type: if, config: {condition: "input.absent > 3"}}
          other: {type: transform, needs: [check.false], config: {expression: "'other'"}}
        """,
        {"check": "succeeded", "other": "succeeded"},
        output="other",
        ports={"check": "false"},
    ),
    Example(
        "An all join runs when every edge has settled and one of them is live",
        """
        nodes:
          check: {type: if, config: {condition: "true"}}
          a: {type: test.step, needs: [check.true]}
          b: {type: test.step, needs: [check.false]}
          c: {type: test.step}
          end: {type: transform, needs: [a, b, c], config: {expression: "nodes.b.status"}}
        """,
        {"check": "succeeded", "a": "succeeded", "b": "skipped", "c": "succeeded", "end": "succeeded"},
        {"a": ends(1), "c": ends(5)},
        output="skipped",
    ),
    Example(
        "An all join is skipped when every edge is dead",
        """
        nodes:
          check: {type: if, config: {condition: "true"}}
          a: {type: test.step, needs: [check.false]}
          b: {type: test.step, needs: [check.false]}
          end: {type: test.step, needs: [a, b]}
        """,
        {"check": "succeeded", "a": "skipped", "b": "skipped", "end": "skipped"},
        output=None,
    ),
    Example(
        "A when that is false skips the node and everything that only it leads to",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step, needs: [a], when: "nodes.a.output.v > 5"}
          c: {type: test.step, needs: [b]}
          d: {type: transform, needs: [a, b], config: {expression: "'d'"}}
        """,
        {"a": "succeeded", "b": "skipped", "c": "skipped", "d": "succeeded"},
        {"a": ends(1, {"v": 5})},
        output={"d": "d"},
    ),
    Example(
        "An error in when is a failure of that node, and goes to its error port",
        """
        nodes:
          a: {type: test.step, when: "$error('boom')"}
          b: {type: transform, needs: [a.error], config: {expression: "nodes.a.error.code"}}
        """,
        {"a": "failed", "b": "succeeded"},
        output={"b": "expression.failed"},
        ports={"a": "error"},
        order=("a", "b"),
    ),
    Example(
        "An error in a template is a failure of that node",
        """
        nodes:
          a: {type: test.step, config: {value: "${{ $error('boom') }}"}}
          b: {type: test.step, needs: [a]}
        """,
        {"a": "failed", "b": "skipped"},
        status="failed",
        code="expression.failed",
        culprit="a",
    ),
    Example(
        "A switch takes the first case that matches, and default when none does",
        """
        nodes:
          one: {type: switch, config: {value: "input.n", cases: {low: [0, 1], mid: 2}}}
          two: {type: switch, config: {cases: {odd: "input.n = 3", high: "input.n > 2"}}}
          low: {type: test.step, needs: [one.low]}
          other: {type: transform, needs: [one.default], config: {expression: "'other'"}}
          odd: {type: transform, needs: [two.odd], config: {expression: "'odd'"}}
          high: {type: test.step, needs: [two.high]}
        """,
        {
            "one": "succeeded",
            "two": "succeeded",
            "low": "skipped",
            "other": "succeeded",
            "odd": "succeeded",
            "high": "skipped",
        },
        input={"n": 3},
        output={"other": "other", "odd": "odd"},
        ports={"one": "default", "two": "odd"},
    ),
    Example(
        "A switch that nothing matches fails when its default is not wired",
        """
        nodes:
          choose: {type: switch, config: {value: "input.n", cases: {low: 1}}}
          low: {type: test.step, needs: [choose.low]}
        """,
        {"choose": "failed", "low": "skipped"},
        input={"n": 3},
        status="failed",
        code="switch.no_match",
        culprit="choose",
    ),
    Example(
        "A failed node fails its graph, and what runs is cancelled at once",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          c: {type: test.step, needs: [b]}
        """,
        {"a": "failed", "b": "cancelled", "c": "skipped"},
        {"a": fails(1), "b": ends(9)},
        status="failed",
        code="user.no",
        culprit="a",
    ),
    Example(
        "A failure whose error port is wired is none, and the other edges of the node are dead",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step, needs: [a]}
          c: {type: transform, needs: [a.error], config: {expression: "nodes.a.error.code"}}
        """,
        {"a": "failed", "b": "skipped", "c": "succeeded"},
        {"a": fails(1, "user.pay.declined")},
        output={"c": "user.pay.declined"},
        ports={"a": "error"},
    ),
    Example(
        "A node that failed with on_error: continue keeps the status failed, has no output, and its out is live",
        """
        nodes:
          a: {type: test.step, on_error: continue}
          b: {type: transform, needs: [a], config: {expression: "nodes.a.output"}}
        output: {status: "${{ nodes.a.status }}", port: "${{ nodes.a.port }}", b: "${{ nodes.b.output }}"}
        """,
        {"a": "failed", "b": "succeeded"},
        {"a": fails(1)},
        output={"status": "failed", "port": "out", "b": None},
        ports={"a": "out"},
    ),
    Example(
        "A fail node fails the graph with its own code",
        """
        nodes:
          a: {type: fail, config: {code: user.pay, message: "not today"}}
          b: {type: test.step}
        """,
        {"a": "failed", "b": "skipped"},
        status="failed",
        code="user.pay",
        culprit="a",
        order=("a",),
    ),
    Example(
        "A fail node with on_error: continue goes on by its out port",
        """
        nodes:
          a: {type: fail, on_error: continue, config: {code: user.pay, message: "never mind"}}
          b: {type: transform, needs: [a], config: {expression: "'went on'"}}
        """,
        {"a": "failed", "b": "succeeded"},
        output="went on",
        ports={"a": "out"},
    ),
    Example(
        "An any join runs on the first live edge and cancels the rest",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          b2: {type: test.step, needs: [b]}
          end: {type: test.step, join: any, needs: [a, b2]}
        """,
        {"a": "succeeded", "b": "cancelled", "b2": "skipped", "end": "succeeded"},
        {"a": ends(1), "b": ends(5), "end": ends(1, "end")},
        output="end",
        order=("a", "b", "end"),
    ),
    Example(
        "The when of an any join is asked once the rest has stopped, and sees how it ended",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          end: {type: test.step, join: any, needs: [a, b], when: "nodes.b.status = 'succeeded'"}
        """,
        {"a": "succeeded", "b": "succeeded", "end": "succeeded"},
        {"a": ends(1), "b": ends(9, asked=Returns("late"), after=3), "end": ends(1, "end")},
        output="end",
    ),
    Example(
        "With rest: ignore the others go on beside the join, and it does not fire twice",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          end: {type: test.step, join: {rest: ignore}, needs: [a, b]}
        """,
        {"a": "succeeded", "b": "succeeded", "end": "succeeded"},
        {"a": ends(1), "b": ends(5), "end": ends(1, "end")},
        output="end",
        order=("a", "b", "end"),
    ),
    Example(
        "A count join runs on the n-th live edge",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          c: {type: test.step}
          end: {type: transform, join: {count: 2}, needs: [a, b, c], config: {expression: "nodes.b.status"}}
        """,
        {"a": "succeeded", "b": "cancelled", "c": "succeeded", "end": "succeeded"},
        {"a": ends(1), "b": ends(5), "c": ends(2)},
        output="cancelled",
    ),
    Example(
        "A count join is skipped as soon as fewer than n edges can still become live and no branch failed",
        """
        nodes:
          check: {type: if, config: {condition: "false"}}
          a: {type: test.step, needs: [check.true]}
          b: {type: test.step, needs: [check.true]}
          c: {type: test.step}
          end: {type: test.step, join: {count: 2}, needs: [a, b, c]}
          c2: {type: test.step, needs: [c]}
        """,
        {
            "check": "succeeded",
            "a": "skipped",
            "b": "skipped",
            "c": "succeeded",
            "end": "skipped",
            "c2": "succeeded",
        },
        {"c": ends(3), "c2": ends(1, "c2")},
        output={"c2": "c2"},
    ),
    Example(
        "A skipped count join cancels what still runs in its branches",
        """
        nodes:
          first: {type: test.step}
          check: {type: if, needs: [first], config: {condition: "false"}}
          a: {type: test.step, needs: [check.true]}
          b: {type: test.step}
          end: {type: test.step, join: {count: 2}, needs: [a, b]}
        """,
        {"first": "succeeded", "check": "succeeded", "a": "skipped", "b": "cancelled", "end": "skipped"},
        {"b": ends(9)},
    ),
    Example(
        "A join that is decided before a node of its branches has had its turn skips that node",
        """
        nodes:
          check: {type: if, config: {condition: "true"}}
          b: {type: test.step}
          end: {type: test.step, join: any, needs: [check.true, b]}
        """,
        {"check": "succeeded", "b": "skipped", "end": "succeeded"},
        {"end": ends(1, "end")},
        output="end",
        order=("check", "end"),
    ),
    Example(
        "A failing branch only drops out: the first success wins",
        """
        nodes:
          a: {type: test.step}
          a2: {type: test.step, needs: [a]}
          b: {type: test.step}
          end: {type: test.step, join: any, needs: [a2, b]}
        """,
        {"a": "failed", "a2": "skipped", "b": "succeeded", "end": "succeeded"},
        {"a": fails(1), "b": ends(5), "end": ends(1, "end")},
        output="end",
    ),
    Example(
        "When a branch fails, what runs in it is cancelled",
        """
        nodes:
          a: {type: test.step}
          a2: {type: test.step}
          a3: {type: test.step, needs: [a, a2]}
          b: {type: test.step}
          end: {type: test.step, join: any, needs: [a3, b]}
        """,
        {"a": "failed", "a2": "cancelled", "a3": "skipped", "b": "succeeded", "end": "succeeded"},
        {"a": fails(1), "a2": ends(3), "b": ends(5), "end": ends(1, "end")},
        output="end",
    ),
    Example(
        "When every branch has failed the join fails, and its cause names the failures",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          end: {type: test.step, join: any, needs: [a, b]}
        """,
        {"a": "failed", "b": "failed", "end": "failed"},
        {"a": fails(2, "user.a"), "b": fails(1, "user.b")},
        status="failed",
        code="join.unsatisfiable",
        culprit="end",
        causes=("b", "a"),
        order=("a", "b"),
    ),
    Example(
        "A join fails at once when too few can still succeed and a branch has failed, and cancels the rest",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          end: {type: test.step, join: {count: 2}, needs: [a, b]}
          after: {type: transform, needs: [end.error], config: {expression: "nodes.end.error.code"}}
        """,
        {"a": "failed", "b": "cancelled", "end": "failed", "after": "succeeded"},
        {"a": fails(1), "b": ends(9)},
        output={"after": "join.unsatisfiable"},
        ports={"end": "error"},
    ),
    Example(
        "A join that is skipped with the rest of a failing graph has not failed itself",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          b2: {type: test.step, needs: [b]}
          end: {type: test.step, join: {rest: ignore}, needs: [a, b2]}
          c: {type: test.step}
        """,
        {"a": "failed", "b": "cancelled", "b2": "skipped", "end": "skipped", "c": "failed"},
        {"a": fails(1, "user.a"), "b": ends(9), "c": fails(2, "user.c")},
        status="failed",
        code="user.c",
        culprit="c",
    ),
    Example(
        "Of two joins that become hopeless at once the one with a failed branch goes first, and fails the other",
        """
        nodes:
          a: {type: test.step}
          check: {type: if, needs: [a], config: {condition: "false"}}
          b: {type: test.step}
          inner: {type: test.step, join: any, needs: [b, check.true]}
          outer: {type: test.step, join: {count: 2}, needs: [check.true, inner]}
        """,
        {"a": "succeeded", "check": "succeeded", "b": "failed", "inner": "failed", "outer": "failed"},
        {"a": ends(2), "b": fails(1)},
        status="failed",
        code="join.unsatisfiable",
        culprit="outer",
        causes=("inner",),
        order=("a", "b", "check"),
    ),
    Example(
        "An inner join belongs to the outer branch it leads into: its failure fails that branch only",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          inner: {type: test.step, join: any, needs: [a, b]}
          c: {type: test.step}
          outer: {type: test.step, join: any, needs: [inner, c]}
        """,
        {"a": "failed", "b": "failed", "inner": "failed", "c": "succeeded", "outer": "succeeded"},
        {"a": fails(1), "b": fails(2), "c": ends(5), "outer": ends(1, "outer")},
        output="outer",
    ),
    Example(
        "A failure with a wired error port fails no branch: the dead edge just drops out, and the join is skipped",
        """
        nodes:
          check: {type: if, config: {condition: "false"}}
          a: {type: test.step}
          note: {type: transform, needs: [a.error], config: {expression: "'noted'"}}
          b: {type: test.step, needs: [check.true]}
          end: {type: test.step, join: any, needs: [a, b]}
        """,
        {"check": "succeeded", "a": "failed", "note": "succeeded", "b": "skipped", "end": "skipped"},
        {"a": fails(1)},
        output={"note": "noted"},
    ),
    Example(
        "A node that reaches a join by two edges is in no branch, so its failure fails the graph",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step, needs: [a]}
          c: {type: test.step, needs: [a]}
          d: {type: test.step}
          end: {type: test.step, join: any, needs: [b, c, d]}
        """,
        {"a": "failed", "b": "skipped", "c": "skipped", "d": "cancelled", "end": "skipped"},
        {"a": fails(1), "d": ends(3)},
        status="failed",
        code="user.no",
        culprit="a",
    ),
    Example(
        "An edge that is live stays live when another node of its branch fails, which is a failed branch all the same",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          first: {type: test.step, join: {rest: ignore}, needs: [a, b]}
          c: {type: test.step}
          d: {type: test.step}
          end: {type: test.step, join: {count: 2}, needs: [first, c, d]}
        """,
        {"a": "succeeded", "b": "failed", "first": "succeeded", "c": "succeeded", "d": "cancelled", "end": "succeeded"},
        {"a": ends(1), "first": ends(1), "b": fails(5), "c": ends(7), "d": ends(9), "end": ends(1, "end")},
        output="end",
    ),
    Example(
        "With fail: wait everything downstream is skipped whatever its join, and all else runs to its end",
        """
        settings: {fail: wait}
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          c: {type: test.step, needs: [b]}
          end: {type: test.step, needs: [a, c]}
        """,
        {"a": "failed", "b": "succeeded", "c": "succeeded", "end": "skipped"},
        {"a": fails(1, "user.first"), "b": ends(5)},
        status="failed",
        code="user.first",
        culprit="a",
    ),
    Example(
        "The first failure in time is the error of the graph",
        """
        settings: {fail: wait}
        nodes:
          a: {type: test.step}
          b: {type: test.step}
        """,
        {"a": "failed", "b": "failed"},
        {"a": fails(5, "user.second"), "b": fails(2, "user.first")},
        status="failed",
        code="user.first",
        culprit="b",
    ),
    Example(
        "A stop in a graph that has failed is not carried out",
        """
        settings: {fail: wait}
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          end: {type: stop, needs: [b], config: {output: "never"}}
        """,
        {"a": "failed", "b": "succeeded", "end": "skipped"},
        {"a": fails(1), "b": ends(5)},
        status="failed",
        code="user.no",
        culprit="a",
    ),
    Example(
        "A stop ends the execution as succeeded with its own output, and cancels what runs",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          c: {type: test.step, needs: [b]}
          end: {type: stop, needs: [a], config: {output: {v: "${{ nodes.a.output.v }}"}}}
        """,
        {"a": "succeeded", "b": "cancelled", "c": "skipped", "end": "succeeded"},
        {"a": ends(1, {"v": 1}), "b": ends(9)},
        output={"v": 1},
    ),
    Example(
        "A cancel ends the execution: running nodes are cancelled and unstarted ones skipped",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step, needs: [a]}
          c: {type: test.step, needs: [b]}
        """,
        {"a": "succeeded", "b": "cancelled", "c": "skipped"},
        {"a": ends(1), "b": ends(9)},
        cancel_at=5,
        status="cancelled",
        code="cancelled",
    ),
    Example(
        "An activity that returns after it was asked to stop has succeeded, but starts nothing",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step, needs: [a]}
        """,
        {"a": "succeeded", "b": "skipped"},
        {"a": ends(9, asked=Returns("late"), after=2)},
        cancel_at=5,
        status="cancelled",
        code="cancelled",
    ),
    Example(
        "An activity that fails after it was asked to stop has failed, but its error goes nowhere",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step}
          c: {type: test.step, needs: [b.error]}
          end: {type: stop, needs: [a], config: {output: "enough"}}
        """,
        {"a": "succeeded", "b": "failed", "c": "skipped", "end": "succeeded"},
        {"a": ends(1), "b": ends(9, asked=Raises("user.late"), after=2)},
        output="enough",
        ports={"b": None},
    ),
    Example(
        "A delay waits for its time and then goes on",
        """
        nodes:
          nap: {type: delay, config: {for: 100ms}}
          a: {type: transform, needs: [nap], config: {expression: "'rested'"}}
        """,
        {"nap": "succeeded", "a": "succeeded"},
        output="rested",
    ),
    Example(
        "A delay in a losing branch is called off",
        """
        nodes:
          a: {type: test.step}
          nap: {type: delay, config: {for: 2h}}
          end: {type: test.step, join: any, needs: [a, nap]}
        """,
        {"a": "succeeded", "nap": "cancelled", "end": "succeeded"},
        {"a": ends(1), "end": ends(1, "end")},
        output="end",
    ),
    Example(
        "A node fails when its own timeout is over",
        """
        nodes:
          nap: {type: delay, timeout: 100ms, config: {for: 2h}}
          a: {type: transform, needs: [nap.error], config: {expression: "nodes.nap.error.code"}}
        """,
        {"nap": "failed", "a": "succeeded"},
        output={"a": "timeout.node"},
    ),
    Example(
        "An execution whose time is up ends as timed out, and no error port takes that",
        """
        settings: {timeout: 300ms}
        nodes:
          nap: {type: delay, config: {for: 2h}}
          a: {type: test.step, needs: [nap.error]}
          b: {type: test.step}
        """,
        {"nap": "cancelled", "a": "skipped", "b": "cancelled"},
        {"b": ends(9)},
        status="timed_out",
        code="timeout.execution",
    ),
    Example(
        "Set means the nearest declaration of a variable, and several values see the variables as they were before",
        """
        vars: {a: 1, b: "${{ input.n }}"}
        nodes:
          swap: {type: set, config: {values: {a: "vars.b", b: "vars.a"}}}
          read: {type: transform, needs: [swap], config: {expression: "vars.a + vars.b + vars.b"}}
        output: {a: "${{ vars.a }}", b: "${{ vars.b }}", set: "${{ nodes.swap.output }}", s: "${{ nodes.read.output }}"}
        """,
        {"swap": "succeeded", "read": "succeeded"},
        input={"n": 5},
        output={"a": 5, "b": 1, "set": {"a": 5, "b": 1}, "s": 7},
    ),
    Example(
        "An error in vars fails the graph before anything starts",
        """
        vars: {a: "${{ $error('boom') }}"}
        nodes:
          a: {type: test.step}
        """,
        {"a": "skipped"},
        status="failed",
        code="expression.failed",
    ),
    Example(
        "An error in the output fails the graph after everything has run",
        """
        nodes:
          a: {type: test.step}
        output: "${{ $error('boom') }}"
        """,
        {"a": "succeeded"},
        status="failed",
        code="expression.failed",
    ),
    Example(
        "Without an output several end nodes give an object of those that succeeded",
        """
        nodes:
          check: {type: if, config: {condition: "true"}}
          a: {type: test.step, needs: [check.true]}
          b: {type: test.step, needs: [check.false]}
          c: {type: test.step, on_error: continue}
          nothing: {type: test.step}
        """,
        {"check": "succeeded", "a": "succeeded", "b": "skipped", "c": "failed", "nothing": "succeeded"},
        {"a": ends(1, {"v": 1}), "c": fails(1), "nothing": ends(2, None)},
        output={"a": {"v": 1}, "nothing": None},
    ),
    Example(
        "One end node that did not succeed gives null",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step, needs: [a], when: "false"}
        """,
        {"a": "succeeded", "b": "skipped"},
        output=None,
    ),
    Example(
        "A written output leaves out what yields nothing, and joins text around a marker",
        """
        nodes:
          a: {type: test.step}
          b: {type: test.step, needs: [a], when: "false"}
        output: {text: "v is ${{ nodes.a.output.v }}!", none: "${{ nodes.b.output }}", list: ["${{ nodes.b.output }}"]}
        """,
        {"a": "succeeded", "b": "skipped"},
        {"a": ends(1, {"v": 3})},
        output={"text": "v is 3!", "list": [None]},
    ),
    Example(
        "Data nodes compute in place",
        """
        nodes:
          plus: {type: map, config: {items: input.list, expression: "item + index"}}
          one: {type: filter, config: {items: input.list, condition: "item > 2"}}
          sum: {type: reduce, config: {items: input.list, initial: "0", expression: "result + item"}}
          down: {type: sort, config: {items: input.list, by: item, order: descending}}
          groups: {type: group, config: {items: input.list, by: "item > 1"}}
          pairs: {type: split, config: {items: input.list, size: 2}}
          last: {type: merge, config: {sources: [input.list, input.absent, "null", "'x'"], mode: last}}
          none: {type: map, config: {items: input.absent, expression: item}}
          single: {type: map, config: {items: "4", expression: item}}
        """,
        dict.fromkeys(["plus", "one", "sum", "down", "groups", "pairs", "last", "none", "single"], "succeeded"),
        input={"list": [1, 3, 2]},
        output={
            "plus": [1, 4, 4],
            "one": [3],
            "sum": 6,
            "down": [3, 2, 1],
            "groups": {"false": [1], "true": [3, 2]},
            "pairs": [[1, 3], [2]],
            "last": "x",
            "none": [],
            "single": [4],
        },
    ),
]
