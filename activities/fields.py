"""Parts of configs that several activity types ask for, checked as they are read; no message repeats a value."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated
from urllib.parse import urlencode

import httpx2
from pydantic import AfterValidator, BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Takes nothing that it does not know and bends no type; its errors repeat no value, which may be a secret."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


def address_problem(url: httpx2.URL) -> str | None:
    """Say what is wrong with an address that a request is to go to."""
    if url.scheme not in ("http", "https"):
        return "must begin with https:// or http://"
    if url.userinfo:
        return "must not hold a user name or password; use `auth`"
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,253}|[0-9a-fA-F:.]+(%.*)?", url.host) or ".." in url.host:
        return "has no valid host name"
    if url.port is not None and not 0 < url.port < 65536:
        return "has no valid port"
    return None


def _address(text: str) -> str:
    try:
        problem = address_problem(httpx2.URL(text))
    except httpx2.InvalidURL:
        problem = "is no address of the form https://host/path"
    if problem:
        raise ValueError(problem)
    return text


# What belongs to the connection, or is worked out from the request; set by hand it splits requests or misleads servers.
_NOT_BY_HAND = {
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


def _header_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}", name):
        raise ValueError("is no valid name of a header")
    if name.lower() in _NOT_BY_HAND or name.lower().startswith("proxy-"):
        raise ValueError("is a header that cannot be set by hand")
    return name


def _header_value(value: str) -> str:
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise ValueError("holds a line break or another control character, which no header may")
    return value.strip(" \t")


Address = Annotated[str, AfterValidator(_address)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(_header_value)]
Scalar = str | int | float | bool | None
Pairs = Mapping[str, Scalar | list[Scalar]]


def pairs(fields: Pairs) -> Iterator[tuple[str, str]]:
    """Write fields as text, a list as one pair for each item; null is left out."""
    for name, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                yield name, _written(item)


def with_query(url: httpx2.URL, fields: Pairs) -> httpx2.URL:
    """Add to the query of an address, leaving what is there as it is written."""
    added = urlencode(list(pairs(fields))).encode()
    return url.copy_with(query=b"&".join(part for part in (url.query, added) if part)) if added else url


def _written(value: Scalar) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))  # numbers have no type of their own in JSON: 3.0 is 3
        case _:
            return str(value)
