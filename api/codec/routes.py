"""Lets Temporal's Web UI and command show payloads to those who may read them."""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.bodies import BODY_PROBLEMS, INPUT, content, described, parsed
from api.codec.page import page
from api.codec.reader import COOKIE, Open
from api.codec.shapes import PayloadsBody, read, written
from api.dependencies import Means
from api.keys import AuthInvalid
from api.parameters import Flag
from api.problems import responses
from dag.errors import PerdureError
from runtime.storage import PayloadGone

router = APIRouter(prefix="/codec", tags=["codec"])

KEPT_SECONDS = 12 * 60 * 60


class PayloadUnknown(PerdureError):
    """A payload is not kept any more."""

    code = "payload.unknown"


async def payloads(request: Request, opener: Open) -> PayloadsBody:
    """Read the body, once it is settled who asks."""
    return await parsed(request, PayloadsBody, limits=INPUT)


Given = Annotated[PayloadsBody, Depends(payloads)]
Preserve = Annotated[Flag, Query(alias="preserveStorageRefs", description="Leave outside what is kept outside.")]


@router.post("/decode", responses=BODY_PROBLEMS | responses(404), openapi_extra=described(PayloadsBody))
async def decode_payloads(given: Given, opener: Open, *, preserve: Preserve = False) -> PayloadsBody:
    """Open your payloads. Those of others, and what is no payload of Perdure, stay as they are."""
    return written(await opener.open(read(given))) if preserve else await _fetched(given, opener)


@router.post("/download", responses=BODY_PROBLEMS | responses(404), openapi_extra=described(PayloadsBody))
async def download_payloads(given: Given, opener: Open, *, preserve: Preserve = False) -> PayloadsBody:
    """Fetch and open your payloads that are kept outside the history."""
    return await _fetched(given, opener)


@router.post("/encode", responses=BODY_PROBLEMS, openapi_extra=described(PayloadsBody))
async def encode_payloads(given: Given, opener: Open, *, preserve: Preserve = False) -> PayloadsBody:
    """Seal payloads for your own executions."""
    return written(await opener.seal(read(given)))


@router.get("/session", response_class=HTMLResponse, include_in_schema=False)
async def codec_page() -> str:
    """A page for the one who wants to read payloads in Temporal's Web UI."""
    return page()


@router.post("/session", response_class=HTMLResponse, include_in_schema=False)
async def open_codec(request: Request, means: Means) -> Response:
    """Let this browser read payloads: it keeps the key in a cookie that no script can read and that is sent to no other
    address than these."""
    given = parse_qs((await content(request, most=1024)).decode(errors="replace"))
    key = given.get("key", [""])[0].strip()
    try:
        await means.keys.holder(key)
    except AuthInvalid as wrong:
        return HTMLResponse(page(wrong.message), status_code=401)
    answer = HTMLResponse(page("This browser can read your payloads now."))
    answer.set_cookie(
        COOKIE,
        key,
        max_age=KEPT_SECONDS,
        path=request.url.path.removesuffix("/session"),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


async def _fetched(given: PayloadsBody, opener: Open) -> PayloadsBody:
    try:
        return written(await opener.fetch(read(given)))
    except PayloadGone:
        raise PayloadUnknown from None
