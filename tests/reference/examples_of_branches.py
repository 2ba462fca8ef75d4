"""Executions with `parallel`, worked out by hand from LANGUAGE, each a sentence."""

from tests.reference.example import Example, ends, fails
from tests.reference.script import Returns

_TWO = """
        nodes:
          fan:
            type: parallel
            config:
              WAIT
              branches:
                left: {nodes: {a: {type: test.step}}}
                right: {nodes: {b: {type: test.step}}}
        """
_THREE = """
        nodes:
          fan:
            type: parallel
            config:
              WAIT
              branches:
                left: {nodes: {a: {type: test.step}}}
                middle: {nodes: {b: {type: test.step}}}
                right: {nodes: {c: {type: test.step}}}
        """

BRANCHES = [
    Example(
        "A parallel runs its branches at once and gives an object of their outputs by name",
        _TWO.replace("WAIT", "wait: all"),
        {"fan": "succeeded", "fan.left.a": "succeeded", "fan.right.b": "succeeded"},
        {"a": ends(5, "x"), "b": ends(1, "y")},
        output={"left": "x", "right": "y"},
    ),
    Example(
        "A failing branch fails a parallel that waits for all, and with fail: fast the others are cancelled",
        _TWO.replace("WAIT", "result: list"),
        {"fan": "failed", "fan.left.a": "failed", "fan.right.b": "cancelled"},
        {"a": fails(1), "b": ends(5)},
        status="failed",
        code="user.no",
        culprit="a",
        path="fan.left.a",
    ),
    Example(
        "With fail: wait the other branches of a failing parallel finish",
        """
        settings: {fail: wait}
        nodes:
          fan:
            type: parallel
            config:
              branches:
                left: {nodes: {a: {type: test.step}, a2: {type: test.step, needs: [a]}}}
                right: {nodes: {b: {type: test.step}, b2: {type: test.step, needs: [b]}}}
          after: {type: test.step, needs: [fan]}
        """,
        {
            "fan": "failed",
            "fan.left.a": "failed",
            "fan.left.a2": "skipped",
            "fan.right.b": "succeeded",
            "fan.right.b2": "succeeded",
            "after": "skipped",
        },
        {"a": fails(1), "b": ends(5)},
        status="failed",
        code="user.no",
        culprit="a",
        path="fan.left.a",
    ),
    Example(
        "With wait: any the first success is enough, the others are cancelled and not in the result",
        _TWO.replace("WAIT", "wait: any"),
        {"fan": "succeeded", "fan.left.a": "succeeded", "fan.right.b": "succeeded"},
        {"a": ends(9, "x", asked=Returns("late"), after=1), "b": ends(1, "y")},
        output={"right": "y"},
    ),
    Example(
        "With wait: any a failing branch only drops out",
        _TWO.replace("WAIT", "wait: any"),
        {"fan": "succeeded", "fan.left.a": "succeeded", "fan.right.b": "failed"},
        {"a": ends(9, "x"), "b": fails(1)},
        output={"left": "x"},
    ),
    Example(
        "With too few branches left a parallel fails with join.unsatisfiable, its cause naming the failures",
        _TWO.replace("WAIT", "wait: any"),
        {"fan": "failed", "fan.left.a": "failed", "fan.right.b": "failed"},
        {"a": fails(9, "user.a"), "b": fails(1, "user.b")},
        status="failed",
        code="join.unsatisfiable",
        culprit="fan",
        causes=("fan.right.b", "fan.left.a"),
    ),
    Example(
        "Two of three: the third is cancelled as soon as two have succeeded, and last is who finished last",
        _THREE.replace("WAIT", "wait: {count: 2}\n              result: last"),
        {"fan": "succeeded", "fan.left.a": "succeeded", "fan.middle.b": "cancelled", "fan.right.c": "succeeded"},
        {"a": ends(2, "a"), "b": ends(9, "b"), "c": ends(1, "c")},
        output="a",
    ),
    Example(
        "Branches begin together, their nodes in written order: what was not needed any more is skipped",
        """
        nodes:
          fan:
            type: parallel
            config:
              wait: any
              branches:
                left: {nodes: {a: {type: transform, config: {expression: "1"}}}}
                right: {nodes: {b: {type: test.step}}}
        """,
        {"fan": "succeeded", "fan.left.a": "succeeded", "fan.right.b": "skipped"},
        output={"left": 1},
    ),
    Example(
        "First is who finished first",
        _TWO.replace("WAIT", "result: first"),
        {"fan": "succeeded", "fan.left.a": "succeeded", "fan.right.b": "succeeded"},
        {"a": ends(2, "a"), "b": ends(1, "b")},
        output="b",
    ),
    Example(
        "A list of branches is in written order, whoever finished first",
        _THREE.replace("WAIT", "wait: {count: 2}\n              result: list"),
        {"fan": "succeeded", "fan.left.a": "failed", "fan.middle.b": "succeeded", "fan.right.c": "succeeded"},
        {"a": fails(3), "b": ends(9, "b"), "c": ends(1, "c")},
        output=["b", "c"],
    ),
    Example(
        "Merged branches give one object, where the later written wins",
        _TWO.replace("WAIT", "result: merge"),
        {"fan": "succeeded", "fan.left.a": "succeeded", "fan.right.b": "succeeded"},
        {"a": ends(2, {"x": 1, "y": 1}), "b": ends(1, {"y": 2})},
        output={"x": 1, "y": 2},
    ),
    Example(
        "Two failures of three end a wait for two at once, and its error port takes that",
        """
        nodes:
          fan:
            type: parallel
            config:
              wait: {count: 2}
              branches:
                left: {nodes: {a: {type: test.step}}}
                middle: {nodes: {b: {type: test.step}}}
                right: {nodes: {c: {type: test.step}}}
          after: {type: transform, needs: [fan.error], config: {expression: nodes.fan.error.code}}
        """,
        {
            "fan": "failed",
            "fan.left.a": "failed",
            "fan.middle.b": "failed",
            "fan.right.c": "cancelled",
            "after": "succeeded",
        },
        {"a": fails(1), "b": fails(2), "c": ends(9)},
        output={"after": "join.unsatisfiable"},
        ports={"fan": "error"},
    ),
    Example(
        "The default output of a branch is that of its end nodes, an object when there are several",
        """
        nodes:
          fan:
            type: parallel
            config:
              branches:
                left: {nodes: {a: {type: test.step}, b: {type: test.step}}}
                right: {nodes: {c: {type: test.step}}, output: {v: "${{ nodes.c.output }}"}}
        """,
        {"fan": "succeeded", "fan.left.a": "succeeded", "fan.left.b": "succeeded", "fan.right.c": "succeeded"},
        {"a": ends(1, "a"), "b": ends(2, "b"), "c": ends(3, "c")},
        output={"left": {"a": "a", "b": "b"}, "right": {"v": "c"}},
    ),
    Example(
        "A join inside a branch, and a failure that it takes, concern that branch alone",
        """
        nodes:
          fan:
            type: parallel
            config:
              branches:
                left:
                  nodes:
                    a: {type: test.step}
                    b: {type: test.step}
                    end: {type: test.step, join: any, needs: [a, b]}
                right: {nodes: {c: {type: test.step}}}
        """,
        {
            "fan": "succeeded",
            "fan.left.a": "failed",
            "fan.left.b": "succeeded",
            "fan.left.end": "succeeded",
            "fan.right.c": "succeeded",
        },
        {"a": fails(1), "b": ends(2), "end": ends(1, "end"), "c": ends(9, "c")},
        output={"left": "end", "right": "c"},
    ),
    Example(
        "A losing branch of an any join holds a parallel, all of which is cancelled before the join runs",
        """
        nodes:
          fan:
            type: parallel
            config:
              branches:
                left: {nodes: {a: {type: test.step}, a2: {type: test.step, needs: [a]}}}
                right: {nodes: {nap: {type: delay, config: {for: 2h}}}}
          b: {type: test.step}
          end: {type: transform, join: any, needs: [fan, b], config: {expression: nodes.fan.status}}
        """,
        {
            "fan": "cancelled",
            "fan.left.a": "succeeded",
            "fan.left.a2": "skipped",
            "fan.right.nap": "cancelled",
            "b": "succeeded",
            "end": "succeeded",
        },
        {"a": ends(9, asked=Returns("late"), after=5), "b": ends(1)},
        output="cancelled",
    ),
    Example(
        "A stop in a branch ends the execution: its siblings and the other branches are cancelled",
        """
        nodes:
          fan:
            type: parallel
            config:
              branches:
                left:
                  nodes:
                    a: {type: test.step}
                    b: {type: test.step}
                    done: {type: stop, needs: [a], config: {output: "done"}}
                right: {nodes: {c: {type: test.step}}}
        """,
        {
            "fan": "cancelled",
            "fan.left.a": "succeeded",
            "fan.left.b": "cancelled",
            "fan.left.done": "succeeded",
            "fan.right.c": "cancelled",
        },
        {"a": ends(1), "b": ends(9), "c": ends(9)},
        output="done",
    ),
    Example(
        "A stop is not carried out when a graph around it has failed",
        """
        settings: {fail: wait}
        nodes:
          a: {type: test.step}
          fan:
            type: parallel
            config: {branches: {left: {nodes: {b: {type: test.step}, done: {type: stop, needs: [b]}}}}}
        """,
        {"a": "failed", "fan": "succeeded", "fan.left.b": "succeeded", "fan.left.done": "skipped"},
        {"a": fails(1), "b": ends(2)},
        status="failed",
        code="user.no",
        culprit="a",
    ),
    Example(
        "A failing parallel with on_error: continue keeps the status failed and goes on",
        """
        nodes:
          fan:
            type: parallel
            on_error: continue
            config: {branches: {left: {nodes: {a: {type: test.step}}}}}
          after: {type: transform, needs: [fan], config: {expression: nodes.fan.error.node}}
        """,
        {"fan": "failed", "fan.left.a": "failed", "after": "succeeded"},
        {"a": fails(1)},
        output="a",
        ports={"fan": "out"},
    ),
]
