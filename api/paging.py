"""Long lists, page by page: `{items, next}`, where `next` is an opaque cursor that only this tenant can use."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.dependencies import Session
from api.parameters import Whole
from dag.errors import PerdureError
from store.sealing import SealBroken

Row = TypeVar("Row")
Item = TypeVar("Item", bound=BaseModel)
Key = TypeVar("Key")

Limit = Annotated[Whole, Query(ge=1, le=500, description="How many items a page has.")]
"""Give it `= 50`."""
_CURSOR = Query(max_length=2000, description="The `next` of the page before.")


class CursorInvalid(PerdureError):
    """This cursor is none of this list's; begin again without one."""

    code = "cursor.invalid"


@dataclass(frozen=True)
class Page(Generic[Row]):
    """A part of a list."""

    items: Sequence[Row]
    next: str | None


class PageOut(BaseModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next: str | None
    """Give it as `cursor` for what follows; null: nothing does."""


def page(session: Session, rows: Sequence[Row], limit: int, *, key: Callable[[Row], object]) -> Page[Row]:
    """Make a page of `limit` rows out of one more, if there are so many. `key` is what the list is sorted by."""
    if len(rows) <= limit:
        return Page(rows, None)
    return page_up_to(session, rows[:limit], key(rows[limit - 1]))


def page_up_to(session: Session, rows: Sequence[Row], last: object) -> Page[Row]:
    """Make a page of all rows, after which the list goes on from a key; None: nothing follows."""
    if last is None:
        return Page(rows, None)
    return Page(rows, base64.urlsafe_b64encode(session.seal.seal(orjson.dumps(last))).decode())


def page_of(
    session: Session, rows: Iterable[Row], limit: int, last: str | None, *, key: Callable[[Row], str]
) -> Page[Row]:
    """Make a page of a list that is short, by a key that is text."""
    ordered = sorted(rows, key=key)
    following = [row for row in ordered if last is None or key(row) > last]
    return page(session, following[: limit + 1], limit, key=key)


def after(kind: type[Key]) -> Callable[..., Awaitable[Key | None]]:
    """Make what reads the parameter `cursor`: the key of the last row of the page before."""
    adapter: TypeAdapter[Key] = TypeAdapter(kind)

    async def reads(session: Session, cursor: Annotated[str | None, _CURSOR] = None) -> Key | None:
        return None if cursor is None else place(session, cursor, adapter)

    return reads


def place(session: Session, cursor: str, adapter: TypeAdapter[Key]) -> Key:
    """The key that a cursor holds. Raises CursorInvalid."""
    try:
        sealed = base64.b64decode(cursor, altchars=b"-_", validate=True)
        return adapter.validate_python(orjson.loads(session.seal.open(sealed)))
    except (binascii.Error, UnicodeEncodeError, ValueError, SealBroken, ValidationError):
        raise CursorInvalid from None
