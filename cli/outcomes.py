"""What a command's exit status tells."""

from enum import IntEnum

from dag.errors import PerdureError


class Exit(IntEnum):
    """Scripts depend on these: they never change meaning."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CANCELLED = 3
    TIMED_OUT = 4
    UNREACHABLE = 5
    REFUSED = 6
    INTERRUPTED = 130


class Unreachable(PerdureError):
    """The server does not answer."""

    code = "cli.unreachable"


class Refused(PerdureError):
    """The server refused a request."""

    code = "cli.refused"


class Misused(PerdureError):
    """What was given on the command line cannot be used."""

    code = "cli.usage"


BY_STATUS = {
    "succeeded": Exit.OK,
    "failed": Exit.FAILED,
    "cancelled": Exit.CANCELLED,
    "timed_out": Exit.TIMED_OUT,
}
"""Of executions that have ended."""


def exit_status(wrong: PerdureError) -> Exit:
    """The status that goes with an error."""
    match wrong:
        case Unreachable():
            return Exit.UNREACHABLE
        case Refused():
            return Exit.REFUSED
        case Misused():
            return Exit.USAGE
        case _:
            return Exit.FAILED
