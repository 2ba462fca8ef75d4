"""The activity type `http.request`."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Literal, Self
from urllib.parse import urlencode

import httpx2
from pydantic import Base64Bytes, Field, JsonValue, model_validator
from pydantic_core import to_json

from activities import reading
from activities.activity_type import ActivityType
from activities.authentication import ApiKey, Auth, authorization
from activities.context import Context
from activities.exchange import Reply, exchange, place
from activities.fields import Address, HeaderName, HeaderValue, Pairs, Scalar, StrictModel, pairs, with_query
from activities.status import status_error
from dag.activity_type import Traits

READS = ("GET", "HEAD", "OPTIONS")
REPEATABLE = (*READS, "PUT", "DELETE")
MIB = 1024 * 1024

Status = Annotated[int, Field(ge=100, le=599)] | Literal["2xx", "3xx", "4xx", "5xx"]


class Raw(StrictModel):
    text: str | None = Field(None, description="The body as text, sent in UTF-8.")
    base64: Base64Bytes | None = Field(None, description="The body as bytes, in base64.")
    content_type: HeaderValue = Field("text/plain; charset=utf-8", description="What kind of content it is.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.text is None) == (self.base64 is None):
            raise ValueError("takes either `text` or `base64`")
        return self


class Config(StrictModel):
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = Field(
        "GET", description="What to do. GET, HEAD and OPTIONS count as reading, and run again without harm."
    )
    url: Address = Field(description="Where to, beginning with https:// or http://.")
    query: dict[str, Scalar | list[Scalar]] = Field(
        {}, description="Fields added to the address's query. A list gives a field more than once, null leaves it out."
    )
    headers: dict[HeaderName, HeaderValue | int | float] = Field(
        {}, description="Headers to send. Without an `Idempotency-Key` of yours, one is sent that stays over retries."
    )
    auth: Auth | None = Field(None, description="How to show who is asking.")
    body: JsonValue = Field(None, description="Sent as JSON. At most one of `body`, `form`, `multipart`, `raw`.")
    form: dict[str, Scalar | list[Scalar]] | None = Field(None, description="Sent as a URL-encoded form.")
    multipart: dict[str, Scalar | list[Scalar]] | None = Field(None, description="Sent as a multipart form of text.")
    raw: Raw | None = Field(None, description="Sent as it is.")
    accept: Literal["auto", "json", "text", "reference"] = Field(
        "auto",
        description=(
            "How the answer's body is given. `json`: parsed, whatever its type. `text`: as text. `reference`: stored"
            " and named in the output. `auto`: JSON parsed, text as text, anything else stored."
        ),
    )
    expect: list[Status] = Field(
        ["2xx"], min_length=1, description="Statuses that count as success, such as `[200, 404]` or `[2xx]`."
    )
    follow: int = Field(
        5,
        ge=0,
        le=20,
        description="How many redirects to follow. Another origin gets neither `auth` nor headers of yours.",
    )
    max_bytes: int = Field(
        5 * MIB, ge=1, le=20 * MIB, description="How large the answer's body may be, decompressed; at most 20 MiB."
    )

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if sum(kind is not None for kind in (self.body, self.form, self.multipart, self.raw)) > 1:
            raise ValueError("takes at most one of `body`, `form`, `multipart` and `raw`")
        return self


class Output(StrictModel):
    status: int = Field(description="The answer's status, such as 200.")
    headers: dict[str, str] = Field(
        description="The answer's headers, names in small letters; repeated ones joined by `, `, `set-cookie` by lines."
    )
    body: JsonValue = Field(
        description="The answer's body: JSON, text, or `{reference, media_type, size}` when stored; null when empty."
        " Integers beyond ±2^53 are text."
    )
    url: str = Field(description="Where the answer came from, after redirects.")


async def run(config: Config, context: Context) -> Output:
    """Send an HTTP request and give its answer.

    An unexpected status fails with `http.<status>`, the answer's body in `details`; 408, 425, 429, 500, 502, 503 and
    504 may be retried, no sooner than `Retry-After` says. Who cannot be reached gives `http.network`, an answer that
    should be JSON and is not `http.unreadable`, one that is too large `payload.too_large`.
    """
    headers = {"accept": "application/json"} if config.accept == "json" else {}
    if config.method not in READS:
        headers["idempotency-key"] = context.idempotency_key
    content, content_type = _content(config, context.idempotency_key)
    if content_type:
        headers["content-type"] = content_type
    headers |= {name.lower(): str(value) for name, value in config.headers.items()}
    headers |= await authorization(config.auth, context)
    shown = with_query(httpx2.URL(config.url), config.query)
    sent = shown
    if isinstance(config.auth, ApiKey) and config.auth.place == "query":
        sent = with_query(shown, {config.auth.name: config.auth.value})
    reply = await exchange(
        context.http,
        config.method,
        sent,
        headers=headers,
        content=content,
        within=context.timeout * 0.95,  # ends with a better message than the host's own limit
        follow=config.follow,
        at_most=config.max_bytes,
    )
    context.logger.info("%s %s: %d, %d bytes", config.method, place(reply.url), reply.status, len(reply.content))
    if reply.status not in config.expect and f"{reply.status // 100}xx" not in config.expect:
        raise status_error(reply)
    return Output(
        status=reply.status,
        headers=_headers(reply.headers),
        body=await _body(config, reply, context),
        url=str(shown if reply.url == sent else reply.url),
    )


def _content(config: Config, key: str) -> tuple[bytes | None, str | None]:
    """Write the body, the same for every attempt: services compare it when an idempotency key comes again."""
    if config.body is not None:
        return to_json(config.body), "application/json"
    if config.form is not None:
        return urlencode(list(pairs(config.form))).encode(), "application/x-www-form-urlencoded"
    if config.multipart is not None:
        boundary = sha256(key.encode()).hexdigest()
        return _multipart(config.multipart, boundary), f"multipart/form-data; boundary={boundary}"
    if config.raw is not None:
        content = config.raw.base64 if config.raw.text is None else config.raw.text.encode()
        return content, config.raw.content_type
    return None, None


def _multipart(fields: Pairs, boundary: str) -> bytes:
    escapes = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(escapes)}"\r\n\r\n{value}\r\n'
        for name, value in pairs(fields)
    ]
    return "".join([*parts, f"--{boundary}--\r\n"]).encode()


def _headers(headers: httpx2.Headers) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers.multi_items():
        between = "\n" if name == "set-cookie" else ", "
        found[name] = found[name] + between + value if name in found else value
    return found


async def _body(config: Config, reply: Reply, context: Context) -> JsonValue:
    kind = reply.headers.get("content-type", "")
    accept = config.accept
    if accept == "auto":
        if not reply.content:
            return None
        accept = "json" if reading.is_json(kind) else "text" if reading.is_text(kind) else "reference"
    match accept:
        case "json":
            if len(reply.content) > MIB:
                return await asyncio.to_thread(reading.json, reply.content)
            return reading.json(reply.content)
        case "text":
            return reading.text(reply.content, kind)
        case "reference":
            stored = await context.store(reply.content, reading.media_type(kind) or "application/octet-stream")
            return stored.model_dump(mode="json")


def _traits(config: Mapping[str, JsonValue]) -> Traits:
    method = config.get("method", "GET")
    return Traits(effects=method not in READS, repeatable=method in REPEATABLE)


TYPE = ActivityType(
    name="http.request",
    title="HTTP request",
    config=Config,
    output=Output,
    run=run,
    timeout=timedelta(seconds=30),
    traits=_traits,
)
