"""The examples of the pages on constructs, run: each does what its page says of it."""

import asyncio
from typing import Any

import orjson
import pytest
from pydantic import JsonValue

from tests.activities.http_server import Request, reply, serving
from tests.examples.running import Runner, answering, body
from tests.interpreter.engine import until
from tests.interpreter.people import asked, decide, decision


@pytest.mark.parametrize(("unknown", "failed"), [([], 0), (["desk-1", "chair-9"], 2)], ids=["none", "two"])
async def test_prices_that_cannot_be_told_are_counted(run: Runner, unknown: list[str], failed: int) -> None:
    articles = ["lamp-3", "desk-1", "chair-9"]
    known = [article for article in articles if article not in unknown]
    async with serving(answering({f"/prices/{article}": body({"price": 4}) for article in known})) as shop:
        done = await run("price-check", {"shop": shop.url})
        prices: list[JsonValue] = [{"article": article, "price": 4} for article in known]
        assert done.ended.output == {"prices": prices, "failed": failed}
        assert [done.status(f"prices[{turn}].ask") for turn, article in enumerate(articles) if article in unknown] == [
            "failed" for _ in unknown
        ]


async def test_the_third_price_that_cannot_be_told_is_one_too_many(run: Runner) -> None:
    async with serving(reply(404)) as shop:
        error = (await run("price-check", {"shop": shop.url})).ended.error
        assert error.code == "http.404"
        assert str(error.path).startswith("prices[")


async def test_instalments_are_booked_until_the_debt_is_paid(run: Runner) -> None:
    done = await run("instalments")
    assert done.ended.output == {"booked": 3, "left": 0}
    assert "book[3].subtract" not in {event.path for event in done.events}


async def test_pages_are_read_until_there_is_no_next_one(run: Runner) -> None:
    pages = {
        "page=1": {"orders": [{"number": 1}, {"number": 2}], "next": 2},
        "page=2": {"orders": [{"number": 3}], "next": 3},
        "page=3": {"orders": [{"number": 4}]},
    }

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(body(pages[request.target.partition("?")[2]]))

    async with serving(answer) as shop:
        done = await run("all-orders", {"shop": shop.url})
        assert done.ended.output == {"orders": [{"number": number} for number in (1, 2, 3, 4)]}
        assert done.status("pages[2].fetch") == "succeeded"


async def test_a_report_is_asked_for_until_it_is_ready(run: Runner) -> None:
    states = iter([{"state": "queued"}, {"state": "running"}, {"state": "ready", "file": "sales.pdf"}])

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(body(next(states)))

    async with serving(answer) as reports:
        done = await run("report-ready", {"reports": reports.url, "every": "10ms"})
        assert done.ended.output == {"file": "sales.pdf"}
        assert len(reports.requests) == 3


async def test_a_room_that_is_too_small_is_not_asked_about_nor_one_after_the_first_that_is_free(run: Runner) -> None:
    async with serving(answering({"/rooms/garden": body({"free": True})})) as calendar:
        done = await run("meeting-room", {"calendar": calendar.url})
        assert done.ended.output == {"room": "garden"}
        assert [request.target for request in calendar.requests] == ["/rooms/garden"]
        assert done.status("search[0].ask") == "skipped"
        assert done.status("search[0].too_small") == "succeeded"


async def test_no_room_is_found_where_none_is_free(run: Runner) -> None:
    rooms = {f"/rooms/{room}": body({"free": False}) for room in ("garden", "hall")}
    async with serving(answering(rooms)) as calendar:
        assert (await run("meeting-room", {"calendar": calendar.url})).ended.output == {"room": None}


async def test_the_cheaper_of_the_first_two_offers_is_taken_and_the_third_not_waited_for(run: Runner) -> None:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target.startswith("/rail"):
            await asyncio.Event().wait()
        writer.write(body({"price": 9 if request.target.startswith("/post") else 7}))

    async with serving(answer) as carriers:
        done = await run("parcel-offers", {"carriers": carriers.url})
        assert done.ended.output == {"carrier": "bike", "price": 7}
        assert done.status("offers.rail.ask") == "cancelled"


async def test_one_offer_of_three_is_not_enough(run: Runner) -> None:
    async with serving(answering({"/post": body({"price": 9})})) as carriers:
        error = (await run("parcel-offers", {"carriers": carriers.url})).ended.error
        assert (error.code, error.path) == ("join.unsatisfiable", "offers")
        assert isinstance(error.cause, list)
        assert [cause["code"] for cause in error.cause if isinstance(cause, dict)] == ["http.404", "http.404"]


@pytest.mark.parametrize(
    ("shelf", "output"),
    [(body({"pieces": 12}), {"pieces": 12}), (reply(404), {"pieces": 0, "because": "http.404"}), (reply(403), None)],
    ids=["there", "not there", "forbidden"],
)
async def test_the_gate_is_opened_however_the_count_ends(run: Runner, shelf: bytes, output: JsonValue) -> None:
    async with serving(answering({"/gate": body({}), "/shelves/b-12": shelf})) as warehouse:
        done = await run("stock-count", {"warehouse": warehouse.url})
        assert done.ended.output == output
        assert done.ended.failure is None or done.ended.failure.code == "http.403"
        gate = [request for request in warehouse.requests if request.target == "/gate"]
        assert [orjson.loads(request.body) for request in gate] == [{"open": False}, {"open": True}]
        assert done.status("count.finally.open") == "succeeded"


