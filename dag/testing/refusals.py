"""What ends a test before its assertions are asked."""

from dag.errors import PerdureError

FAMILY = "test"
"""Errors of these codes are the test's own: it has failed, whatever it asserts."""


class Unmocked(PerdureError):
    """The node has effects, and the test neither mocks it nor names it as real."""

    code = "test.unmocked"


class Stuck(PerdureError):
    """The test waits for what nothing in it gives."""

    code = "test.stuck"


class DecisionRefused(PerdureError):
    """A decision of the test was refused."""

    code = "test.decision"
