"""Events as they are stored, and who is found waiting for them."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from pydantic import JsonValue
from sqlalchemy import text

from dag.event_names import EventNameInvalid, canonical
from store import emitted_events, event_takings, event_waits, ids
from store.arrays import array
from store.database import Database
from store.emitted_events import KEPT, Emitted, Looked, Sent
from store.event_waits import Waiting
from store.ids import EventId, ExecutionId, TenantId
from store.sealing import Keyring, Seal, new_master_key, read_keyring
from store.session import session
from tests.postgres import MIGRATOR, Server, another_tenant

ONE, OTHER = ExecutionId("ex_1"), ExecutionId("ex_2")
EVER = datetime(2000, 1, 1, tzinfo=UTC)
HOSTILE: list[JsonValue] = [
    "'; drop table emitted_events; --",
    "\u202e\u2028\uffff",
    '{"',
    "{},NULL",
    "x" * 100_000,
    {"b": [1, {"c": None}], "a": "\\x00"},
    [],
    {},
    0,
    -0.5,
    True,
    "",
    "null",
]


async def sent(
    store: Database,
    tenant: TenantId,
    name: str = "paid",
    key: JsonValue = None,
    payload: JsonValue = None,
    execution: ExecutionId | None = None,
) -> Emitted:
    event, _ = await emitted_events.add(store, tenant, Sent(ids.event(), name, key, payload, execution))
    return event


async def wait(
    store: Database, tenant: TenantId, *looked: tuple[str, JsonValue] | str, execution: str = ONE, path: str = "w"
) -> None:
    async with session(store, tenant) as opened:
        strand = f"{tenant}/{execution}"
        await event_waits.put(opened, ExecutionId(execution), path, strand, wanted(opened.seal, *looked))


def wanted(seal: Seal, *looked: tuple[str, JsonValue] | str) -> list[Looked]:
    return [
        event_waits.looked(seal, each, None, keyed=False)
        if isinstance(each, str)
        else event_waits.looked(seal, *each, keyed=True)
        for each in looked
    ]


async def told(store: Database, tenant: TenantId, event: Emitted) -> list[str]:
    """The executions that are found waiting for an event."""
    async with session(store, tenant) as opened:
        found = await event_waits.page(opened, event, after="", limit=100)
    return [each.strand.removeprefix(f"{tenant}/") for each in found]


async def earlier(
    store: Database,
    tenant: TenantId,
    *looked: tuple[str, JsonValue] | str,
    since: datetime = EVER,
    after: EventId | None = None,
    limit: int = 100,
    execution: ExecutionId = ONE,
) -> tuple[list[tuple[Emitted, list[int]]], bool]:
    async with session(store, tenant) as opened:
        rows, more = await emitted_events.earlier(
            opened, execution, "w", wanted(opened.seal, *looked), since=since, after=after, limit=limit
        )
    return [(event, list(positions)) for event, positions in rows], more


async def backdate(store: Database, tenant: TenantId, event: Emitted, by: timedelta) -> None:
    async with session(store, tenant) as opened:
        changed = text("update emitted_events set at = at - :by, route_at = route_at - :by where id = :id")
        await opened.sql.execute(changed, {"by": by, "id": event.id})


async def test_an_event_is_stored_once_under_its_id_as_it_was_first(store: Database, tenant: TenantId) -> None:
    id = ids.event()
    first, repeated = await emitted_events.add(store, tenant, Sent(id, "paid", "A", {"n": 1}, ONE))
    again, repeated_again = await emitted_events.add(store, tenant, Sent(id, "lost", "B", None))
    assert (repeated, repeated_again) == (False, True)
    assert again == first
    assert (first.name, first.key, first.payload, first.execution) == ("paid", "A", {"n": 1}, ONE)


async def test_of_many_at_once_with_one_id_one_is_stored(store: Database, tenant: TenantId) -> None:
    event = Sent(ids.event(), "paid", "A", {"n": 1})
    answers = await asyncio.gather(*(emitted_events.add(store, tenant, event) for _ in range(20)))
    assert sorted(repeated for _, repeated in answers) == [False] + [True] * 19
    assert len({stored.at for stored, _ in answers}) == 1


@pytest.mark.parametrize("name", ["", "x" * 201, "a\x00", "a\nb", "\x7f", "\x85"], ids=range(6))
async def test_a_name_that_no_event_has_is_refused(store: Database, tenant: TenantId, name: str) -> None:
    with pytest.raises(EventNameInvalid):
        await sent(store, tenant, name)


async def test_what_is_strange_in_names_keys_and_payloads_comes_back_and_is_found(
    store: Database, tenant: TenantId
) -> None:
    for n, strange in enumerate(HOSTILE):
        name = strange if isinstance(strange, str) and 0 < len(strange) < 200 else f"name {n}"
        await wait(store, tenant, (name, strange), path=f"w[{n}]")
        event = await sent(store, tenant, name, strange, [strange])
        assert await told(store, tenant, event) == [ONE]
        [(found, positions)], _ = await earlier(store, tenant, "other", (name, strange))
        assert (found, positions) == (event, [1])
        assert (found.name, found.key, found.payload) == (name, strange, [strange])


EQUAL: list[tuple[JsonValue, JsonValue]] = [(1, 1.0), (0, -0.0), ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}), (None, None)]
DIFFERENT: list[tuple[JsonValue, JsonValue]] = [(1, True), (0, False), (1, "1"), (None, "null"), ([1, 2], [2, 1])]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_keys_that_say_the_same_are_equal(one: JsonValue, other: JsonValue) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_keys_that_look_alike_are_not_equal(one: JsonValue, other: JsonValue) -> None:
    assert canonical(one) != canonical(other)


async def test_a_wait_with_a_key_takes_that_key_and_one_without_takes_any(store: Database, tenant: TenantId) -> None:
    await wait(store, tenant, ("paid", "A"), execution="ex_a")
    await wait(store, tenant, ("paid", None), execution="ex_none")
    await wait(store, tenant, "paid", execution="ex_any")
    await wait(store, tenant, "lost", execution="ex_other")
    assert await told(store, tenant, await sent(store, tenant, key="A")) == ["ex_a", "ex_any"]
    assert await told(store, tenant, await sent(store, tenant, key="B")) == ["ex_any"]
    assert await told(store, tenant, await sent(store, tenant)) == ["ex_any", "ex_none"]


async def test_a_signal_is_for_its_execution_alone(store: Database, tenant: TenantId) -> None:
    for execution in (ONE, OTHER):
        await wait(store, tenant, "paid", execution=execution)
    signal = await sent(store, tenant, execution=OTHER)
    assert await told(store, tenant, signal) == [OTHER]
    assert await earlier(store, tenant, "paid") == ([], False)
    assert await earlier(store, tenant, "paid", execution=OTHER) == ([(signal, [0])], False)


async def test_nothing_of_a_tenant_is_found_by_another(store: Database, tenant: TenantId) -> None:
    stranger = await another_tenant(store)
    await wait(store, tenant, "paid")
    event = await sent(store, tenant)
    async with session(store, stranger) as opened:
        assert await event_takings.take(opened, ONE, event.id, "theirs")
    assert len((await earlier(store, tenant, "paid"))[0]) == 1
    assert await told(store, stranger, event) == []
    assert await earlier(store, stranger, "paid") == ([], False)
    async with session(store, stranger) as opened:
        assert await emitted_events.page(opened, after=None, limit=9) == []
        assert await emitted_events.find(opened, event.id) is None
        assert await emitted_events.unrouted(opened, limit=9) == []
        await event_waits.remove(opened, ONE, "w")
    assert await told(store, tenant, event) == [ONE]


async def test_nothing_of_key_and_payload_can_be_read_in_the_tables(
    store: Database, tenant: TenantId, postgres: Server, database_name: str
) -> None:
    stranger = await another_tenant(store)
    for owner in (tenant, stranger):
        await wait(store, owner, ("paid", "secret-key"))
        await sent(store, owner, key="secret-key", payload={"secret-word": "secret-text"})
    digests: set[bytes] = set()
    for owner in (tenant, stranger):
        with psycopg.connect(postgres.url(database_name, MIGRATOR)) as connection:
            connection.execute("select set_config('perdure.tenant', %s, true)", [owner])
            for table in ("emitted_events", "event_waits"):
                [row] = connection.execute(f"select * from {table}").fetchall()
                assert b"secret" not in b" ".join(each for each in row if isinstance(each, bytes))
                assert "secret" not in str([each for each in row if not isinstance(each, bytes)])
            [(digest,)] = connection.execute("select key_digest from event_waits").fetchall()
            digests.add(digest)
    assert len(digests) == 2, "equal keys of two tenants look different"


def test_a_key_is_found_under_an_older_master_key() -> None:
    old, new = new_master_key(), new_master_key()
    before = Seal(read_keyring(old), "tn_1").digests(b"A")
    after = Seal(read_keyring(f"{new}\n{old}"), "tn_1").digests(b"A")
    assert after[1:] == before
    assert after[0] not in before


async def test_waits_from_before_a_new_master_key_are_found(
    store: Database, tenant: TenantId, keyring: Keyring
) -> None:
    await wait(store, tenant, ("paid", "A"))
    before = await sent(store, tenant, key="A")
    newer = Database(store.engine, Keyring((*read_keyring(new_master_key()).keys, *keyring.keys)), store.connections)
    event = await sent(newer, tenant, key="A")
    assert await told(newer, tenant, event) == [ONE]
    assert [each.id for each, _ in (await earlier(newer, tenant, ("paid", "A")))[0]] == [before.id, event.id]


async def test_looking_back_counts_what_came_since_then(store: Database, tenant: TenantId) -> None:
    events = [await sent(store, tenant, payload=n) for n in range(3)]
    found, _ = await earlier(store, tenant, "paid", since=events[1].at)
    assert [event for event, _ in found] == events[1:]
    found, _ = await earlier(store, tenant, "paid", since=events[2].at + timedelta(microseconds=1))
    assert found == []


async def test_an_event_is_given_once_with_all_the_entries_that_it_fits(store: Database, tenant: TenantId) -> None:
    keyed = await sent(store, tenant, key="A")
    plain = await sent(store, tenant)
    found, more = await earlier(store, tenant, "paid", ("paid", "A"), "lost", "paid")
    assert (found, more) == ([(keyed, [0, 1, 3]), (plain, [0, 3])], False)


async def test_earlier_events_come_page_by_page_without_a_gap(store: Database, tenant: TenantId) -> None:
    events = [await sent(store, tenant, key=n % 2, payload=n) for n in range(10)]
    seen: list[Emitted] = []
    more, after = True, None
    while more:
        page, more = await earlier(store, tenant, ("paid", 1), "paid", after=after, limit=3)
        assert len(page) <= 3
        seen += [event for event, _ in page]
        after = seen[-1].id
    assert seen == events


async def test_earlier_events_that_are_large_come_in_smaller_pages(
    store: Database, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emitted_events, "PAGE_BYTES", 1000)
    sizes = [10, 10, 2000, 900, 900]
    events = [await sent(store, tenant, payload="x" * size) for size in sizes]
    pages: list[int] = []
    more, after = True, None
    while more:
        page, more = await earlier(store, tenant, "paid", after=after)
        pages.append(len(page))
        after = page[-1][0].id
    assert pages == [2, 1, 1, 1]
    assert after == events[-1].id


async def test_said_again_a_wait_is_the_same_and_a_changed_one_replaces_it(store: Database, tenant: TenantId) -> None:
    for _ in range(2):
        await wait(store, tenant, "paid", ("paid", "A"), "lost")
    event = await sent(store, tenant)
    assert await told(store, tenant, event) == [ONE], "a strand is told once"
    await wait(store, tenant, "lost")
    assert await told(store, tenant, event) == []
    assert await told(store, tenant, await sent(store, tenant, "lost")) == [ONE]
    async with session(store, tenant) as opened:
        await event_waits.remove(opened, ONE, "w")
        assert (await opened.sql.scalars(text("select count(*) from event_waits"))).one() == 0


async def test_waiting_strands_come_page_by_page(store: Database, tenant: TenantId) -> None:
    for n in range(5):
        await wait(store, tenant, "paid", execution=f"ex_{n}")
    event = await sent(store, tenant)
    async with session(store, tenant) as opened:
        first = await event_waits.page(opened, event, after="", limit=3)
        rest = await event_waits.page(opened, event, after=first[-1].strand, limit=3)
    assert [each.strand for each in (*first, *rest)] == [f"{tenant}/ex_{n}" for n in range(5)]


async def test_waits_of_a_gone_strand_go_but_not_those_that_were_noted_since(store: Database, tenant: TenantId) -> None:
    await wait(store, tenant, "paid")
    event = await sent(store, tenant)
    async with session(store, tenant) as opened:
        [gone] = await event_waits.page(opened, event, after="", limit=3)
    await wait(store, tenant, "paid", path="anew")
    async with session(store, tenant) as opened:
        await event_waits.gone(opened, gone)
        assert (await opened.sql.scalars(text("select path from event_waits"))).all() == ["anew"]
        await event_waits.gone(opened, Waiting(gone.strand, datetime.now(UTC) + timedelta(days=1)))
        assert (await opened.sql.scalars(text("select path from event_waits"))).all() == []


async def test_waits_of_executions_that_have_ended_go(store: Database, tenant: TenantId) -> None:
    for execution in (ONE, OTHER):
        await wait(store, tenant, "paid", execution=execution)
    async with session(store, tenant) as opened:
        added = text("""
            insert into executions (id, workflow, version, status, trigger, labels, started_at, closed_at)
            select id, 'w', 1, 'succeeded', 'api', '{}', now(), closed_at
            from (values ('ex_1', now() - interval '2 minutes'), ('ex_2', null)) as row (id, closed_at)""")
        await opened.sql.execute(added)
        await opened.sql.execute(text("update event_waits set since = since - interval '1 hour'"))
        await event_waits.remove_closed(opened)
        for execution in (ONE, OTHER):
            await event_takings.take(opened, execution, ids.event(), "w")
        await opened.sql.execute(text("update executions set closed_at = closed_at - interval '2 hours'"))
        await event_takings.remove_closed(opened)
        assert (await opened.sql.scalars(text("select execution_id from event_takings"))).all() == [OTHER]
    assert await told(store, tenant, await sent(store, tenant)) == [OTHER]


async def test_an_event_is_due_until_all_are_told_and_ever_more_seldom(store: Database, tenant: TenantId) -> None:
    async def due() -> list[EventId]:
        async with session(store, tenant) as opened:
            return await emitted_events.unrouted(opened, limit=9)

    event = await sent(store, tenant)
    assert await due() == []
    await backdate(store, tenant, event, timedelta(minutes=10))
    assert await due() == [event.id]
    async with session(store, tenant) as opened:
        await emitted_events.routed(opened, event.id, to_all=False)
        waits = (await opened.sql.scalars(text("select route_at - now() from emitted_events"))).one()
    assert await due() == []
    assert timedelta(minutes=9) < waits < timedelta(minutes=11)
    async with session(store, tenant) as opened:
        await emitted_events.routed(opened, event.id, to_all=True)
    await backdate(store, tenant, event, timedelta(days=1))
    assert await due() == []


async def test_events_are_kept_as_long_as_an_execution_may_last(store: Database, tenant: TenantId) -> None:
    old, older, new = [await sent(store, tenant, payload=n) for n in range(3)]
    await backdate(store, tenant, old, KEPT + timedelta(minutes=1))
    await backdate(store, tenant, older, KEPT + timedelta(minutes=2))
    await backdate(store, tenant, new, KEPT - timedelta(minutes=1))
    async with session(store, tenant) as opened:
        assert [await emitted_events.forget(opened, limit=1) for _ in range(3)] == [1, 1, 0]
        assert [each.id for each in await emitted_events.page(opened, after=None, limit=9)] == [new.id]


async def test_lists_and_looks_use_indexes(
    store: Database, tenant: TenantId, postgres: Server, database_name: str
) -> None:
    async with session(store, tenant) as opened:
        filled = text("""
            insert into emitted_events (id, name, key_digest, content, content_bytes, at)
            select 'ev_' || n, 'name ' || n % 7, decode(md5((n % 500)::text), 'hex'), '', 0, now() - n * interval '1 s'
            from generate_series(1, 20000) as n""")
        await opened.sql.execute(filled)
    with psycopg.connect(postgres.url(database_name, MIGRATOR), autocommit=True) as connection:
        connection.execute("analyze emitted_events")
    plans: list[str] = []
    async with session(store, tenant) as opened:
        for looked in ("name 1", ("name 1", "A")):
            [each] = wanted(opened.seal, looked)
            values = {"positions": "{0}", "names": array([each.name]), "digests": array(each.digests or [None])}
            values |= {"execution": ONE, "path": "w", "since": EVER, "after": None, "limit": 50, "bytes": 1}
            query = text(f"explain {emitted_events._EARLIER.text}")
            plans.append("\n".join(await opened.sql.scalars(query, values)))
        listed = {"at": EVER, "id": "", "shown": 1, "limit": 50}
        plans.append("\n".join(await opened.sql.scalars(text(f"explain {emitted_events._PAGE.text}"), listed)))
        plans.append("\n".join(await opened.sql.scalars(text(f"explain {emitted_events._UNROUTED.text}"), listed)))
    assert "emitted_events_by_key" in plans[1]
    assert "emitted_events_by_name" in plans[0]
    assert "emitted_events_by_time" in plans[2]
    assert "emitted_events_unrouted" in plans[3]
    assert "Seq Scan on emitted_events" not in "\n".join(plans), plans
