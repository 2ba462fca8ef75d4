"""Every example on the whole engine: a real Temporal server, a worker, and HTTP services on loopback."""

import asyncio
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import JsonValue

from dag.inputs import accepted
from tests.activities.http_server import Request, reply, serving
from tests.examples.publishing import FOLDER, NAMES, SECRETS, problems, published
from tests.examples.running import Runner, answering, body


@pytest.mark.parametrize(
    ("price", "looked_at_by"),
    [(3.5, "nobody"), (3500, "a person")],
)
async def test_an_order_is_priced_and_goes_its_way(run: Runner, price: float, looked_at_by: str) -> None:
    done = await run("order-review", {"lines": [{"quantity": 2, "price": price}]})
    assert done.ended.output == {"total": 2 * price, "looked_at_by": looked_at_by}


async def test_an_empty_order_fails_with_its_own_code(run: Runner) -> None:
    assert (await run("order-review", {"lines": []})).ended.error.code == "user.order.empty"


@pytest.mark.parametrize(
    ("invoice", "output"),
    [
        ({"currency": "EUR", "total": 449.5}, {"pay": 449.5, "why": "It is what was ordered."}),
        ({}, {"pay": 450, "why": "It differs by 0.5 euro."}),
        ({"total": 900}, {"pay": 0, "why": "Somebody has to look at 2030-117."}),
    ],
    ids=["what was ordered", "nearly", "too much"],
)
async def test_an_invoice_is_paid_as_ordered(run: Runner, invoice: dict[str, Any], output: JsonValue) -> None:
    assert (await run("invoice-check", invoice)).ended.output == output


async def test_an_invoice_in_another_currency_fails_with_a_code_of_its_own(run: Runner) -> None:
    error = (await run("invoice-check", {"currency": "JPY"})).ended.error
    assert (error.code, error.details) == ("user.invoice.currency", {"number": "2030-117"})


