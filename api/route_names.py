"""Names the route of a request by its template, for what counts requests: an address may hold what is the caller's."""

from starlette.types import Scope


def template(scope: Scope) -> str | None:
    """The template of the route that took the request, such as `/api/v1/workflows/{workflow}`; None: none did."""
    own = getattr(scope.get("route"), "path", None)
    if own is None:
        return None
    # A route knows its template within its router; what stands before is in the address, and has no names in it.
    before = len(scope["path"].split("/")) - len(own.split("/"))
    return "/".join(scope["path"].split("/")[: before + 1]) + own


def method(scope: Scope) -> str:
    """The method, if it is one that everybody knows."""
    return scope["method"] if scope["method"] in METHODS else "other"


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
