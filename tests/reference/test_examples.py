"""The reference evaluator, against executions that were worked out by hand."""

import pytest

from tests.reference.evaluator import run
from tests.reference.example import Example
from tests.reference.examples import EXAMPLES
from tests.reference.examples_of_constructs import CONSTRUCTS
from tests.reference.expressions import MISSING

ALL = [*EXAMPLES, *CONSTRUCTS]


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.sentence)
def test_the_evaluator_agrees_with_the_hand(example: Example) -> None:
    outcome = run(example.document, example.script)
    assert {name: node.status for name, node in outcome.nodes.items()} == example.nodes
    assert (outcome.status, outcome.output, outcome.code) == (example.status, example.output, example.code)
    assert (outcome.culprit, outcome.causes) == (example.culprit, example.causes)
    assert (outcome.error and outcome.error.path) == (example.path or example.culprit)
    assert outcome.compensated == example.compensated
    assert {name: outcome.nodes[name].port for name in example.ports} == example.ports
    assert {name: outcome.configs[name] for name in example.configs} == example.configs
    if example.order is not None:
        assert outcome.order.get("", ()) == example.order


def test_only_nodes_that_returned_have_an_output() -> None:
    for example in ALL:
        for node in run(example.document, example.script).nodes.values():
            assert (node.output is not MISSING) == (node.status == "succeeded")


def test_every_example_says_something_else() -> None:
    assert len({example.sentence for example in ALL}) == len(ALL)
