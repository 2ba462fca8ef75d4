"""The reference evaluator, against executions that were worked out by hand."""

import pytest

from tests.reference.evaluator import run
from tests.reference.examples import EXAMPLES, Example
from tests.reference.expressions import MISSING


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.sentence)
def test_the_evaluator_agrees_with_the_hand(example: Example) -> None:
    outcome = run(example.document, example.script)
    assert {name: node.status for name, node in outcome.nodes.items()} == example.nodes
    assert (outcome.status, outcome.output, outcome.code) == (example.status, example.output, example.code)
    assert (outcome.culprit, outcome.causes) == (example.culprit, example.causes)
    assert {name: outcome.nodes[name].port for name in example.ports} == example.ports
    assert {name: outcome.configs[name] for name in example.configs} == example.configs
    if example.order is not None:
        assert outcome.order == example.order


def test_only_nodes_that_returned_have_an_output() -> None:
    for example in EXAMPLES:
        for node in run(example.document, example.script).nodes.values():
            assert (node.output is not MISSING) == (node.status == "succeeded")


def test_every_example_says_something_else() -> None:
    assert len({example.sentence for example in EXAMPLES}) == len(EXAMPLES)
