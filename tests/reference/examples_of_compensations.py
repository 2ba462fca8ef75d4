"""Executions that undo what they have done, worked out by hand from LANGUAGE, each a sentence."""

from tests.reference.example import Example, ends, fails
from tests.reference.script import Returns

_UNDO = 'compensate: {type: test.step, config: {value: "${{ output.v }}"}}'

COMPENSATIONS = [
    Example(
        "When an execution fails, what it did is undone one at a time, in reverse order of completion",
        f"""
        nodes:
          a: {{type: test.step, {_UNDO}}}
          b: {{type: test.step, {_UNDO}}}
          c: {{type: test.step, needs: [a, b]}}
        """,
        {
            "a": "succeeded",
            "b": "succeeded",
            "c": "failed",
            "a.compensate": "succeeded",
            "b.compensate": "succeeded",
        },
        {"a": ends(5, {"v": 1}), "b": ends(1, {"v": 2}), "c": fails(1)},
        status="failed",
        code="user.no",
        culprit="c",
        compensated=("a.compensate", "b.compensate"),
        configs={"a.compensate": {"value": 1}, "b.compensate": {"value": 2}},
    ),
    Example(
        "Nothing is undone after a success",
        f"nodes: {{a: {{type: test.step, {_UNDO}}}}}",
        {"a": "succeeded"},
        output={"v": 0},
    ),
    Example(
        "Nothing is undone after a stop",
        f"""
        nodes:
          a: {{type: test.step, {_UNDO}}}
          done: {{type: stop, needs: [a]}}
        """,
        {"a": "succeeded", "done": "succeeded"},
    ),
    Example(
        "One that fails does not stop the rest, and the error stays the original",
        f"""
        nodes:
          a: {{type: test.step, {_UNDO}}}
          b: {{type: test.step, needs: [a], {_UNDO}}}
          c: {{type: test.step, needs: [b]}}
        """,
        {"a": "succeeded", "b": "succeeded", "c": "failed", "b.compensate": "failed", "a.compensate": "succeeded"},
        {"c": fails(1), "b.compensate": fails(1, "user.undo")},
        status="failed",
        code="user.no",
        culprit="c",
        compensated=("b.compensate", "a.compensate"),
    ),
    Example(
        "A cancelled execution undoes too, also what returned after it was asked to stop",
        f"""
        nodes:
          a: {{type: test.step, {_UNDO}}}
          b: {{type: test.step, {_UNDO}}}
          c: {{type: test.step, {_UNDO}}}
        """,
        {
            "a": "succeeded",
            "b": "succeeded",
            "c": "cancelled",
            "b.compensate": "succeeded",
            "a.compensate": "succeeded",
        },
        {"b": ends(9, asked=Returns({"v": 3}), after=2), "c": ends(9)},
        cancel_at=5,
        status="cancelled",
        code="cancelled",
        compensated=("b.compensate", "a.compensate"),
        configs={"b.compensate": {"value": 3}},
    ),
    Example(
        "A timed out execution undoes too, after each finally",
        f"""
        settings: {{timeout: 3s}}
        nodes:
          guard:
            type: try
            config:
              body: {{nodes: {{a: {{type: test.step, {_UNDO}}}, nap: {{type: delay, config: {{for: 2h}}}}}}}}
              finally: {{nodes: {{c: {{type: test.step, {_UNDO}}}}}}}
        """,
        {
            "guard": "cancelled",
            "guard.body.a": "succeeded",
            "guard.body.nap": "cancelled",
            "guard.finally.c": "succeeded",
            "guard.finally.c.compensate": "succeeded",
            "guard.body.a.compensate": "succeeded",
        },
        status="timed_out",
        code="timeout.execution",
        compensated=("guard.finally.c.compensate", "guard.body.a.compensate"),
    ),
    Example(
        "A caught error starts none; what its body completed stays due if the execution fails later",
        f"""
        nodes:
          guard:
            type: try
            config:
              body:
                nodes: {{a: {{type: test.step, {_UNDO}}}, f: {{type: test.step, needs: [a]}}}}
              catch: [{{body: {{nodes: {{b: {{type: test.step}}}}}}}}]
          later: {{type: test.step, needs: [guard]}}
        """,
        {
            "guard": "succeeded",
            "guard.body.a": "succeeded",
            "guard.body.f": "failed",
            "guard.catch[0].b": "succeeded",
            "later": "failed",
            "guard.body.a.compensate": "succeeded",
        },
        {"f": fails(1), "later": fails(1, "user.later")},
        status="failed",
        code="user.later",
        culprit="later",
        compensated=("guard.body.a.compensate",),
    ),
    Example(
        "A concurrent loop counts as one block at the moment it ended, its turns in item order",
        f"""
        nodes:
          each:
            type: for_each
            config: {{items: input.list, body: {{nodes: {{pay: {{type: test.step, {_UNDO}}}}}}}}}
          beside: {{type: test.step, {_UNDO}}}
          end: {{type: test.step, needs: [each, beside]}}
        """,
        {
            "each": "succeeded",
            "each[0].pay": "succeeded",
            "each[1].pay": "succeeded",
            "each[2].pay": "succeeded",
            "beside": "succeeded",
            "end": "failed",
            "each[0].pay.compensate": "succeeded",
            "each[1].pay.compensate": "succeeded",
            "each[2].pay.compensate": "succeeded",
            "beside.compensate": "succeeded",
        },
        {
            "each[0].pay": ends(9, {"v": 0}),
            "each[1].pay": ends(1, {"v": 1}),
            "each[2].pay": ends(2, {"v": 2}),
            "beside": ends(5),
            "end": fails(1),
        },
        input={"list": [1, 2, 3]},
        status="failed",
        code="user.no",
        culprit="end",
        compensated=("each[2].pay.compensate", "each[1].pay.compensate", "each[0].pay.compensate", "beside.compensate"),
    ),
    Example(
        "The turns of a loop in order count one by one, among what completed beside them",
        f"""
        nodes:
          each:
            type: for_each
            config: {{items: input.list, concurrency: 1, body: {{nodes: {{pay: {{type: test.step, {_UNDO}}}}}}}}}
          beside: {{type: test.step, {_UNDO}}}
          end: {{type: test.step, needs: [each, beside]}}
        """,
        {
            "each": "succeeded",
            "each[0].pay": "succeeded",
            "each[1].pay": "succeeded",
            "beside": "succeeded",
            "end": "failed",
            "each[0].pay.compensate": "succeeded",
            "each[1].pay.compensate": "succeeded",
            "beside.compensate": "succeeded",
        },
        {"pay": ends(2), "beside": ends(3), "end": fails(1)},
        input={"list": [1, 2]},
        status="failed",
        code="user.no",
        culprit="end",
        compensated=("each[1].pay.compensate", "beside.compensate", "each[0].pay.compensate"),
    ),
    Example(
        "A parallel counts as one block, its branches in written order",
        f"""
        nodes:
          fan:
            type: parallel
            config:
              branches:
                left: {{nodes: {{a: {{type: test.step, {_UNDO}}}, b: {{type: test.step, needs: [a], {_UNDO}}}}}}}
                right: {{nodes: {{c: {{type: test.step, {_UNDO}}}}}}}
          end: {{type: test.step, needs: [fan]}}
        """,
        {
            "fan": "succeeded",
            "fan.left.a": "succeeded",
            "fan.left.b": "succeeded",
            "fan.right.c": "succeeded",
            "end": "failed",
            "fan.left.a.compensate": "succeeded",
            "fan.left.b.compensate": "succeeded",
            "fan.right.c.compensate": "succeeded",
        },
        {"a": ends(5), "b": ends(5), "c": ends(1), "end": fails(1)},
        status="failed",
        code="user.no",
        culprit="end",
        compensated=("fan.right.c.compensate", "fan.left.b.compensate", "fan.left.a.compensate"),
    ),
    Example(
        "Losing branches and failed turns stay due",
        f"""
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              on_item_error: continue
              body: {{nodes: {{pay: {{type: test.step, {_UNDO}}}, f: {{type: test.step, needs: [pay]}}}}}}
          fan:
            type: parallel
            needs: [each]
            config:
              wait: any
              branches:
                left: {{nodes: {{a: {{type: test.step, {_UNDO}}}, b: {{type: test.step, needs: [a]}}}}}}
                right: {{nodes: {{c: {{type: test.step}}}}}}
          end: {{type: test.step, needs: [fan]}}
        """,
        {
            "each": "succeeded",
            "each[0].pay": "succeeded",
            "each[0].f": "failed",
            "fan": "succeeded",
            "fan.left.a": "succeeded",
            "fan.left.b": "cancelled",
            "fan.right.c": "succeeded",
            "end": "failed",
            "fan.left.a.compensate": "succeeded",
            "each[0].pay.compensate": "succeeded",
        },
        {"f": fails(1), "a": ends(1), "b": ends(9), "c": ends(5), "end": fails(1, "user.end")},
        input={"list": [1]},
        status="failed",
        code="user.end",
        culprit="end",
        compensated=("fan.left.a.compensate", "each[0].pay.compensate"),
    ),
    Example(
        "A cancel while compensations run changes nothing",
        f"""
        nodes:
          a: {{type: test.step, {_UNDO}}}
          b: {{type: test.step, needs: [a]}}
        """,
        {"a": "succeeded", "b": "failed", "a.compensate": "succeeded"},
        {"a": ends(1), "b": fails(1), "a.compensate": ends(9)},
        cancel_at=5,
        status="failed",
        code="user.no",
        culprit="b",
        compensated=("a.compensate",),
    ),
]
