"""Executions with loops, worked out by hand from LANGUAGE, each a sentence."""

from tests.reference.example import Example, ends, fails
from tests.reference.script import Returns

LOOPS = [
    Example(
        "A for_each runs its body once for each item and lists the outputs in item order, whoever ends first",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              body: {nodes: {a: {type: test.step, config: {value: "${{ item }}"}}}}
        """,
        {"each": "succeeded", "each[0].a": "succeeded", "each[1].a": "succeeded"},
        {"each[0].a": ends(5, "x"), "each[1].a": ends(1, "y")},
        input={"list": [7, 8]},
        output=["x", "y"],
        configs={"each[0].a": {"value": 7}, "each[1].a": {"value": 8}},
        order=("each",),
    ),
    Example(
        "Items that are missing or null make no turns, and a single value makes one",
        """
        nodes:
          none: {type: for_each, config: {items: input.absent, body: {nodes: {a: {type: test.step}}}}}
          null_: {type: for_each, config: {items: "null", body: {nodes: {a: {type: test.step}}}}}
          one: {type: for_each, config: {items: "7", body: {nodes: {b: {type: transform, config: {expression: item}}}}}}
        """,
        {"none": "succeeded", "null_": "succeeded", "one": "succeeded", "one[0].b": "succeeded"},
        output={"none": [], "null_": [], "one": [7]},
    ),
    Example(
        "With concurrency 1 turns run in order, and previous is the last turn's output, missing in the first",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              concurrency: 1
              body:
                nodes:
                  a: {type: test.step, config: {value: {before: "${{ loop.previous }}", of: "${{ loop.count }}"}}}
        """,
        {"each": "succeeded", "each[0].a": "succeeded", "each[1].a": "succeeded"},
        {"each[0].a": ends(5, "x"), "each[1].a": ends(1, "y")},
        input={"list": [1, 2]},
        output=["x", "y"],
        configs={"each[0].a": {"value": {"of": 2}}, "each[1].a": {"value": {"before": "x", "of": 2}}},
    ),
    Example(
        "No more turns run at once than concurrency says; the next starts when one has ended",
        """
        nodes:
          first: {type: delay, config: {for: 3500ms}}
          each:
            type: for_each
            config: {items: input.list, concurrency: 2, body: {nodes: {a: {type: test.step}}}}
          stop: {type: stop, needs: [first]}
        """,
        {
            "first": "succeeded",
            "each": "cancelled",
            "each[0].a": "cancelled",
            "each[1].a": "succeeded",
            "each[2].a": "succeeded",
            "each[3].a": "cancelled",
            "stop": "succeeded",
        },
        {"each[0].a": ends(9), "each[1].a": ends(1), "each[2].a": ends(2), "each[3].a": ends(9)},
        input={"list": [1, 2, 3, 4, 5]},
    ),
    Example(
        "A failed turn fails the loop with that item's error, and with fail: fast its running turns are cancelled",
        """
        nodes:
          each: {type: for_each, config: {items: input.list, concurrency: 2, body: {nodes: {a: {type: test.step}}}}}
        """,
        {"each": "failed", "each[0].a": "failed", "each[1].a": "cancelled"},
        {"each[0].a": fails(1, "user.first"), "each[1].a": ends(9)},
        input={"list": [1, 2, 3]},
        status="failed",
        code="user.first",
        culprit="a",
        path="each[0].a",
    ),
    Example(
        "With fail: wait a loop that fails starts no new turn, and its running turns finish",
        """
        settings: {fail: wait}
        nodes:
          each: {type: for_each, config: {items: input.list, concurrency: 2, body: {nodes: {a: {type: test.step}}}}}
        """,
        {"each": "failed", "each[0].a": "failed", "each[1].a": "succeeded"},
        {"each[0].a": fails(1, "user.first"), "each[1].a": ends(9)},
        input={"list": [1, 2, 3]},
        status="failed",
        code="user.first",
        culprit="a",
        path="each[0].a",
    ),
    Example(
        "With on_item_error: continue failed turns are null in the list",
        """
        nodes:
          each:
            type: for_each
            config: {items: input.list, on_item_error: continue, body: {nodes: {a: {type: test.step}}}}
        """,
        {"each": "succeeded", "each[0].a": "failed", "each[1].a": "succeeded", "each[2].a": "failed"},
        {"each[0].a": fails(1), "each[1].a": ends(2, "y"), "each[2].a": fails(3)},
        input={"list": [1, 2, 3]},
        output=[None, "y", None],
    ),
    Example(
        "A loop tolerates so many failures, and beyond them fails with that item's error",
        """
        nodes:
          each:
            type: for_each
            config: {items: input.list, tolerate: {count: 1}, body: {nodes: {a: {type: test.step}}}}
        """,
        {"each": "failed", "each[0].a": "cancelled", "each[1].a": "failed", "each[2].a": "failed"},
        {"each[0].a": ends(9), "each[1].a": fails(1, "user.b"), "each[2].a": fails(2, "user.c")},
        input={"list": [1, 2, 3]},
        status="failed",
        code="user.c",
        culprit="a",
        path="each[2].a",
    ),
    Example(
        "A percentage that is tolerated is of the number of items, and not rounded",
        """
        nodes:
          each:
            type: for_each
            config: {items: input.list, tolerate: {percent: 50}, body: {nodes: {a: {type: test.step}}}}
          most:
            type: for_each
            on_error: continue
            config: {items: input.list, tolerate: {percent: 33}, body: {nodes: {b: {type: test.step}}}}
        """,
        {
            "each": "succeeded",
            "each[0].a": "failed",
            "each[1].a": "succeeded",
            "each[2].a": "succeeded",
            "most": "failed",
            "most[0].b": "failed",
            "most[1].b": "cancelled",
            "most[2].b": "cancelled",
        },
        {"each[0].a": fails(1), "a": ends(2, "a"), "most[0].b": fails(1), "b": ends(2, "b")},
        input={"list": [1, 2, 3]},
        output={"each": [None, "a", "a"]},
    ),
    Example(
        "The until of a for_each is asked after every turn; true starts no new turn, and those running finish",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              concurrency: 2
              until: "loop.output = 'enough' and loop.done = 1 and loop.index = 1 and item = 8"
              body: {nodes: {a: {type: test.step}}}
        """,
        {"each": "succeeded", "each[0].a": "succeeded", "each[1].a": "succeeded"},
        {"each[0].a": ends(5, "slow"), "each[1].a": ends(1, "enough")},
        input={"list": [7, 8, 9]},
        output=["slow", "enough"],
    ),
    Example(
        "Turns that began together all finish, though until is true after the first of them",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              concurrency: 2
              until: "loop.output = 7"
              body: {nodes: {a: {type: transform, config: {expression: item}}}}
        """,
        {"each": "succeeded", "each[0].a": "succeeded", "each[1].a": "succeeded"},
        input={"list": [7, 8, 9]},
        output=[7, 8],
    ),
    Example(
        "An error in until fails the loop",
        """
        nodes:
          each:
            type: for_each
            config: {items: input.list, until: "$error('boom')", body: {nodes: {a: {type: test.step}}}}
        """,
        {"each": "failed", "each[0].a": "succeeded", "each[1].a": "cancelled"},
        {"each[0].a": ends(1), "each[1].a": ends(2)},
        input={"list": [7, 8]},
        status="failed",
        code="expression.failed",
        culprit="each",
        path="each",
    ),
    Example(
        "The full result has index, status, output and error of every turn, a continued one being skipped",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              on_item_error: continue
              result: full
              body:
                nodes:
                  next: {type: continue, when: "item = 2"}
                  a: {type: test.step, when: "item != 2"}
        """,
        {
            "each": "succeeded",
            "each[0].next": "skipped",
            "each[0].a": "succeeded",
            "each[1].next": "succeeded",
            "each[1].a": "skipped",
            "each[2].next": "skipped",
            "each[2].a": "failed",
        },
        {"each[0].a": ends(1, "x"), "each[2].a": fails(1, "user.c")},
        input={"list": [1, 2, 3]},
        output=[
            {"index": 0, "status": "succeeded", "output": "x", "error": None},
            {"index": 1, "status": "skipped", "output": None, "error": None},
            {
                "index": 2,
                "status": "failed",
                "output": None,
                "error": {"code": "user.c", "node": "a", "path": "each[2].a"},
            },
        ],
    ),
    Example(
        "First, last and merge take only turns that ended with an output, in item order; none gives nothing",
        """
        labels: &all {items: input.list, on_item_error: continue}
        nodes:
          first: {type: for_each, config: {result: first, body: {nodes: {a: {type: test.step}}}, <<: *all}}
          last: {type: for_each, config: {result: last, body: {nodes: {b: {type: test.step}}}, <<: *all}}
          merge: {type: for_each, config: {result: merge, body: {nodes: {c: {type: test.step}}}, <<: *all}}
          none: {type: for_each, config: {result: none, body: {nodes: {d: {type: test.step}}}, <<: *all}}
        """,
        {
            **dict.fromkeys(["first", "last", "merge", "none"], "succeeded"),
            **{
                f"{loop}[{n}].{a}": how
                for loop, a in {"first": "a", "last": "b", "merge": "c", "none": "d"}.items()
                for n, how in enumerate(["failed", "succeeded", "succeeded", "failed"])
            },
        },
        turns=dict.fromkeys("abcd", (fails(1), ends(3, {"v": 1, "w": 1}), ends(2, {"v": 2}), fails(1))),
        input={"list": [1, 2, 3, 4]},
        output={"first": {"v": 1, "w": 1}, "last": {"v": 2}, "merge": {"v": 2, "w": 1}, "none": None},
    ),
    Example(
        "Without any turn first is null and merge an empty object",
        """
        nodes:
          first: {type: for_each, config: {items: "null", result: first, body: {nodes: {a: {type: test.step}}}}}
          merge: {type: for_each, config: {items: "null", result: merge, body: {nodes: {b: {type: test.step}}}}}
        """,
        {"first": "succeeded", "merge": "succeeded"},
        output={"first": None, "merge": {}},
    ),
    Example(
        "Merging a value that is no object fails with config.invalid",
        """
        nodes:
          each: {type: for_each, config: {items: "1", result: merge, body: {nodes: {a: {type: test.step}}}}}
        """,
        {"each": "failed", "each[0].a": "succeeded"},
        {"a": ends(1, "text")},
        status="failed",
        code="config.invalid",
        culprit="each",
        path="each",
    ),
    Example(
        "A while asks its condition before each turn, and gives the output of the last turn that ended",
        """
        nodes:
          turns:
            type: while
            config:
              condition: "loop.index < 2 or loop.previous = 'more'"
              body: {nodes: {a: {type: test.step}}}
        """,
        {"turns": "succeeded", "turns[0].a": "succeeded", "turns[1].a": "succeeded", "turns[2].a": "succeeded"},
        turns={"a": (ends(1, "x"), ends(1, "more"), ends(1, "z"))},
        output="z",
    ),
    Example(
        "A while without a turn gives null",
        "nodes: {turns: {type: while, config: {condition: 'false', body: {nodes: {a: {type: test.step}}}}}}",
        {"turns": "succeeded"},
        output=None,
    ),
    Example(
        "A while fails with limit.iterations when one more turn would be due than it may have",
        """
        nodes:
          turns:
            type: while
            config: {condition: "true", max_iterations: 2, body: {nodes: {a: {type: test.step}}}}
          exact:
            type: while
            config: {condition: "loop.index < 2", max_iterations: 2, body: {nodes: {b: {type: test.step}}}}
          after: {type: transform, needs: [turns.error], config: {expression: nodes.turns.error.code}}
        """,
        {
            "turns": "failed",
            "turns[0].a": "succeeded",
            "turns[1].a": "succeeded",
            "exact": "succeeded",
            "exact[0].b": "succeeded",
            "exact[1].b": "succeeded",
            "after": "succeeded",
        },
        output={"exact": {"v": 0}, "after": "limit.iterations"},
    ),
    Example(
        "A repeat runs so many times, knowing the count, and gives the output of the last turn",
        """
        nodes:
          again:
            type: repeat
            config:
              times: 3
              body: {nodes: {a: {type: transform, config: {expression: "loop.index + loop.count"}}}}
        """,
        {"again": "succeeded", "again[0].a": "succeeded", "again[1].a": "succeeded", "again[2].a": "succeeded"},
        output=5,
    ),
    Example(
        "A repeat until is asked after each turn, and sees the loop of the turn just ended",
        """
        nodes:
          again:
            type: repeat
            config:
              until: "loop.index = 1 and loop.done = 2 and loop.output = 'y' and loop.previous = 'x'"
              body: {nodes: {a: {type: test.step}}}
        """,
        {"again": "succeeded", "again[0].a": "succeeded", "again[1].a": "succeeded"},
        turns={"a": (ends(1, "x"), ends(1, "y"))},
        output="y",
    ),
    Example(
        "A repeat fails with limit.iterations only when one more turn would be due",
        """
        nodes:
          again: {type: repeat, config: {until: "false", max_iterations: 2, body: {nodes: {a: {type: test.step}}}}}
        """,
        {"again": "failed", "again[0].a": "succeeded", "again[1].a": "succeeded"},
        status="failed",
        code="limit.iterations",
        culprit="again",
        path="again",
    ),
    Example(
        "A break ends the loop: its node has succeeded, its siblings and the other turns are cancelled",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              concurrency: 2
              body:
                nodes:
                  a: {type: test.step}
                  b: {type: test.step}
                  out: {type: break, needs: [a], when: "item = 2"}
                  later: {type: test.step, needs: [b]}
        """,
        {
            "each": "succeeded",
            "each[0].a": "succeeded",
            "each[0].out": "skipped",
            "each[0].b": "cancelled",
            "each[0].later": "skipped",
            "each[1].a": "succeeded",
            "each[1].b": "cancelled",
            "each[1].out": "succeeded",
            "each[1].later": "skipped",
        },
        {"a": ends(1), "b": ends(9)},
        input={"list": [1, 2, 3]},
        output=[],
    ),
    Example(
        "A turn left by break does not count: while gives the output of the one before, null after continue",
        """
        nodes:
          left:
            type: while
            config:
              condition: "true"
              body:
                nodes:
                  out: {type: break, config: {when: "loop.index = 1"}}
                  a: {type: transform, needs: [out], config: {expression: "'a'"}}
          passed:
            type: repeat
            config:
              times: 2
              body:
                nodes:
                  next: {type: continue, config: {when: "loop.index = 1"}}
                  b: {type: transform, needs: [next], config: {expression: "'b'"}}
        """,
        {
            "left": "succeeded",
            "left[0].out": "succeeded",
            "left[0].a": "succeeded",
            "left[1].out": "succeeded",
            "left[1].a": "skipped",
            "passed": "succeeded",
            "passed[0].next": "succeeded",
            "passed[0].b": "succeeded",
            "passed[1].next": "succeeded",
            "passed[1].b": "skipped",
        },
        output={"left": "a", "passed": None},
        ports={"left[0].out": "out", "left[1].out": None},
    ),
    Example(
        "A continued turn is null in the list and in until, and previous is null after it",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              concurrency: 1
              body:
                nodes:
                  next: {type: continue, when: "item = 2"}
                  a: {type: test.step, config: {value: {before: "${{ loop.previous }}"}}}
        """,
        {
            "each": "succeeded",
            "each[0].next": "skipped",
            "each[0].a": "succeeded",
            "each[1].next": "succeeded",
            "each[1].a": "skipped",
            "each[2].next": "skipped",
            "each[2].a": "succeeded",
        },
        {"each[0].a": ends(1, "x"), "each[2].a": ends(1, "z")},
        input={"list": [1, 2, 3]},
        output=["x", None, "z"],
        configs={"each[0].a": {"value": {}}, "each[2].a": {"value": {"before": None}}},
    ),
    Example(
        "A break acts on the nearest loop, and ends every graph between itself and it",
        """
        nodes:
          outer:
            type: repeat
            config:
              times: 2
              body:
                nodes:
                  each:
                    type: for_each
                    config:
                      items: input.list
                      concurrency: 1
                      body:
                        nodes:
                          fan:
                            type: parallel
                            config:
                              branches:
                                left: {nodes: {a: {type: test.step}, out: {type: break, needs: [a]}}}
                                right: {nodes: {b: {type: test.step}}}
        """,
        {
            "outer": "succeeded",
            **{
                f"outer[{n}].{path}": status
                for n in (0, 1)
                for path, status in {
                    "each": "succeeded",
                    "each[0].fan": "cancelled",
                    "each[0].fan.left.a": "succeeded",
                    "each[0].fan.left.out": "succeeded",
                    "each[0].fan.right.b": "cancelled",
                }.items()
            },
        },
        {"a": ends(1), "b": ends(9)},
        input={"list": [1, 2]},
        output=[],
    ),
    Example(
        "A break in a graph that has failed is not carried out",
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
                  out: {type: break, needs: [b]}
        """,
        {"turns": "failed", "turns[0].a": "failed", "turns[0].b": "succeeded", "turns[0].out": "skipped"},
        {"a": fails(1), "b": ends(2)},
        status="failed",
        code="user.no",
        culprit="a",
        path="turns[0].a",
    ),
    Example(
        "The variables of a body are fresh in every turn, and a set means the nearest declaration",
        """
        vars: {sum: 0, here: 100}
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              concurrency: 1
              body:
                vars: {here: "${{ item + vars.here }}"}
                nodes:
                  add: {type: set, config: {values: {here: "vars.here + 1", sum: "vars.sum + item"}}}
                output: "${{ vars.here }}"
        output: {sum: "${{ vars.sum }}", here: "${{ vars.here }}", each: "${{ nodes.each.output }}"}
        """,
        {"each": "succeeded", "each[0].add": "succeeded", "each[1].add": "succeeded"},
        input={"list": [1, 2]},
        output={"sum": 3, "here": 100, "each": [102, 103]},
    ),
    Example(
        "An inner loop's name hides an outer one, and a name of its own keeps both in sight",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              as: row
              body:
                nodes:
                  inner:
                    type: for_each
                    config:
                      items: "10"
                      body: {nodes: {a: {type: transform, config: {expression: "row + item + loop.index"}}}}
        """,
        {
            "each": "succeeded",
            "each[0].inner": "succeeded",
            "each[0].inner[0].a": "succeeded",
            "each[1].inner": "succeeded",
            "each[1].inner[0].a": "succeeded",
        },
        input={"list": [1, 2]},
        output=[[11], [12]],
    ),
    Example(
        "An error in the variables of a body fails the turn, and none of its nodes runs",
        """
        nodes:
          each:
            type: for_each
            config:
              items: "1"
              on_item_error: continue
              body: {vars: {v: "${{ $error('boom') }}"}, nodes: {a: {type: test.step}}}
        """,
        {"each": "succeeded", "each[0].a": "skipped"},
        output=[None],
    ),
    Example(
        "An error in the output of a body fails the turn after its nodes have run",
        """
        nodes:
          each:
            type: for_each
            config: {items: "1", body: {nodes: {a: {type: test.step}}, output: "${{ $error('x') }}"}}
        """,
        {"each": "failed", "each[0].a": "succeeded"},
        status="failed",
        code="expression.failed",
        culprit="each",
        path="each",
    ),
    Example(
        "A loop sees what encloses it: the nodes upstream of the loop, and input",
        """
        nodes:
          a: {type: test.step}
          each:
            type: for_each
            needs: [a]
            config:
              items: nodes.a.output
              body: {nodes: {b: {type: transform, config: {expression: "nodes.a.status"}}}}
        """,
        {"a": "succeeded", "each": "succeeded", "each[0].b": "succeeded", "each[1].b": "succeeded"},
        {"a": ends(1, [1, 2])},
        output=["succeeded", "succeeded"],
    ),
    Example(
        "A stop inside a loop ends the execution; the nodes around it are cancelled",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              body:
                nodes:
                  a: {type: test.step}
                  done: {type: stop, needs: [a], config: {output: "${{ item }}"}}
          beside: {type: test.step}
        """,
        {
            "each": "cancelled",
            "each[0].a": "cancelled",
            "each[0].done": "skipped",
            "each[1].a": "succeeded",
            "each[1].done": "succeeded",
            "beside": "cancelled",
        },
        {"each[0].a": ends(5), "each[1].a": ends(1), "beside": ends(9)},
        input={"list": [7, 8]},
        output=8,
    ),
    Example(
        "A loop whose own timeout is over stops its turns and fails with timeout.node",
        """
        nodes:
          each:
            type: for_each
            timeout: 5s
            config: {items: input.list, concurrency: 1, body: {nodes: {a: {type: test.step}}}}
          after: {type: transform, needs: [each.error], config: {expression: nodes.each.error.code}}
        """,
        {"each": "failed", "each[0].a": "succeeded", "each[1].a": "succeeded", "after": "succeeded"},
        {"each[0].a": ends(3), "each[1].a": ends(9, asked=Returns("late"), after=2)},
        input={"list": [1, 2, 3]},
        output={"after": "timeout.node"},
        ports={"each": "error"},
    ),
    Example(
        "Each graph's nodes start in their written order, and a control node ends before the next one starts",
        """
        nodes:
          each:
            type: for_each
            config: {items: "1", body: {nodes: {a: {type: transform, config: {expression: item}}}}}
          b: {type: transform, needs: [each], config: {expression: nodes.each.output}}
          c: {type: transform, config: {expression: "3"}}
        """,
        {"each": "succeeded", "each[0].a": "succeeded", "b": "succeeded", "c": "succeeded"},
        output={"b": [1], "c": 3},
        order=("each", "c", "b"),
    ),
    Example(
        "With several turns at once a continue ends its own turn only",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              body:
                nodes:
                  a: {type: test.step}
                  next: {type: continue, needs: [a], config: {when: "item = 1"}}
                  b: {type: test.step}
        """,
        {
            "each": "succeeded",
            "each[0].a": "succeeded",
            "each[0].next": "succeeded",
            "each[0].b": "cancelled",
            "each[1].a": "succeeded",
            "each[1].next": "succeeded",
            "each[1].b": "succeeded",
        },
        {"a": ends(1), "b": ends(9, "b")},
        input={"list": [1, 2]},
        output=[None, "b"],
    ),
    Example(
        "An item that fails after it was tolerated often enough fails the loop, and its error port takes that",
        """
        nodes:
          each:
            type: for_each
            config: {items: input.list, concurrency: 1, tolerate: {count: 1}, body: {nodes: {a: {type: test.step}}}}
          after: {type: transform, needs: [each.error], config: {expression: nodes.each.error.path}}
        """,
        {
            "each": "failed",
            "each[0].a": "failed",
            "each[1].a": "succeeded",
            "each[2].a": "failed",
            "after": "succeeded",
        },
        turns={"a": (fails(1), ends(1), fails(1), ends(1))},
        input={"list": [1, 2, 3, 4]},
        output={"after": "each[2].a"},
    ),
    Example(
        "A failed turn that is tolerated is null as previous, and in until",
        """
        nodes:
          each:
            type: for_each
            config:
              items: input.list
              concurrency: 1
              on_item_error: continue
              until: "loop.index = 1 and loop.previous = null and loop.output = null"
              body: {nodes: {a: {type: test.step}}}
        """,
        {"each": "succeeded", "each[0].a": "failed", "each[1].a": "failed"},
        {"a": fails(1)},
        input={"list": [1, 2, 3]},
        output=[None, None],
    ),
    Example(
        "A stop two loops deep ends both, and everything around it is cancelled",
        """
        nodes:
          outer:
            type: while
            config:
              condition: "true"
              body:
                nodes:
                  inner:
                    type: repeat
                    config:
                      times: 5
                      body: {nodes: {done: {type: stop, when: "loop.index = 1", config: {output: "${{ loop.index }}"}}}}
        """,
        {
            "outer": "cancelled",
            "outer[0].inner": "cancelled",
            "outer[0].inner[0].done": "skipped",
            "outer[0].inner[1].done": "succeeded",
        },
        output=1,
    ),
]
