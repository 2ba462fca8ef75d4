"""Streams tell what happens as it happens: all of it, once, in order, and to nobody else."""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from api.live.marks import PATTERN, Mark, position, read
from api.live.shapes import ExecutionMessage, ListMessage
from dag.sub_workflows import Origin
from runtime.settings import Settings
from store import executions, tenants
from store.database import Database
from store.ids import ExecutionId, TenantId
from store.journal import Step, write
from store.session import session
from tests.api.live import events, followed, messages, socket, streamed, until
from tests.api.service import Api, Caller, calling, serving
from tests.api.test_workflows import code
from tests.api.working import definition, published
from tests.store.telling import STARTED, Strand, whole

ID = "ex_" + "0" * 31 + "1"
OTHER = "ex_" + "0" * 31 + "2"


async def say(store: Database, tenant: TenantId, *strands: Strand) -> None:
    """Write what strands have said since they were last asked, as a sink does."""
    async with session(store, tenant) as opened:
        await write(opened, [Step(event) for strand in strands for event in strand.said])
    for strand in strands:
        strand.said.clear()


async def listed(me: Caller, id: str = ID) -> list[dict[str, Any]]:
    return (await me.http.get(f"/workflows/executions/{id}/events?limit=500")).json()["items"]


def begun(id: str = ID) -> Strand:
    strand = Strand(id)
    strand.say("execution.started", data=STARTED)
    strand.say("node.started", "a", {"type": "transform"})
    return strand


async def test_a_stream_is_a_snapshot_then_each_event_once_then_the_end(api: Api, me: Caller, store: Database) -> None:
    strand = begun()
    await say(store, me.tenant, strand)
    async with socket(api, f"/{ID}/ws", me.key) as first, socket(api, f"/{ID}/ws?since=0", me.key) as second:
        told = [json.loads(await first.recv())]
        assert (told[0]["kind"], told[0]["execution"]["status"], told[0]["execution"]["seq"]) == (
            "snapshot",
            "running",
            2,
        )
        assert [(node["path"], node["status"]) for node in told[0]["nodes"]] == [("a", "running")]
        for n in range(20):
            strand.say("node.succeeded", "a" if n == 0 else f"a{n}", {"output": n, "port": "out"})
            await say(store, me.tenant, strand)
        strand.say("execution.succeeded", data={"output": "done"})
        await say(store, me.tenant, strand)
        told += [message async for message in messages(first)]
        again = [message async for message in messages(second)]
        assert (first.close_code, first.close_reason) == (1000, "ended")
    for message in told + again:
        ExecutionMessage.model_validate(message)
    assert events(told, ID) == (await listed(me))[2:]
    assert events(again, ID) == await listed(me)
    assert told[-1]["kind"] == "end"
    assert (told[-1]["execution"]["status"], told[-1]["execution"]["seq"]) == ("succeeded", 23)


async def test_server_sent_events_say_the_same_and_go_on_after_the_last_id(
    api: Api, me: Caller, store: Database
) -> None:
    async with session(store, me.tenant) as opened:
        await write(opened, [Step(event) for event in whole(ID, [f"n{n}" for n in range(700)])])
    told = await streamed(me, f"/{ID}/stream?since=0")
    everything = events(told, ID)
    assert [event["seq"] for event in everything] == list(range(1, 1403))
    assert (told[-2]["kind"], told[-1]["kind"], told[-1]["code"]) == ("end", "close", 1000)
    assert told[0]["id"] == str(told[0]["items"][-1]["seq"])
    rest = await streamed(me, f"/{ID}/stream?since=0", headers={"Last-Event-ID": "1390"})
    assert events(rest, ID) == everything[1390:]
    assert [message["kind"] for message in await followed(api, me, f"/{ID}/ws")] == ["snapshot", "end"]


async def test_who_goes_on_after_what_is_not_there_is_told_to_read_again(api: Api, me: Caller, store: Database) -> None:
    async with session(store, me.tenant) as opened:
        await write(opened, [Step(event) for event in whole(ID)])
    told = await followed(api, me, f"/{ID}/ws?since=1000")
    assert [(each["kind"], each.get("seq")) for each in told] == [("resync", 6), ("end", None)]


async def test_what_never_happened_is_told_by_the_event_that_says_so(api: Api, me: Caller, store: Database) -> None:
    strand = begun()
    strand.say("node.succeeded", "a", {"output": 1, "port": "out"}, task=4)
    before = strand.back_to(2)
    before.said = []
    await say(store, me.tenant, strand)
    async with socket(api, f"/{ID}/ws", me.key) as opened:
        await until(opened, "snapshot")
        before.say("node.failed", "a", {"error": {"code": "x.y", "message": "No"}}, task=9)
        await say(store, me.tenant, before)
        changed = (await until(opened, "events"))["items"]
    assert [(event["seq"], event["type"], event["data"]) for event in changed] == [
        (4, "journal.replaced", {"seqs": [3]})
    ]


