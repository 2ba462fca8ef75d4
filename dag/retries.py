"""What an interpreter says of attempts that it will make later."""

from dataclasses import dataclass

RETRIES = "retries"
"""The query for them."""


@dataclass(frozen=True)
class LaterAttempt:
    """An attempt at an activity whose time has not come."""

    path: str
    attempt: int
    at: str
