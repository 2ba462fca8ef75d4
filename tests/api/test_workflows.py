"""Workflows and drafts, as a client of the API sees them."""

import asyncio
from typing import Any

import httpx2
import pytest
from pydantic import JsonValue

from dag.documents import write
from tests.api.service import Caller

YAML = {"Content-Type": "application/yaml"}


def definition(name: str = "greeting", **more: JsonValue) -> dict[str, JsonValue]:
    """A workflow that can be published, with keys in an order that no sorting would give."""
    return {
        "language": 1,
        "name": name,
        "title": "Greets",
        "labels": {"team": "sales", "area": "front"},
        "vars": {"zebra": 1, "apple": "x", "mango": {"b": 1, "a": 2}},
        "nodes": {"greet": {"type": "transform", "config": {"expression": "'Hello'"}}},
        **more,
    }


def code(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"]


async def made(me: Caller, name: str = "greeting", **more: JsonValue) -> dict[str, Any]:
    answer = await me.http.post("/workflows", json=definition(name, **more))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_workflow_is_made_and_found_by_id_and_by_name(me: Caller) -> None:
    workflow = await made(me)
    assert workflow["id"].startswith("wf_")
    assert (workflow["revision"], workflow["version"]) == (1, None)
    for reference in (workflow["id"], "greeting"):
        found = (await me.http.get(f"/workflows/{reference}")).json()
        assert found == {key: value for key, value in workflow.items() if key != "problems"}


async def test_a_name_is_given_once(me: Caller) -> None:
    await made(me)
    assert code(await me.http.post("/workflows", json=definition())) == (409, "workflow.exists")


async def test_of_many_who_make_one_name_at_once_one_does(me: Caller) -> None:
    answers = await asyncio.gather(*(me.http.post("/workflows", json=definition()) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]


async def test_publishing_at_once_is_all_or_nothing(me: Caller) -> None:
    broken = definition(nodes={"greet": {"type": "transform", "config": {"expression": "1 +"}}})
    refused = await me.http.post("/workflows?publish=true", json=broken)
    assert code(refused) == (422, "definition.invalid")
    assert [problem["path"] for problem in refused.json()["problems"]] == ["/nodes/greet/config/expression"]
    assert code(await me.http.get("/workflows/greeting")) == (404, "workflow.unknown")
    accepted = await me.http.post("/workflows?publish=true", json=definition())
    assert (accepted.status_code, accepted.json()["version"]) == (201, 1)


async def test_a_draft_may_be_incomplete_but_for_its_name(me: Caller) -> None:
    assert (await me.http.post("/workflows", json={"name": "half"})).status_code == 201
    for document, path in [({}, "/name"), ({"name": "Half"}, "/name"), ({"name": 7}, "/name"), ([], "")]:
        refused = await me.http.post("/workflows", json=document)
        assert code(refused) == (422, "definition.invalid")
        assert refused.json()["problems"][0]["path"] == path
    reserved = (await me.http.post("/workflows", json={"name": "executions"})).json()
    assert reserved["problems"][0]["code"] == "reserved_name"


@pytest.mark.parametrize("format", ["json", "yaml"])
async def test_keys_keep_their_order_through_store_and_back(me: Caller, format: Any) -> None:
    text = write(definition(), format)
    headers = {"Content-Type": f"application/{format}"}
    assert (await me.http.post("/workflows?publish=true", content=text, headers=headers)).status_code == 201
    for query in ("", "&version=1", "&version=latest"):
        assert (await me.http.get(f"/workflows/greeting/export?format={format}{query}")).text == text
    read = (await me.http.get("/workflows/greeting/draft")).json()["document"]
    assert write(read, format) == text
    version = (await me.http.get("/workflows/greeting/versions/1")).json()["document"]
    assert write(version, format) == text


async def test_a_draft_changes_on_top_of_the_revision_that_was_seen(me: Caller) -> None:
    await made(me)
    first = await me.http.get("/workflows/greeting/draft")
    assert first.headers["etag"] == '"1"'
    saved = await me.http.put("/workflows/greeting/draft", json=definition(title="Two"), headers={"If-Match": '"1"'})
    assert (saved.status_code, saved.headers["etag"], saved.json()["title"]) == (200, '"2"', "Two")
    late = await me.http.put("/workflows/greeting/draft", json=definition(title="Three"), headers={"If-Match": '"1"'})
    assert code(late) == (409, "draft.conflict")
    details = late.json()["details"]
    assert details["yours"] == {"revision": 1}
    assert details["current"]["revision"] == 2
    assert details["current"]["document"] == definition(title="Two")


async def test_of_many_who_change_one_revision_one_does_and_all_others_learn_of_it(me: Caller) -> None:
    await made(me)
    answers = await asyncio.gather(
        *(
            me.http.put("/workflows/greeting/draft", json=definition(title=f"{n}"), headers={"If-Match": '"1"'})
            for n in range(8)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    assert {answer.json()["details"]["current"]["revision"] for answer in answers if answer.status_code == 409} == {2}


async def test_a_repeated_change_is_no_conflict_and_no_new_revision(me: Caller) -> None:
    await made(me)
    for _ in range(2):
        saved = await me.http.put(
            "/workflows/greeting/draft", json=definition(title="Two"), headers={"If-Match": '"1"'}
        )
        assert (saved.status_code, saved.headers["etag"]) == (200, '"2"')


async def test_a_draft_does_not_change_unseen(me: Caller) -> None:
    await made(me)
    assert code(await me.http.put("/workflows/greeting/draft", json=definition())) == (428, "precondition.missing")
    anyway = await me.http.put("/workflows/greeting/draft", json=definition(title="x"), headers={"If-Match": "*"})
    assert anyway.status_code == 200
    nonsense = await me.http.put("/workflows/greeting/draft", json=definition(), headers={"If-Match": "W/x"})
    assert code(nonsense) == (422, "request.invalid")


async def test_the_name_of_a_workflow_never_changes(me: Caller) -> None:
    await made(me)
    other = await me.http.put("/workflows/greeting/draft", json=definition("other"), headers={"If-Match": "*"})
    assert code(other) == (422, "draft.name_differs")


async def test_a_title_changes_in_the_draft_itself_and_nothing_else_does(me: Caller) -> None:
    await made(me)
    changed = await me.http.patch("/workflows/greeting", json={"title": "New"})
    assert (changed.json()["title"], changed.json()["labels"]) == ("New", {"team": "sales", "area": "front"})
    assert (await me.http.get("/workflows/greeting/draft")).json()["document"] == definition(title="New")
    gone = await me.http.patch("/workflows/greeting", json={"title": None, "labels": {"x": "y"}})
    assert (gone.json()["title"], gone.json()["labels"], gone.json()["revision"]) == (None, {"x": "y"}, 3)
    for body in ({"name": "x"}, {"title": 1}, {"labels": {"a": False}}, []):
        assert code(await me.http.patch("/workflows/greeting", json=body)) == (422, "request.invalid")


async def test_a_deleted_workflow_frees_its_name(me: Caller) -> None:
    first = await made(me)
    assert (await me.http.delete("/workflows/greeting")).status_code == 204
    for reference in (first["id"], "greeting"):
        assert code(await me.http.get(f"/workflows/{reference}")) == (404, "workflow.unknown")
    assert (await made(me))["id"] != first["id"]


async def test_a_list_goes_on_where_the_page_before_ended(me: Caller) -> None:
    for name in ("b-1", "a", "b", "c", "b-2"):
        await made(me, name, labels={"team": name[:1], "kind": "test"})
    names: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = (await me.http.get("/workflows", params={"limit": "2", **cursor})).json()
        names += [item["name"] for item in page["items"]]
        cursor = {"cursor": page["next"]}
    assert names == ["a", "b", "b-1", "b-2", "c"]
    assert cursor == {"cursor": None}
    beginning = (await me.http.get("/workflows", params={"name": "b"})).json()
    assert [item["name"] for item in beginning["items"]] == ["b", "b-1", "b-2"]
    labelled = (await me.http.get("/workflows?label=team:b&label=kind:test&name=b-")).json()
    assert [item["name"] for item in labelled["items"]] == ["b-1", "b-2"]
    assert (await me.http.get("/workflows?label=team:z")).json() == {"items": [], "next": None}


async def test_a_review_tells_everything_and_stores_nothing(me: Caller) -> None:
    fine = await me.http.post("/workflows/validate", json=definition())
    assert (fine.status_code, fine.json()) == (200, {"valid": True, "problems": []})
    wrong = await me.http.post("/workflows/validate", json=definition(nodes={"x": {"type": "no.such", "needs": ["y"]}}))
    assert wrong.status_code == 200
    assert not wrong.json()["valid"]
    assert {problem["path"] for problem in wrong.json()["problems"]} == {"/nodes/x/type", "/nodes/x/needs/0"}
    unreadable = await me.http.post("/workflows/validate", content="a: [1", headers=YAML)
    assert unreadable.status_code == 200
    assert unreadable.json()["problems"][0]["code"] == "syntax"
    assert (await me.http.get("/workflows")).json()["items"] == []


async def test_an_import_makes_a_workflow_or_its_next_draft(me: Caller) -> None:
    text = write(definition(), "yaml")
    first = await me.http.post("/workflows/import", content=text, headers=YAML)
    assert (first.status_code, first.json()["revision"]) == (201, 1)
    again = await me.http.post("/workflows/import", json=definition(title="Other"))
    assert (again.status_code, again.json()["revision"], again.json()["title"]) == (200, 2, "Other")


async def test_the_deepest_document_that_is_allowed_is_read_back(me: Caller) -> None:
    deep: JsonValue = 1
    for _ in range(237):
        deep = [deep]
    document = definition(vars={"deep": deep})
    assert (await me.http.post("/workflows", json=document)).status_code == 201
    read = await me.http.get("/workflows/greeting/draft")
    assert read.json()["document"] == document
