"""Executions about outputs, variables and clocks, worked out by hand from LANGUAGE, each a sentence."""

from tests.reference.example import Example, ends, fails
from tests.reference.script import Returns

GRAPHS = [
    Example(
        "As ends of a graph if, switch and delay give null, and set gives its values",
        """
        vars: {v: 1}
        nodes:
          i: {type: if, config: {condition: "true"}}
          s: {type: switch, config: {value: "1", cases: {one: 1}}}
          d: {type: delay, config: {for: 1ms}}
          v: {type: set, config: {values: {v: "vars.v + 1"}}}
        """,
        dict.fromkeys("isdv", "succeeded"),
        output={"i": None, "s": None, "d": None, "v": {"v": 2}},
    ),
    Example(
        "Fail, stop, break and continue are no end nodes, and a node is one of which only error is needed",
        """
        nodes:
          a: {type: transform, config: {expression: "'a'"}}
          late: {type: fail, when: "false", config: {code: user.late}}
          done: {type: stop, when: "false"}
          each:
            type: for_each
            config:
              items: input.list
              body:
                nodes:
                  b: {type: transform, config: {expression: item}}
                  out: {type: break, when: "false"}
                  next: {type: continue, when: "false"}
          saved: {type: fail, needs: [a.error], config: {code: user.a}}
        """,
        {
            "a": "succeeded",
            "late": "skipped",
            "done": "skipped",
            "each": "succeeded",
            "each[0].b": "succeeded",
            "each[0].out": "skipped",
            "each[0].next": "skipped",
            "each[1].b": "succeeded",
            "each[1].out": "skipped",
            "each[1].next": "skipped",
            "saved": "skipped",
        },
        input={"list": [1, 2]},
        output={"a": "a", "each": [1, 2]},
    ),
    Example(
        "A graph without an end node gives null",
        """
        nodes:
          a: {type: transform, config: {expression: "'a'"}}
          late: {type: fail, needs: [a], when: "false", config: {code: user.late}}
        """,
        {"a": "succeeded", "late": "skipped"},
        output=None,
    ),
    Example(
        "A skipped node has no output, one that succeeded with nothing has null, and so has the port of one without",
        """
        nodes:
          never: {type: test.step, when: "false"}
          nothing: {type: test.step}
        output:
          never: "${{ nodes.never.output }}"
          nothing: "${{ nodes.nothing.output }}"
          port: "${{ nodes.never.port }}"
          out: "${{ nodes.nothing.port }}"
        """,
        {"never": "skipped", "nothing": "succeeded"},
        {"nothing": ends(1, None)},
        output={"nothing": None, "port": None, "out": "out"},
    ),
    Example(
        "The clock of a node starts once its join and its when are decided",
        """
        nodes:
          a: {type: test.step}
          again:
            type: repeat
            needs: [a]
            timeout: 3s
            when: "true"
            config: {times: 1, body: {nodes: {b: {type: test.step}}}}
        """,
        {"a": "succeeded", "again": "succeeded", "again[0].b": "succeeded"},
        {"a": ends(5), "b": ends(2, "in time")},
        output="in time",
    ),
    Example(
        "A join waits until each finally of its losing branches is done",
        """
        nodes:
          quick: {type: test.step}
          guard:
            type: try
            config: {body: {nodes: {a: {type: test.step}}}, finally: {nodes: {c: {type: test.step}}}}
          end: {type: test.step, needs: [quick, guard], join: any}
        """,
        {
            "quick": "succeeded",
            "guard": "cancelled",
            "guard.body.a": "cancelled",
            "guard.finally.c": "succeeded",
            "end": "succeeded",
        },
        {"quick": ends(1), "a": ends(9), "c": ends(3), "end": ends(1, "end")},
        output="end",
    ),
    Example(
        "Of branches that set one variable the last to run wins",
        """
        vars: {x: 0}
        nodes:
          fan:
            type: parallel
            config:
              branches:
                left: {nodes: {a: {type: test.step}, s: {type: set, needs: [a], config: {values: {x: "1"}}}}}
                right: {nodes: {b: {type: test.step}, t: {type: set, needs: [b], config: {values: {x: "2"}}}}}
        output: "${{ vars.x }}"
        """,
        {
            "fan": "succeeded",
            "fan.left.a": "succeeded",
            "fan.left.s": "succeeded",
            "fan.right.b": "succeeded",
            "fan.right.t": "succeeded",
        },
        {"a": ends(5), "b": ends(1)},
        output=1,
    ),
    Example(
        "In a body the item is also loop.item, beside loop.index and loop.count",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              as: line
              body:
                nodes:
                  a:
                    type: test.step
                    config: {value: ["${{ line }}", "${{ loop.item }}", "${{ loop.index }}", "${{ loop.count }}"]}
        """,
        {"each": "succeeded", "each[0].a": "succeeded", "each[1].a": "succeeded"},
        {"a": ends(1, "a")},
        input={"list": ["x", "y"]},
        output=["a", "a"],
        configs={"each[0].a": {"value": ["x", "x", 0, 2]}, "each[1].a": {"value": ["y", "y", 1, 2]}},
    ),
    Example(
        "The until of a for_each is asked after a continued turn too, whose output is null",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              concurrency: 1
              until: "loop.output = null and loop.done = 2"
              body:
                nodes:
                  next: {type: continue, when: "item = 2"}
                  b: {type: test.step, when: "item != 2"}
                output: "${{ item }}"
        """,
        {
            "each": "succeeded",
            "each[0].next": "skipped",
            "each[0].b": "succeeded",
            "each[1].next": "succeeded",
            "each[1].b": "skipped",
        },
        input={"list": [1, 2, 3]},
        output=[1, None],
    ),
    Example(
        "A continue in a graph that has failed is not carried out",
        """
        settings: {fail: wait}
        nodes:
          turns:
            type: repeat
            config:
              times: 2
              body:
                nodes:
                  a: {type: test.step}
                  b: {type: test.step}
                  next: {type: continue, needs: [b]}
        """,
        {"turns": "failed", "turns[0].a": "failed", "turns[0].b": "succeeded", "turns[0].next": "skipped"},
        {"a": fails(1), "b": ends(2)},
        status="failed",
        code="user.no",
        culprit="a",
        path="turns[0].a",
    ),
    Example(
        "The config of a compensation is evaluated when its node succeeds",
        """
        vars: {x: 1}
        nodes:
          a: {type: test.step, compensate: {type: test.step, config: {value: "${{ vars.x + output.v }}"}}}
          later: {type: set, needs: [a], config: {values: {x: "100"}}}
          bad: {type: test.step, needs: [later]}
        """,
        {"a": "succeeded", "later": "succeeded", "bad": "failed", "a.compensate": "succeeded"},
        {"a": ends(1, {"v": 5}), "bad": fails(1)},
        status="failed",
        code="user.no",
        culprit="bad",
        compensated=("a.compensate",),
        configs={"a.compensate": {"value": 6}},
    ),
    Example(
        "The time of an execution does not count its compensations",
        """
        settings: {timeout: 10s}
        nodes:
          a: {type: test.step, compensate: {type: test.step}}
          bad: {type: test.step, needs: [a]}
        """,
        {"a": "succeeded", "bad": "failed", "a.compensate": "succeeded"},
        {"a": ends(5), "bad": fails(1), "a.compensate": ends(60)},
        status="failed",
        code="user.no",
        culprit="bad",
        compensated=("a.compensate",),
    ),
    Example(
        "A node that returns after it was asked to stop is undone, and one that acknowledges is not",
        """
        nodes:
          a: {type: test.step, compensate: {type: test.step}}
          b: {type: test.step, compensate: {type: test.step}}
          bad: {type: test.step}
        """,
        {"a": "succeeded", "b": "cancelled", "bad": "failed", "a.compensate": "succeeded"},
        {"a": ends(9, asked=Returns("late"), after=2), "b": ends(9), "bad": fails(1)},
        status="failed",
        code="user.no",
        culprit="bad",
        compensated=("a.compensate",),
    ),
]
