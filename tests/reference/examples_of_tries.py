"""Executions with `try`, worked out by hand from LANGUAGE, each a sentence."""

from tests.reference.example import Example, ends, fails
from tests.reference.script import Returns

_GUARD = """
        nodes:
          guard:
            type: try
            config:
              body: {nodes: {a: {type: test.step}, a2: {type: test.step, needs: [a]}}}
              catch: [{body: {nodes: {b: {type: test.step}}}}]
              finally: {nodes: {c: {type: test.step}}}
        """

TRIES = [
    Example(
        "A try whose body succeeds gives its output; no catch runs, finally does and gives none",
        _GUARD,
        {
            "guard": "succeeded",
            "guard.body.a": "succeeded",
            "guard.body.a2": "succeeded",
            "guard.finally.c": "succeeded",
        },
        {"a2": ends(1, "body"), "c": ends(1, "last")},
        output="body",
    ),
    Example(
        "The first catch whose codes match an error or its family runs, and its output is that of the try",
        """
        nodes:
          guard:
            type: try
            config:
              body:
                nodes: {a: {type: test.step}, beside: {type: test.step}, later: {type: test.step, needs: [beside]}}
              catch:
                - {codes: [user.payment, timeout], body: {nodes: {b: {type: test.step}}}}
                - codes: [http, user.pay]
                  as: why
                  body: {nodes: {c: {type: transform, config: {expression: why.code}}}}
                - {body: {nodes: {d: {type: test.step}}}}
        """,
        {
            "guard": "succeeded",
            "guard.body.a": "failed",
            "guard.body.beside": "cancelled",
            "guard.body.later": "skipped",
            "guard.catch[1].c": "succeeded",
        },
        {"a": fails(1, "user.pay.declined"), "beside": ends(9)},
        output="user.pay.declined",
    ),
    Example(
        "An error that no catch takes fails the try, after finally",
        """
        nodes:
          guard:
            type: try
            config:
              body: {nodes: {a: {type: test.step}}}
              catch: [{codes: [user.other], body: {nodes: {b: {type: test.step}}}}]
              finally: {nodes: {c: {type: test.step}}}
        """,
        {"guard": "failed", "guard.body.a": "failed", "guard.finally.c": "succeeded"},
        {"a": fails(1)},
        status="failed",
        code="user.no",
        culprit="a",
        path="guard.body.a",
    ),
    Example(
        "An error in catch is the new error, with the old one as its cause; finally runs all the same",
        _GUARD,
        {
            "guard": "failed",
            "guard.body.a": "failed",
            "guard.body.a2": "skipped",
            "guard.catch[0].b": "failed",
            "guard.finally.c": "succeeded",
        },
        {"a": fails(1, "user.old"), "b": fails(1, "user.new")},
        status="failed",
        code="user.new",
        culprit="b",
        path="guard.catch[0].b",
        causes=("guard.body.a",),
    ),
    Example(
        "An error in finally is the new error, with the one that no catch took as its cause",
        """
        nodes:
          guard:
            type: try
            config: {body: {nodes: {a: {type: test.step}}}, finally: {nodes: {c: {type: test.step}}}}
        """,
        {"guard": "failed", "guard.body.a": "failed", "guard.finally.c": "failed"},
        {"a": fails(1, "user.old"), "c": fails(1, "user.new")},
        status="failed",
        code="user.new",
        culprit="c",
        path="guard.finally.c",
        causes=("guard.body.a",),
    ),
    Example(
        "An error in finally after a body that succeeded has no cause",
        """
        nodes:
          guard:
            type: try
            config: {body: {nodes: {a: {type: test.step}}}, finally: {nodes: {c: {type: test.step}}}}
        """,
        {"guard": "failed", "guard.body.a": "succeeded", "guard.finally.c": "failed"},
        {"c": fails(1, "user.new")},
        status="failed",
        code="user.new",
        culprit="c",
        path="guard.finally.c",
    ),
    Example(
        "A cancel runs each finally once, inner first, then the execution has ended; no catch takes it",
        """
        nodes:
          guard:
            type: try
            config:
              body:
                nodes:
                  inner:
                    type: try
                    config:
                      body: {nodes: {a: {type: test.step}}}
                      finally: {nodes: {b: {type: test.step}}}
              catch: [{body: {nodes: {never: {type: test.step}}}}]
              finally: {nodes: {c: {type: test.step, config: {value: "${{ input.n }}"}}}}
        """,
        {
            "guard": "cancelled",
            "guard.body.inner": "cancelled",
            "guard.body.inner.body.a": "cancelled",
            "guard.body.inner.finally.b": "succeeded",
            "guard.finally.c": "succeeded",
        },
        {"a": ends(9), "b": ends(2), "c": ends(2)},
        input={"n": 1},
        cancel_at=5,
        status="cancelled",
        code="cancelled",
        configs={"guard.finally.c": {"value": 1}},
    ),
    Example(
        "A finally that fails after a cancel is recorded but changes nothing",
        """
        nodes:
          guard:
            type: try
            config:
              body: {nodes: {a: {type: test.step}}}
              finally: {nodes: {c: {type: test.step}, d: {type: test.step}}}
        """,
        {
            "guard": "cancelled",
            "guard.body.a": "cancelled",
            "guard.finally.c": "failed",
            "guard.finally.d": "cancelled",
        },
        {"a": ends(9), "c": fails(2), "d": ends(9)},
        cancel_at=5,
        status="cancelled",
        code="cancelled",
    ),
    Example(
        "A finally that is running already is not disturbed by a cancel, and runs only once",
        """
        nodes:
          guard:
            type: try
            config: {body: {nodes: {a: {type: test.step}}}, finally: {nodes: {c: {type: test.step}}}}
        """,
        {"guard": "cancelled", "guard.body.a": "failed", "guard.finally.c": "succeeded"},
        {"a": fails(1), "c": ends(9)},
        cancel_at=5,
        status="cancelled",
        code="cancelled",
    ),
    Example(
        "The finally parts of a cancelled execution have ten minutes together, then they are cancelled",
        """
        nodes:
          guard:
            type: try
            config:
              body: {nodes: {a: {type: test.step}}}
              finally: {nodes: {nap: {type: delay, config: {for: 2h}}, c: {type: test.step, needs: [nap]}}}
        """,
        {
            "guard": "cancelled",
            "guard.body.a": "cancelled",
            "guard.finally.nap": "cancelled",
            "guard.finally.c": "skipped",
        },
        {"a": ends(9)},
        cancel_at=5,
        status="cancelled",
        code="cancelled",
    ),
    Example(
        "The ten minutes are those of all finally parts: one that has not begun by then does not run",
        """
        nodes:
          guard:
            type: try
            config:
              body:
                nodes:
                  inner:
                    type: try
                    config:
                      body: {nodes: {a: {type: test.step}}}
                      finally: {nodes: {nap: {type: delay, config: {for: 2h}}}}
              finally: {nodes: {never: {type: test.step}}}
        """,
        {
            "guard": "cancelled",
            "guard.body.inner": "cancelled",
            "guard.body.inner.body.a": "cancelled",
            "guard.body.inner.finally.nap": "cancelled",
        },
        {"a": ends(9)},
        cancel_at=5,
        status="cancelled",
        code="cancelled",
    ),
    Example(
        "A finally is shielded whole: a loop in it takes all its turns after a cancel",
        """
        nodes:
          guard:
            type: try
            config:
              body: {nodes: {a: {type: test.step}}}
              finally:
                nodes:
                  again:
                    type: repeat
                    config: {times: 2, body: {nodes: {c: {type: test.step}}}}
        """,
        {
            "guard": "cancelled",
            "guard.body.a": "cancelled",
            "guard.finally.again": "succeeded",
            "guard.finally.again[0].c": "succeeded",
            "guard.finally.again[1].c": "succeeded",
        },
        {"a": ends(9)},
        cancel_at=5,
        status="cancelled",
        code="cancelled",
    ),
    Example(
        "A catch may raise the error anew, and the try around takes it",
        """
        nodes:
          outer:
            type: try
            config:
              body:
                nodes:
                  inner:
                    type: try
                    config:
                      body: {nodes: {a: {type: test.step}}}
                      catch: [{body: {nodes: {f: {type: fail, config: {code: user.anew, message: "Anew."}}}}}]
              catch: [{codes: [user.anew], body: {nodes: {b: {type: transform, config: {expression: error.path}}}}}]
        """,
        {
            "outer": "succeeded",
            "outer.body.inner": "failed",
            "outer.body.inner.body.a": "failed",
            "outer.body.inner.catch[0].f": "failed",
            "outer.catch[0].b": "succeeded",
        },
        {"a": fails(1)},
        output="outer.body.inner.catch[0].f",
    ),
    Example(
        "An error in the variables of the body goes to the catch, which none of its nodes has run before",
        """
        nodes:
          guard:
            type: try
            config:
              body: {vars: {v: "${{ $error('boom') }}"}, nodes: {a: {type: test.step}}}
              catch: [{codes: [expression], body: {nodes: {b: {type: transform, config: {expression: error.node}}}}}]
        """,
        {"guard": "succeeded", "guard.body.a": "skipped", "guard.catch[0].b": "succeeded"},
        output="guard",
    ),
    Example(
        "A stop in a catch ends the execution after finally",
        """
        nodes:
          guard:
            type: try
            config:
              body: {nodes: {a: {type: test.step}}}
              catch: [{body: {nodes: {done: {type: stop, config: {output: "${{ error.code }}"}}}}}]
              finally: {nodes: {c: {type: test.step}}}
          after: {type: test.step, needs: [guard]}
        """,
        {
            "guard": "cancelled",
            "guard.body.a": "failed",
            "guard.catch[0].done": "succeeded",
            "guard.finally.c": "succeeded",
            "after": "skipped",
        },
        {"a": fails(1)},
        output="user.no",
    ),
    Example(
        "When the execution's time is up each finally runs too",
        """
        settings: {timeout: 300ms}
        nodes:
          guard:
            type: try
            config:
              body: {nodes: {nap: {type: delay, config: {for: 2h}}}}
              catch: [{codes: [timeout], body: {nodes: {never: {type: test.step}}}}]
              finally: {nodes: {c: {type: test.step}}}
        """,
        {"guard": "cancelled", "guard.body.nap": "cancelled", "guard.finally.c": "succeeded"},
        {"c": ends(2)},
        status="timed_out",
        code="timeout.execution",
    ),
    Example(
        "A try whose own timeout is over stops its body, runs finally, and fails; its catch does not take that",
        """
        nodes:
          guard:
            type: try
            timeout: 5s
            config:
              body: {nodes: {a: {type: test.step}}}
              catch: [{body: {nodes: {never: {type: test.step}}}}]
              finally: {nodes: {c: {type: test.step}}}
          after: {type: transform, needs: [guard.error], config: {expression: nodes.guard.error.code}}
        """,
        {"guard": "failed", "guard.body.a": "cancelled", "guard.finally.c": "succeeded", "after": "succeeded"},
        {"a": ends(9), "c": ends(2)},
        output={"after": "timeout.node"},
    ),
    Example(
        "A break out of a try runs its finally once, and the try is cancelled",
        """
        nodes:
          turns:
            type: repeat
            config:
              times: 3
              body:
                nodes:
                  guard:
                    type: try
                    config:
                      body: {nodes: {a: {type: test.step}, out: {type: break, needs: [a]}, b: {type: test.step}}}
                      finally: {nodes: {c: {type: test.step}}}
                  beside: {type: test.step}
        """,
        {
            "turns": "succeeded",
            "turns[0].guard": "cancelled",
            "turns[0].guard.body.a": "succeeded",
            "turns[0].guard.body.out": "succeeded",
            "turns[0].guard.body.b": "cancelled",
            "turns[0].guard.finally.c": "succeeded",
            "turns[0].beside": "cancelled",
        },
        {"a": ends(1), "b": ends(9), "c": ends(3), "beside": ends(9)},
        output=None,
    ),
    Example(
        "A continue out of a catch runs finally, and the next turn starts after it",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              concurrency: 1
              body:
                nodes:
                  guard:
                    type: try
                    config:
                      body: {nodes: {a: {type: test.step}}}
                      catch: [{body: {nodes: {next: {type: continue}}}}]
                      finally: {nodes: {c: {type: test.step}}}
        """,
        {
            "each": "succeeded",
            "each[0].guard": "cancelled",
            "each[0].guard.body.a": "failed",
            "each[0].guard.catch[0].next": "succeeded",
            "each[0].guard.finally.c": "succeeded",
            "each[1].guard": "succeeded",
            "each[1].guard.body.a": "succeeded",
            "each[1].guard.finally.c": "succeeded",
        },
        {"each[0].guard.body.a": fails(1), "each[1].guard.body.a": ends(1, "a")},
        input={"list": [1, 2]},
        output=[None, "a"],
    ),
    Example(
        "A stop runs each finally on the way, and one that fails then changes nothing",
        """
        nodes:
          guard:
            type: try
            config:
              body: {nodes: {a: {type: test.step}, done: {type: stop, needs: [a], config: {output: "done"}}}}
              finally: {nodes: {c: {type: test.step}}}
        """,
        {
            "guard": "cancelled",
            "guard.body.a": "succeeded",
            "guard.body.done": "succeeded",
            "guard.finally.c": "failed",
        },
        {"c": fails(1)},
        output="done",
    ),
    Example(
        "The catch waits until what its body still runs has stopped",
        """
        nodes:
          guard:
            type: try
            config:
              body: {nodes: {a: {type: test.step}, b: {type: test.step}}}
              catch: [{body: {nodes: {c: {type: transform, config: {expression: error.node}}}}}]
        """,
        {"guard": "succeeded", "guard.body.a": "failed", "guard.body.b": "succeeded", "guard.catch[0].c": "succeeded"},
        {"a": fails(1), "b": ends(9, asked=Returns("late"), after=3)},
        output="a",
    ),
    Example(
        "With fail: wait the body runs to its end before the catch runs",
        """
        settings: {fail: wait}
        nodes:
          guard:
            type: try
            config:
              body: {nodes: {a: {type: test.step}, b: {type: test.step}, b2: {type: test.step, needs: [b]}}}
              catch: [{body: {nodes: {c: {type: test.step}}}}]
        """,
        {
            "guard": "succeeded",
            "guard.body.a": "failed",
            "guard.body.b": "succeeded",
            "guard.body.b2": "succeeded",
            "guard.catch[0].c": "succeeded",
        },
        {"a": fails(1), "b": ends(9), "c": ends(1, "caught")},
        output="caught",
    ),
    Example(
        "A failure deep inside goes to the nearest try around it",
        """
        nodes:
          outer:
            type: try
            config:
              body:
                nodes:
                  each:
                    type: for_each
                    config:
                      items: input.list
                      concurrency: 1
                      body:
                        nodes:
                          fan: {type: parallel, config: {branches: {left: {nodes: {a: {type: test.step}}}}}}
              catch: [{body: {nodes: {c: {type: transform, config: {expression: error.path}}}}}]
        """,
        {
            "outer": "succeeded",
            "outer.body.each": "failed",
            "outer.body.each[0].fan": "failed",
            "outer.body.each[0].fan.left.a": "failed",
            "outer.catch[0].c": "succeeded",
        },
        {"a": fails(1)},
        input={"list": [1, 2]},
        output="outer.body.each[0].fan.left.a",
    ),
    Example(
        "Catch and finally have variables of their own, and set those around them",
        """
        vars: {v: 1}
        nodes:
          guard:
            type: try
            config:
              body:
                vars: {v: 10}
                nodes:
                  s: {type: set, config: {values: {v: "vars.v + 1"}}}
                  f: {type: fail, needs: [s], config: {code: user.x, message: "x"}}
              catch: [{body: {nodes: {t: {type: set, config: {values: {v: "vars.v + 1"}}}}}}]
              finally: {nodes: {u: {type: set, config: {values: {v: "vars.v + 1"}}}}}
        output: "${{ vars.v }}"
        """,
        {
            "guard": "succeeded",
            "guard.body.s": "succeeded",
            "guard.body.f": "failed",
            "guard.catch[0].t": "succeeded",
            "guard.finally.u": "succeeded",
        },
        output=3,
    ),
    Example(
        "A failure beside a try cancels it, and its finally still runs before the graph has ended",
        """
        nodes:
          a: {type: test.step}
          guard:
            type: try
            config: {body: {nodes: {b: {type: test.step}}}, finally: {nodes: {c: {type: test.step}}}}
          after: {type: test.step, needs: [guard]}
        """,
        {
            "a": "failed",
            "guard": "cancelled",
            "guard.body.b": "cancelled",
            "guard.finally.c": "succeeded",
            "after": "skipped",
        },
        {"a": fails(1), "b": ends(9), "c": ends(3)},
        status="failed",
        code="user.no",
        culprit="a",
    ),
]
