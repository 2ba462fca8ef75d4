"""What an activity may raise: expected failures, each with a public code and a word on whether to try again."""

from pydantic import JsonValue

from dag.errors import PerdureError


class ActivityError(PerdureError):
    """The step could not do its work."""

    retry_after: float | None = None
    """Seconds that the other side asked to be left alone; the next attempt waits at least that long."""

    def __init__(
        self,
        message: str | None = None,
        /,
        *,
        details: JsonValue = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ):
        super().__init__(message, details=details, retryable=retryable)
        if retry_after is not None:
            self.retry_after = retry_after


class ConfigInvalid(ActivityError):
    """The step's config is not what its type asks for; `details` lists the places."""

    code = "config.invalid"


class AttemptTimeout(ActivityError):
    """The attempt took longer than it may; give the step a longer `attempt_timeout` or make its work smaller."""

    code = "timeout.attempt"
    retryable = True


class PayloadTooLarge(ActivityError):
    """The result is larger than the step may return; ask for less, or keep it as a reference."""

    code = "payload.too_large"


class EgressDenied(ActivityError):
    """The address is in a network that steps may not reach; an operator can allow it with PERDURE_EGRESS_ALLOW."""

    code = "egress.denied"


class NetworkError(ActivityError):
    """The other side could not be reached, or broke off."""

    code = "http.network"
    retryable = True


class ReplyUnreadable(ActivityError):
    """The other side's answer is not the JSON that it should be."""

    code = "http.unreadable"


class HttpStatusError(ActivityError):
    """The other side answered with a status that is none of the expected ones."""

    code = "http"

    def __init__(self, status: int, message: str, /, *, details: JsonValue, retryable: bool, retry_after: float | None):
        super().__init__(message, details=details, retryable=retryable, retry_after=retry_after)
        self.code = f"http.{status}"