async def test_the_first_answer_wins_and_the_other_request_is_cancelled(run: Runner) -> None:
    async def never(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(never) as main, serving(body({"rate": 0.95})) as mirror:
        done = await run("first-answer", {"main": main.url, "mirror": mirror.url})
        assert done.ended.output == {"rate": 0.95, "from": "mirror"}
        assert done.status("main") == "cancelled"


async def test_a_service_that_fails_leaves_the_race_to_the_other(run: Runner) -> None:
    async with serving(reply(404)) as main, serving(body({"rate": 0.95})) as mirror:
        done = await run("first-answer", {"main": main.url, "mirror": mirror.url})
        assert done.ended.output == {"rate": 0.95, "from": "mirror"}


async def test_two_of_three_votes_are_enough(run: Runner) -> None:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target.startswith("/register"):
            await asyncio.Event().wait()
        writer.write(body({"agrees": True}))

    async with serving(answer) as assessors:
        done = await run("two-of-three", {"assessors": assessors.url})
        assert done.ended.output == {"lent": 2500, "in_favour": ["income", "history"]}
        assert done.status("register") == "cancelled"


async def test_one_vote_of_three_is_not_enough(run: Runner) -> None:
    votes = {"/income": body({"agrees": True}), "/history": body({}), "/register": body({"agrees": False})}
    async with serving(answering(votes)) as assessors:
        done = await run("two-of-three", {"assessors": assessors.url})
        assert done.ended.output == {"lent": 0}


async def test_a_busy_service_is_asked_again_with_the_same_key_when_it_says(run: Runner) -> None:
    answers = iter([reply(503, b"", "Retry-After: 1"), reply(429), body({"state": "placed"}, 201)])
    times: list[float] = []

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        times.append(asyncio.get_running_loop().time())
        writer.write(next(answers))

    async with serving(answer) as shop:
        done = await run("patient-retry", {"shop": shop.url})
        assert done.ended.output == {"state": "placed"}
        assert len({request.header("idempotency-key") for request in shop.requests}) == 1
        assert len(shop.requests) == 3
        assert times[1] - times[0] >= 1


async def test_a_price_that_cannot_be_asked_for_is_the_last_one(run: Runner) -> None:
    async with serving(reply(404)) as shop:
        done = await run("fallback", {"shop": shop.url})
        assert done.ended.output == {"price": 41.9, "fresh": False, "error": "http.404"}
        assert done.status("count") == "failed"


async def test_a_price_that_can_be_asked_for_needs_no_fallback(run: Runner) -> None:
    async with serving(body({"price": 44})) as shop:
        done = await run("fallback", {"shop": shop.url})
        assert done.ended.output == {"price": 44, "fresh": True}
        assert done.status("stored") == "skipped"


async def test_sales_become_a_report(run: Runner) -> None:
    done = await run("sales-report")
    assert done.ended.output == {
        "total": 530,
        "best": "south",
        "pages": [
            [
                {"region": "south", "sales": 1, "amount": 300},
                {"region": "north", "sales": 2, "amount": 210},
            ],
            [{"region": "east", "sales": 1, "amount": 20}],
        ],
    }


@pytest.mark.parametrize(("state", "shipped"), [("open", True), ("called off", False)])
async def test_an_order_is_shipped_unless_it_was_called_off(run: Runner, state: str, *, shipped: bool) -> None:
    answers = {"/orders/o-88": body({"state": state}), "/orders/o-88/shipment": body({}, 201)}
    async with serving(answering(answers)) as shop:
        done = await run("cooling-off", {"shop": shop.url, "wait": "50ms"})
        assert done.ended.output == {"shipped": shipped}
        assert [request.method for request in shop.requests] == ["GET", "POST"][: 1 + shipped]


async def test_a_shop_that_does_not_answer_in_time_is_not_waited_for(run: Runner) -> None:
    async def never(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(never) as shop:
        error = (await run("cooling-off", {"shop": shop.url, "wait": "50ms"})).ended.error
        assert error.code == "user.order.unknown"
        assert "timeout." in error.message


async def test_a_payment_shows_neither_its_key_nor_what_is_masked(run: Runner) -> None:
    answer = body({"id": "p-1", "account": "secret-account"}, 201, "Set-Cookie: session=secret-session")
    async with serving(answer) as payments:
        done = await run("payment", env={"payments_url": payments.url})
        assert done.ended.output == {"payment": "p-1", "to": "…2051"}
        assert payments.requests[0].header("authorization") == f"Bearer {SECRETS['payments_key']}"
        shown = repr(done.events) + repr(run.sink.attempts)
        assert "p-1" in shown
        assert not [
            hidden for hidden in (SECRETS["payments_key"], "secret-account", "secret-session") if hidden in shown
        ]


async def test_a_customer_is_shown_without_what_is_missing(run: Runner) -> None:
    answers = {
        "/customers/c-1042": body({"name": "Ines"}),
        "/orders": body([{"number": 1, "state": "open"}, {"number": 2, "state": "closed"}]),
    }
    async with serving(answering(answers)) as services:
        done = await run("customer-view", {"service": services.url})
        assert done.ended.output == {"name": "Ines", "open_orders": [{"number": 1, "state": "open"}]}
        assert done.status("mood") == "failed"


def test_no_example_is_without_a_test() -> None:
    texts = [file.read_text() for file in Path(__file__).parent.glob("test_*.py")]
    tested = set(re.findall(r'run(?:\.begin)?\("([a-z-]+)"', "\n".join(texts)))
    assert tested == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_what_it_shows_and_publishes_without_a_warning(name: str) -> None:
    assert (FOLDER / f"{name}.yaml").read_text().startswith("# ")
    assert published(name).definition.name == name
    assert not problems(name)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_has_an_input_that_fits(name: str) -> None:
    accepted(orjson.loads((FOLDER / f"{name}.input.json").read_bytes()), published(name).definition.input)


def test_every_example_is_in_the_index() -> None:
    assert set(re.findall(r"\]\(([a-z-]+)\.yaml\)", (FOLDER / "README.md").read_text())) == set(NAMES)
