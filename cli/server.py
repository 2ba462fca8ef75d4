"""The way to a server: where it is, the key to it, and what it says when it refuses."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import quote, urlsplit

import typer
from pydantic import BaseModel, JsonValue, ValidationError

from cli import local
from cli.outcomes import Misused, Unreachable
from cli.plain import clean_json
from cli.replies import Message, Problem, RefusedByProblem
from dag.errors import PerdureError

Url = Annotated[str | None, typer.Option(envvar="PERDURE_URL", help="Where the server is; otherwise the local stack.")]
ApiKey = Annotated[
    str | None, typer.Option(envvar="PERDURE_API_KEY", help="The API key; otherwise the one of the local stack.")
]
Data = Annotated[Path, typer.Option(envvar="PERDURE_DATA", help="The folder of the local stack.")]

Read = TypeVar("Read", bound=BaseModel)

DEFAULT = "http://127.0.0.1:8080"
PREFIX = "/api/v1"
TIMEOUT = 75.0
LATER = frozenset({429, 502, 503, 504})
"""Who answers this may be asked again."""


@dataclass(frozen=True)
class Server:
    """A server, and a key to it."""

    url: str
    key: str = field(repr=False)


def server(url: str | None, api_key: str | None, data: Path) -> Server:
    """Find the server. The key of a local stack is given to that stack only."""
    here = local.read(data / local.URL)
    there = (url or here or DEFAULT).rstrip("/")
    if not _server_url(there):
        raise Misused(f"{there} is no URL of a server: write it as https://perdure.example.com")
    key = api_key or (local.read(data / local.ADMIN_KEY) if there == here else None)
    if not key:
        raise Misused(
            f"There is no API key for {there}: set PERDURE_API_KEY, or run this beside the folder of a local stack"
            f" (here {data} has no key for it)."
        )
    if not (key.isascii() and key.isprintable()):  # it goes into a header
        raise Misused("What is given as the API key cannot be one: it has characters that no key has.")
    return Server(there, key)


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    status: int
    text: str

    def read(self, kind: type[Read]) -> Read:
        """The answer as what it should be."""
        try:
            return kind.model_validate_json(self.text)
        except ValidationError:
            raise Unreachable(f"The server answered {self.status}, and not as Perdure does.") from None


class Api:
    """Requests to one server."""

    def __init__(self, server: Server):
        import httpx2

        self._server = server
        self._http = httpx2.Client(
            base_url=server.url + PREFIX,
            headers={"Authorization": f"Bearer {server.key}"},
            timeout=TIMEOUT,
            # A proxy is of no use on the way to this machine, and should not see the key.
            trust_env=not _loopback(server.url),
        )

    def close(self) -> None:
        """Let go of its connections."""
        self._http.close()

    def get(self, path: str, /, **parameters: str | int | None) -> Reply:
        """Read something."""
        return self._send("GET", path, parameters=parameters)

    def stream(self, path: str, /, **parameters: str | int) -> Iterator[Message]:
        """Hear what happens, until the server has no more to say, or is gone: that raises Unreachable."""
        import httpx2

        try:
            with self._http.stream("GET", path, params=parameters, headers={"Accept": "text/event-stream"}) as reply:
                if not reply.is_success:
                    reply.read()
                    raise self._wrong(reply.status_code, reply.text)
                for line in reply.iter_lines():
                    if line.startswith("data:"):
                        yield Reply(reply.status_code, line.removeprefix("data:")).read(Message)
        except (httpx2.HTTPError, httpx2.InvalidURL) as silence:
            raise self._silent(silence) from silence

    def texts(self, path: str, /) -> Iterator[str]:
        """Read something large, piece by piece."""
        import httpx2

        try:
            with self._http.stream("GET", path) as reply:
                if not reply.is_success:
                    reply.read()
                    raise self._wrong(reply.status_code, reply.text)
                yield from map(clean_json, reply.iter_text())
        except (httpx2.HTTPError, httpx2.InvalidURL) as silence:
            raise self._silent(silence) from silence

    def delete(self, path: str, **parameters: str | int | None) -> Reply:
        """Take something away."""
        return self._send("DELETE", path, parameters=parameters)

    def post(
        self,
        path: str,
        *,
        json: JsonValue = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **parameters: str | int | None,
    ) -> Reply:
        """Make or do something."""
        return self._send("POST", path, json=json, content=content, headers=headers, parameters=parameters)

    def _send(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str | int | None],
        json: JsonValue = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        import httpx2

        told = {name: value for name, value in parameters.items() if value is not None}
        try:
            reply = self._http.request(
                method, path, params=told, json=json, content=content, headers=dict(headers or {})
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as silence:
            raise self._silent(silence) from silence
        if not reply.is_success:
            raise self._wrong(reply.status_code, reply.text)
        return Reply(reply.status_code, reply.text)

    def _silent(self, silence: Exception) -> Unreachable:
        return Unreachable(
            f"{self._server.url} does not answer ({type(silence).__name__}). Is it running? `perdure up` starts a"
            " local one; PERDURE_URL or --url names another."
        )

    def _wrong(self, status: int, text: str) -> PerdureError:
        read = Reply(status, text)
        return Unreachable(_problem(self._server, read).detail) if status in LATER else _refusal(self._server, read)


@contextmanager
def connected(url: str | None, api_key: str | None, data: Path) -> Generator[Api]:
    """The way to the server for as long as this lasts."""
    api = Api(server(url, api_key, data))
    try:
        yield api
    finally:
        api.close()


def segment(text: str) -> str:
    """A part of a path, whatever it is."""
    return quote(text, safe="", errors="replace")


def _problem(server: Server, reply: Reply) -> Problem:
    try:
        return Problem.model_validate_json(reply.text)
    except ValidationError:
        return Problem(code="", detail=f"{server.url} answered {reply.status}, and not as Perdure does.")


def _refusal(server: Server, reply: Reply) -> RefusedByProblem:
    said = _problem(server, reply)
    if reply.status == 401:
        detail = f"{server.url} does not accept this API key. PERDURE_API_KEY or --api-key gives another."
        said = Problem(code=said.code, detail=detail)
    return RefusedByProblem(said)


def _server_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # The port is only read when it is asked for.
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:
        return False


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
