"""What is kept of executions that are followed is bounded, and who is too far behind is told so."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from api.live.following import LAG, Reader
from api.live.lists import MOST_PENDING, Follower
from api.live.tails import KEPT_BATCHES, KEPT_CHARACTERS, Tail, Tails
from store.database import Database
from store.events import Event
from store.execution_search import Listed
from store.ids import ExecutionId, TenantId
from store.listening import Listener
from store.tails import Standing
from store.tails import Tail as Found

ID = ExecutionId("ex_" + "0" * 32)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROW = Listed(ID, "demo", None, 1, "running", "none", 1, "api", {}, None, NOW, None, None, None, None)


def found(first: int, last: int, *, path: str = "a", closed: bool = False) -> Found:
    events = [Event(seq, NOW, "node.started", path, 1, None) for seq in range(first, last + 1)]
    standing = Standing(
        ID,
        "demo",
        None,
        1,
        "running",
        "none",
        1,
        "api",
        {},
        None,
        NOW,
        NOW if closed else None,
        None,
        None,
        None,
        seq=last,
    )
    return Found(standing, events)


def tail() -> Tail:
    made = Tail(ID)
    made.take(found(1, 0))
    return made


async def told(reader: Reader) -> list[dict[str, Any]]:
    return [json.loads(message.text) async for message in reader.news()]


async def test_who_is_far_behind_is_told_to_read_again_and_goes_on_from_there(
    store: Database, tenant: TenantId
) -> None:
    followed = tail()
    reader = Reader(Tails(store, Listener(), asyncio.Semaphore(1)), tenant, followed, seq=0)
    followed.take(found(1, 10))
    assert [message["kind"] for message in await told(reader)] == ["events"]
    followed.take(found(11, LAG + 11))
    assert await told(reader) == [{"kind": "resync", "execution": ID, "seq": LAG + 11}]
    followed.take(found(LAG + 12, LAG + 12, closed=True))
    assert [message["kind"] for message in await told(reader)] == ["events", "end"]
    assert await told(reader) == []


def test_only_the_newest_events_are_kept() -> None:
    many, large = tail(), tail()
    for number in range(1, KEPT_BATCHES + 3):
        many.take(found(number, number))
        large.take(found(number, number, path="x" * (KEPT_CHARACTERS // 4)))
    assert many.after(0) is None
    assert many.after(1) is None
    assert many.after(2) is not None
    assert [number - KEPT_BATCHES for number in range(KEPT_BATCHES + 2) if large.after(number)] == [-1, 0, 1]


def test_who_does_not_take_the_changes_of_a_list_is_told_to_read_again() -> None:
    follower = Follower()
    follower.take({f"ex_{n}": ROW for n in range(MOST_PENDING)})
    assert not follower.missed
    follower.take({"ex_more": None})
    assert follower.missed
    assert follower.next() is None