async def test_what_was_booked_is_cancelled_when_the_rest_cannot_be_had(run: Runner) -> None:
    booked = {"/flights": body({"id": "f-1"}, 201), "/hotels": body({"id": "h-2"}, 201)}
    async with serving(answering({**booked, "/flights/f-1": reply(200), "/hotels/h-2": reply(200)})) as agency:
        assert (await run("trip", {"agency": agency.url})).ended.error.code == "http.404"
        assert [(request.method, request.target) for request in agency.requests] == [
            ("POST", "/flights"),
            ("POST", "/hotels"),
            ("POST", "/cars"),
            ("DELETE", "/hotels/h-2"),
            ("DELETE", "/flights/f-1"),
        ]


async def test_nothing_is_cancelled_when_all_can_be_had(run: Runner) -> None:
    booked = {f"/{what}": body({"id": what[0]}, 201) for what in ("flights", "hotels", "cars")}
    async with serving(answering(booked)) as agency:
        assert (await run("trip", {"agency": agency.url})).ended.output == {"car": "c"}
        assert len(agency.requests) == 3


async def test_each_line_of_a_basket_has_an_amount_of_its_own(run: Runner) -> None:
    assert (await run("basket")).ended.output == {"total": 105}


async def test_a_delivery_ends_the_wait_for_one_of_its_articles(run: Runner) -> None:
    waiting = await run.begin("back-order", {"quantity": 5})
    await until(lambda: run.board.waits)
    assert (await run("goods-in", {"warehouse": "south", "lines": [{"article": "lamp-3", "quantity": 4}]})).ended.output
    delivered = await run("goods-in")
    assert delivered.ended.output == {"told": 2}
    done = await run.end(waiting)
    assert done.ended.output == {"ship_from": "north"}
    assert "node.waiting" in {event.type for event in done.events if event.path == "stock"}


async def test_nothing_is_shipped_when_nothing_has_come_in_time(run: Runner) -> None:
    assert (await run("back-order", {"patience": "100ms"})).ended.output == {"ship_from": None}


async def test_an_expense_is_paid_when_two_of_finance_approve_and_booked_as_it_is_said(run: Runner) -> None:
    handle = await run.begin("expense")
    finance: dict[str, Any] = {"groups": ("group:finance",)}
    assert [task.title for task in await asked(handle)] == ["Pay 86.5 euro for e-204?"]
    assert (await decide(handle, decision("approve", "user:ann", **finance))).status == "open"
    assert (await decide(handle, decision("approve", "user:bo", comment="Fine.", **finance))).status == "approved"
    assert (await asked(handle))[0].assignees == ("user:ines",)
    await decide(handle, decision("account", "user:ines", None, values={"account": "travel"}))
    booked: JsonValue = {"account": "travel", "project": "none"}
    assert (await run.end(handle)).ended.output == {"paid": True, "why": "Fine.", "booked": booked}


async def test_an_expense_that_one_of_finance_rejects_is_not_paid(run: Runner) -> None:
    handle = await run.begin("expense")
    await asked(handle)
    await decide(handle, decision("approve", "user:ann", "reject", groups=("group:finance",), comment="No."))
    assert (await run.end(handle)).ended.output == {"paid": False, "why": "No."}


async def test_an_expense_that_nobody_approves_in_time_is_not_paid(run: Runner) -> None:
    assert (await run("expense", {"patience": "100ms"})).ended.output == {"paid": False, "why": None}


@pytest.mark.parametrize(("total", "fee"), [(40, 9), (100, 0)])
async def test_a_large_order_is_delivered_for_nothing(run: Runner, total: int, fee: int) -> None:
    assert (await run("delivery-fee", {"total": total})).ended.output == {"fee": fee}


async def test_an_account_is_closed_when_its_trial_and_the_grace_are_over(run: Runner) -> None:
    async with serving(answering({"/a-77/state": body({"closed": True})})) as accounts:
        done = await run("trial-end", {"accounts": accounts.url, "ends_at": "2020-01-01T00:00:00Z", "grace": "50ms"})
        assert done.ended.output == {"closed": True}


@pytest.mark.parametrize(("changes", "refund"), [({}, 40), ({"days": 3}, 80), ({"paid": 0}, 0)])
async def test_a_refund_is_worked_out_by_time(run: Runner, changes: dict[str, JsonValue], refund: int) -> None:
    assert (await run("refund", changes)).ended.output == {"refund": refund}


async def test_a_late_refund_is_refused_with_a_code_of_its_own(run: Runner) -> None:
    error = (await run("refund", {"days": 31})).ended.error
    assert (error.code, error.message) == ("user.refund.late", "It was bought 31 days ago.")
    assert error.details == {"days": 31, "most": 30}
