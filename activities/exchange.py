"""One HTTP exchange within bounds of time, redirects and size; its failures are told without a secret."""

import asyncio
import os
import socket
import ssl
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx2

from activities.errors import AttemptTimeout, NetworkError, PayloadTooLarge
from activities.fields import address_problem

CONNECT = timedelta(seconds=10)
"""Who has not taken a connection by then is down."""

# What a foreign origin may see of a request that was meant for another one; everything else may hold credentials.
_FOR_ANYBODY = {
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "user-agent",
}
_OF_THE_BODY = {"content-encoding", "content-language", "content-type", "idempotency-key"}
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


@dataclass(frozen=True)
class Reply:
    """What came back, decompressed."""

    status: int
    headers: httpx2.Headers
    content: bytes
    url: httpx2.URL
    """Where it came from in the end."""


async def exchange(
    client: httpx2.AsyncClient,
    method: str,
    url: httpx2.URL,
    *,
    headers: Mapping[str, str],
    content: bytes | None,
    within: timedelta,
    follow: int,
    at_most: int,
) -> Reply:
    """Send a request, follow and read at most so much; one redirect more is the reply."""
    seconds = within.total_seconds()
    request = client.build_request(
        method,
        url,
        headers=[(b"Accept-Encoding", b"gzip"), *((name.encode(), value.encode()) for name, value in headers.items())],
        content=content,
        timeout=httpx2.Timeout(seconds, connect=min(seconds, CONNECT.total_seconds())),
    )
    try:
        async with asyncio.timeout(seconds):
            while True:
                response = await client.send(request, stream=True, auth=None, follow_redirects=False)
                try:
                    following = _followed(request, response.next_request) if follow else None
                    if following is None:
                        body = await _read(response, at_most)
                        return Reply(response.status_code, response.headers, body, request.url)
                finally:
                    await response.aclose()
                request, follow = following, follow - 1
    except httpx2.ConnectTimeout:
        raise NetworkError(f"{place(request.url)} did not take a connection in time.") from None
    except (TimeoutError, httpx2.TimeoutException):
        raise AttemptTimeout(f"{place(request.url)} took longer than {seconds:g} s.") from None
    except zlib.error:
        raise NetworkError(f"{place(request.url)} sent a body that cannot be decompressed.") from None
    except httpx2.TransportError as broken:
        raise NetworkError(
            f"{place(request.url)} could not be reached, or broke off: {_reason(broken)}.",
            retryable=not any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(broken)),
        ) from None


def place(url: httpx2.URL) -> str:
    """Name an address in messages: without its query, which may hold secrets."""
    return str(url.copy_with(query=None, fragment=None))


def _followed(request: httpx2.Request, following: httpx2.Request | None) -> httpx2.Request | None:
    if following is None or address_problem(following.url):
        return None
    names = set(following.headers)
    if following.url.origin != request.url.origin:
        for name in names - _FOR_ANYBODY:
            del following.headers[name]
    if following.method != request.method:
        for name in names & _OF_THE_BODY:
            del following.headers[name]
    return following


async def _read(response: httpx2.Response, at_most: int) -> bytes:
    """Decompress here, for the limit must hold for what one piece unpacks to, and for what unpacks to nothing."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("gzip", "x-gzip", "deflate", "identity", ""):
        raise zlib.error
    unpack = None if encoding in ("identity", "") else zlib.decompressobj(_GZIP_OR_ZLIB)
    content = bytearray()
    async for piece in response.aiter_raw():
        while piece:
            if unpack is None:
                content += piece
                break
            if unpack.eof:
                unpack = zlib.decompressobj(_GZIP_OR_ZLIB)  # one compressed file may follow another
            content += unpack.decompress(piece, at_most + 1 - len(content))
            piece = unpack.unused_data
            if len(content) > at_most:
                break
        if max(len(content), response.num_bytes_downloaded) > at_most:
            raise PayloadTooLarge(f"{place(response.url)} sent more than the {at_most} bytes that this step takes.")
    if unpack is not None and response.num_bytes_downloaded and not unpack.eof:
        raise zlib.error
    return bytes(content)


def _reason(error: BaseException) -> str:
    """Say why from the system's own error. What the HTTP library says may quote a header, and so a secret."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({cause.verify_message})"
            case socket.gaierror():
                return "its name does not resolve"
            case OSError(errno=int(number)):
                return os.strerror(number).lower()
            case _:
                pass
    return (
        "it does not speak HTTP as it should" if isinstance(error, httpx2.ProtocolError) else "the connection is lost"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