async def test_a_ticket_opens_its_stream_once_and_no_other(
    api: Api, me: Caller, store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await say(store, me.tenant, begun(), begun(OTHER))
    answer = await me.http.post("/tickets", json={"execution": ID})
    assert answer.status_code == 201
    ticket = answer.json()["ticket"]
    with pytest.raises(InvalidStatus) as refused:
        async with socket(api, f"/{OTHER}/ws?ticket={ticket}"):
            pass
    problem = json.loads(refused.value.response.body or b"")
    assert (refused.value.response.status_code, problem["code"]) == (401, "auth.invalid")
    async with socket(api, f"/{ID}/ws?ticket={ticket}") as opened:
        assert (await until(opened, "snapshot"))["execution"]["id"] == ID
    with pytest.raises(InvalidStatus):
        async with socket(api, f"/{ID}/ws?ticket={ticket}"):
            pass
    anything = (await me.http.post("/tickets", json={})).json()["ticket"]
    async with serving(api.settings) as another, socket(another, f"/ws?ticket={anything}") as opened:
        assert [row["id"] for row in (await until(opened, "snapshot"))["items"]] == [OTHER, ID]
    assert "WebSocket" in caplog.text
    assert not {ticket, anything} & set(re.findall(r"tk_[\w-]+", caplog.text))


async def test_a_ticket_is_worth_nothing_once_its_key_or_its_time_is_gone(
    api: Api, me: Caller, stranger: Caller, store: Database, nobody: httpx2.AsyncClient
) -> None:
    await say(store, me.tenant, begun())
    assert code(await stranger.http.post("/tickets", json={"execution": ID})) == (404, "execution.unknown")
    holder = await tenants.holder(store, me.key)
    assert holder is not None
    ticket = (await me.http.post("/tickets", json={"execution": ID})).json()["ticket"]
    async with session(store, me.tenant) as opened:
        await tenants.revoke_key(opened, holder.key)
    answer = await nobody.get(f"/workflows/executions/{ID}/stream", params={"ticket": ticket})
    assert code(answer) == (401, "auth.invalid")


async def test_streams_of_others_and_from_strange_pages_are_refused(
    api: Api, me: Caller, stranger: Caller, store: Database
) -> None:
    await say(store, me.tenant, begun())
    expected = {
        (f"/{ID}/ws", stranger.key, None): (404, "execution.unknown"),
        (f"/{ID}/ws", me.key, "https://evil.example"): (403, "origin.refused"),
        (f"/{ID}/ws", me.key, "null"): (403, "origin.refused"),
        (f"/{ID}/ws", None, None): (401, "auth.missing"),
        ("/ex_1/ws", me.key, None): (422, "request.invalid"),
        (f"/{ID}/ws?sinc=1", me.key, None): (422, "request.invalid"),
        (f"/{ID}/ws?since=-1", me.key, None): (422, "request.invalid"),
    }
    for (path, key, origin), wanted in expected.items():
        with pytest.raises(InvalidStatus) as refused:
            async with socket(api, path, key, origin=origin):
                pass
        response = refused.value.response
        assert (response.status_code, json.loads(response.body or b"")["code"]) == wanted, path
    async with socket(api, f"/{ID}/ws", me.key, origin=api.url) as opened:
        await until(opened, "snapshot")


async def test_a_stream_beats_while_nothing_happens_and_ends_with_its_key(
    api_settings: Settings, store: Database, tenant: TenantId
) -> None:
    quick = api_settings.model_copy(update={"api_heartbeat": timedelta(seconds=0.2), "api_streams": 1})
    async with serving(quick) as api, calling(api, store, tenant) as me:
        await say(store, me.tenant, begun())
        async with socket(api, f"/{ID}/ws", me.key) as opened:
            assert json.loads(await opened.recv())["kind"] == "snapshot"
            assert json.loads(await opened.recv())["kind"] == "heartbeat"
            limited = await me.http.get(f"/workflows/executions/{ID}/stream")
            assert code(limited) == (429, "streams.limited")
            holder = await tenants.holder(store, me.key)
            assert holder is not None
            async with session(store, me.tenant) as s:
                await tenants.revoke_key(s, holder.key)
            async for _ in messages(opened):
                pass
            assert (opened.close_code, opened.close_reason) == (1008, "auth.invalid")


async def test_a_stream_takes_no_messages(api: Api, me: Caller, store: Database) -> None:
    await say(store, me.tenant, begun())
    async with socket(api, f"/{ID}/ws", me.key) as opened:
        await opened.send("hello")
        async for _ in messages(opened):
            pass
        assert (opened.close_code, opened.close_reason) == (1003, "stream.one_way")


async def test_streams_end_with_the_process_and_say_that_it_comes_back(
    api_settings: Settings, store: Database, tenant: TenantId
) -> None:
    async with AsyncExitStack() as clients:
        async with serving(api_settings) as api:
            me = await clients.enter_async_context(calling(api, store, tenant))
            await say(store, me.tenant, begun())
            opened = await clients.enter_async_context(socket(api, f"/{ID}/ws", me.key))
            await until(opened, "snapshot")
            began = asyncio.Event()
            streaming = asyncio.create_task(streamed(me, f"/{ID}/stream", began=began))
            await began.wait()
        await opened.wait_closed()
        assert opened.close_code == 1012
        told = await streaming
        assert (told[-1]["kind"], told[-1]["code"], told[-1]["reason"]) == ("close", 1012, "server.restarting")


async def test_children_are_told_in_the_stream_of_who_started_them(api: Api, me: Caller, store: Database) -> None:
    parent, child = begun(), begun(OTHER)
    await say(store, me.tenant, parent)
    async with socket(api, f"/{ID}/ws?nested=true", me.key) as opened:
        await until(opened, "snapshot")
        await say(store, me.tenant, child)
        async with session(store, me.tenant) as s:
            await executions.trace(s, ExecutionId(OTHER), Origin(ID, "b"))
        parent.say("node.started", "b", {"type": "workflow"})
        await say(store, me.tenant, parent)
        told: list[dict[str, Any]] = []
        async for message in messages(opened):
            told.append(message)
            if events(told, OTHER):
                break
        child.say("execution.succeeded", data={"output": 1})
        parent.say("execution.succeeded", data={"output": 1})
        await say(store, me.tenant, child, parent)
        told += [message async for message in messages(opened)]
        assert opened.close_code == 1000
    assert events(told, OTHER) == await listed(me, OTHER)
    assert events(told, ID) == (await listed(me))[2:]
    ends = {message["execution"]["id"] for message in told if message["kind"] == "end"}
    assert ends == {ID, OTHER}
    again = await followed(api, me, f"/{ID}/ws?nested=true&since=3&seen={OTHER}:2")
    assert [event["seq"] for event in events(again, OTHER)] == [3]
    assert [event["seq"] for event in events(again, ID)] == [4]


async def test_server_sent_events_of_several_executions_go_on_after_any_id_without_loss(
    me: Caller, store: Database
) -> None:
    async with session(store, me.tenant) as opened:
        for id, names in ((ID, ["b"]), (OTHER, [f"n{n}" for n in range(240)])):
            await write(opened, [Step(event) for event in whole(id, names)])
        await executions.trace(opened, ExecutionId(OTHER), Origin(ID, "b"))
    everything = {id: await listed(me, id) for id in (ID, OTHER)}
    told = await streamed(me, f"/{ID}/stream?nested=true&since=0")
    assert {id: events(told, id) for id in everything} == everything
    places = [place for place, message in enumerate(told) if message["id"] is not None]
    assert len(places) == len(told) - 1, "all but the last word"
    for place in places:
        last = {"Last-Event-ID": told[place]["id"]}
        rest = await streamed(me, f"/{ID}/stream?nested=true&since=0", headers=last)
        assert {id: events([*told[: place + 1], *rest], id) for id in everything} == everything


def test_a_mark_is_read_as_it_was_written() -> None:
    mark = Mark(ExecutionId(ID), None, {})
    assert mark.after(ExecutionId(OTHER), 3) is None
    written = mark.after(ExecutionId(ID), 7)
    assert written is not None
    assert re.fullmatch(PATTERN, written)
    own, others = read(written)
    assert (own, position(others, ExecutionId(OTHER)), position(others, ExecutionId(ID))) == (7, 3, 0)
    many = Mark(ExecutionId(ID), own, others)
    for number in range(998):
        many.after(ExecutionId(f"ex_{number:032x}"), 123_456)
    assert len(str(many.after(ExecutionId(ID), 8))) < 24_000


async def test_a_list_is_told_of_an_execution_that_no_worker_has_taken(api: Api, me: Caller) -> None:
    await published(me, definition())
    async with socket(api, "/ws", me.key) as opened:
        assert (await until(opened, "snapshot"))["items"] == []
        started = (await me.http.post("/workflows/greeting/executions", json={"input": {"name": "Ada"}})).json()
        (row,) = (await until(opened, "executions"))["items"]
        assert (row["id"], row["status"]) == (started["id"], "queued")


async def test_a_list_is_told_what_comes_changes_and_leaves(
    api: Api, me: Caller, stranger: Caller, store: Database
) -> None:
    mine, other = begun(), begun(OTHER)
    await say(store, me.tenant, mine)
    async with socket(api, "/ws?status=running&workflow=demo", me.key) as opened:
        first = json.loads(await opened.recv())
        assert [row["id"] for row in first["items"]] == [ID]
        await say(store, stranger.tenant, begun("ex_" + "f" * 32))
        await say(store, me.tenant, other)
        came = json.loads(await opened.recv())
        assert ([row["id"] for row in came["items"]], came["left"]) == ([OTHER], [])
        mine.say("execution.succeeded", data={"output": 1})
        await say(store, me.tenant, mine)
        left = json.loads(await opened.recv())
        assert (left["items"], left["left"]) == ([], [ID])
    for message in (first, came, left):
        ListMessage.model_validate(message)
