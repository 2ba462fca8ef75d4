"""Ways to show an HTTP service who is asking."""

from base64 import b64encode
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import quote_plus, urlencode

import httpx2
from pydantic import Field, field_validator

from activities import reading
from activities.context import Context
from activities.errors import ReplyUnreadable
from activities.exchange import exchange, place
from activities.fields import Address, HeaderName, HeaderValue, StrictModel
from activities.status import status_error

TOKEN_WITHIN = timedelta(seconds=20)
TOKEN_BYTES = 1024 * 1024


class Basic(StrictModel):
    """A user name and a password."""

    type: Literal["basic"]
    username: str = Field(description="Who asks; may not hold a colon.")
    password: str = Field(description="Best a secret: `${{ secrets.name }}`.")

    @field_validator("username")
    @classmethod
    def _without_colon(cls, username: str) -> str:
        if ":" in username:
            raise ValueError("may not hold a colon")
        return username


class Bearer(StrictModel):
    """A token that is sent as it is."""

    type: Literal["bearer"]
    token: HeaderValue = Field(description="The token, best a secret: `${{ secrets.name }}`.")


class ApiKey(StrictModel):
    """A key in a header or in the query."""

    type: Literal["api_key"]
    name: HeaderName = Field(description="The name of the header or of the query's field, such as `X-API-Key`.")
    value: HeaderValue = Field(description="The key, best a secret: `${{ secrets.name }}`.")
    place: Literal["header", "query"] = Field("header", description="Where the key goes.")


class ClientCredentials(StrictModel):
    """OAuth 2.0 client credentials: each attempt fetches a token of its own, which is kept nowhere."""

    type: Literal["client_credentials"]
    token_url: Address = Field(description="Where tokens are given out.")
    client_id: str = Field(description="The client's public name.")
    client_secret: str = Field(description="Best a secret: `${{ secrets.name }}`.")
    scope: str | None = Field(None, description="What the token is for, words with spaces between them.")
    audience: str | None = Field(None, description="Whom the token is for; some services ask for it.")
    send: Literal["header", "body"] = Field("header", description="Where the client's name and secret go.")


Auth = Annotated[Basic | Bearer | ApiKey | ClientCredentials, Field(discriminator="type")]


async def authorization(auth: Auth | None, context: Context) -> dict[str, str]:
    """Make the headers that prove who is asking; a key in the query is none."""
    match auth:
        case None:
            return {}
        case Basic():
            return {"authorization": _basic(auth.username, auth.password)}
        case Bearer():
            return {"authorization": f"Bearer {auth.token}"}
        case ApiKey():
            return {auth.name.lower(): auth.value} if auth.place == "header" else {}
        case ClientCredentials():
            return {"authorization": f"Bearer {await _token(auth, context)}"}


async def _token(auth: ClientCredentials, context: Context) -> str:
    url = httpx2.URL(auth.token_url)
    asked = {"grant_type": "client_credentials", "scope": auth.scope, "audience": auth.audience}
    headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    if auth.send == "header":
        headers["authorization"] = _basic(quote_plus(auth.client_id), quote_plus(auth.client_secret))
    else:
        asked |= {"client_id": auth.client_id, "client_secret": auth.client_secret}
    reply = await exchange(
        context.http,
        "POST",
        url,
        headers=headers,
        content=urlencode({name: value for name, value in asked.items() if value is not None}).encode(),
        within=min(TOKEN_WITHIN, context.timeout),
        follow=0,
        at_most=TOKEN_BYTES,
    )
    if reply.status != 200:
        raise status_error(reply)
    match reading.json(reply.content):
        case {"access_token": str(token)} if token.isascii() and token.isprintable():
            context.conceal(token)
            return token
        case _:
            raise ReplyUnreadable(f"{place(url)} gives out tokens, but answered without an `access_token`.")


def _basic(username: str, password: str) -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()
