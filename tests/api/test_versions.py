"""Versions and tags, as a client of the API sees them."""

from tests.api.service import Caller
from tests.api.test_workflows import code, definition, made


async def published(me: Caller, title: str) -> int:
    saved = await me.http.put("/workflows/greeting/draft", json=definition(title=title), headers={"If-Match": "*"})
    assert saved.status_code == 200
    answer = await me.http.post("/workflows/greeting/publish")
    assert answer.status_code == 201, answer.text
    return answer.json()["version"]


async def test_versions_are_numbered_and_stay_as_they_are(me: Caller) -> None:
    await made(me)
    assert [await published(me, title) for title in ("one", "two", "three")] == [1, 2, 3]
    assert (await me.http.get("/workflows/greeting")).json()["version"] == 3
    assert (await me.http.get("/workflows/greeting/versions/2")).json()["document"] == definition(title="two")
    first = (await me.http.get("/workflows/greeting/versions?limit=2")).json()
    assert [item["version"] for item in first["items"]] == [3, 2]
    rest = (await me.http.get("/workflows/greeting/versions", params={"cursor": first["next"]})).json()
    assert ([item["version"] for item in rest["items"]], rest["next"]) == ([1], None)
    assert code(await me.http.get("/workflows/greeting/versions/4")) == (404, "version.unknown")


async def test_what_has_not_changed_makes_no_version(me: Caller) -> None:
    await made(me)
    first = await me.http.post("/workflows/greeting/publish")
    assert (first.status_code, first.json()["created"]) == (201, True)
    moved = definition(layout={"greet": {"x": 1}})
    await me.http.put("/workflows/greeting/draft", json=moved, headers={"If-Match": "*"})
    again = await me.http.post("/workflows/greeting/publish")
    assert (again.status_code, again.json()["created"], again.json()["version"]) == (200, False, 1)
    assert again.json()["hash"] == first.json()["hash"]


async def test_publishing_is_refused_with_every_problem(me: Caller) -> None:
    await made(me, nodes={"a": {"type": "no.such"}, "b": {"type": "transform", "config": {"expression": "1 +"}}})
    refused = await me.http.post("/workflows/greeting/publish")
    assert code(refused) == (422, "definition.invalid")
    assert {problem["path"] for problem in refused.json()["problems"]} == {
        "/nodes/a/type",
        "/nodes/b/config/expression",
    }
    assert (await me.http.get("/workflows/greeting/versions")).json()["items"] == []


async def test_a_draft_that_another_has_changed_is_not_published_unseen(me: Caller) -> None:
    await made(me)
    await me.http.patch("/workflows/greeting", json={"title": "Theirs"})
    late = await me.http.post("/workflows/greeting/publish", headers={"If-Match": '"1"'})
    assert code(late) == (412, "draft.changed")
    assert (await me.http.post("/workflows/greeting/publish", headers={"If-Match": '"2"'})).status_code == 201


async def test_a_restored_version_is_the_draft_again(me: Caller) -> None:
    await made(me)
    await published(me, "one")
    await published(me, "two")
    restored = await me.http.post("/workflows/greeting/versions/1/restore")
    assert (restored.status_code, restored.json()["title"], restored.headers["etag"]) == (200, "one", '"4"')
    assert (await me.http.get("/workflows/greeting/draft")).json()["document"] == definition(title="one")
    assert code(await me.http.post("/workflows/greeting/versions/7/restore")) == (404, "version.unknown")


async def test_a_tag_moves_from_version_to_version(me: Caller) -> None:
    await made(me)
    await published(me, "one")
    await published(me, "two")
    for version in (1, 2):
        put = await me.http.put("/workflows/greeting/tags/live", json={"version": version})
        assert (put.status_code, put.json()["version"]) == (200, version)
    tagged = await me.http.get("/workflows/greeting/export?format=json&version=live")
    assert tagged.json() == definition(title="two")
    assert [tag["tag"] for tag in (await me.http.get("/workflows/greeting/tags")).json()["items"]] == ["live"]
    assert (await me.http.delete("/workflows/greeting/tags/live")).status_code == 204
    assert code(await me.http.delete("/workflows/greeting/tags/live")) == (404, "tag.unknown")
    assert code(await me.http.get("/workflows/greeting/export?version=live")) == (404, "version.unknown")


async def test_a_tag_names_only_what_there_is(me: Caller) -> None:
    await made(me)
    assert code(await me.http.put("/workflows/greeting/tags/live", json={"version": 1})) == (404, "version.unknown")
    for kept in ("latest", "draft"):
        assert code(await me.http.put(f"/workflows/greeting/tags/{kept}", json={"version": 1})) == (422, "tag.refused")
    for body in ({"version": False}, {"version": "1"}, {"version": 1.5}, {"version": 1, "x": 1}, {}):
        answer = await me.http.put("/workflows/greeting/tags/live", json=body)
        assert code(answer) == (422, "request.invalid")
        assert answer.json()["problems"][0]["in"] == "body"


async def test_only_a_published_workflow_has_a_latest_version(me: Caller) -> None:
    await made(me)
    assert code(await me.http.get("/workflows/greeting/export?version=latest")) == (409, "workflow.unpublished")


async def test_what_differs_is_told_of_versions_tags_and_the_draft(me: Caller) -> None:
    await made(me)
    await published(me, "one")
    await published(me, "two")
    await me.http.put("/workflows/greeting/tags/live", json={"version": 1})
    moved = definition(title="two", layout={"greet": {"x": 1}})
    await me.http.put("/workflows/greeting/draft", json=moved, headers={"If-Match": "*"})
    found = (await me.http.get("/workflows/greeting/versions/live/diff/latest")).json()
    assert (found["old"], found["new"], found["same"], found["only_layout"]) == ("version 1", "version 2", False, False)
    title = {"change": "changed", "old": {"path": "/title", "value": "one"}, "new": {"path": "/title", "value": "two"}}
    assert found["document"] == [title]
    assert (await me.http.get("/workflows/greeting/versions/2/diff/draft")).json()["only_layout"]
    assert (await me.http.get("/workflows/greeting/versions/2/diff/latest")).json()["same"]
    told = await me.http.get("/workflows/greeting/versions/draft/diff/1?format=text")
    assert told.headers["content-type"] == "text/plain; charset=utf-8"
    assert told.text.splitlines()[:4] == ["the draft → version 1", "", "Workflow", '  ~ title: "two" → "one"']


async def test_only_versions_that_there_are_can_be_compared(me: Caller, stranger: Caller) -> None:
    await made(me)
    assert code(await me.http.get("/workflows/greeting/versions/draft/diff/latest")) == (409, "workflow.unpublished")
    for wrong in ("1/diff/draft", "draft/diff/live", "draft/diff/0"):
        assert code(await me.http.get(f"/workflows/greeting/versions/{wrong}")) == (404, "version.unknown")
    assert code(await me.http.get("/workflows/greeting/versions/draft/diff/A")) == (422, "request.invalid")
    assert code(await stranger.http.get("/workflows/greeting/versions/draft/diff/draft")) == (404, "workflow.unknown")
