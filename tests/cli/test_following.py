"""Following an execution: nothing is missed and nothing told twice, whatever becomes of the connection."""

import asyncio
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from temporalio.client import Client

from cli.following import follow
from cli.replies import Execution
from cli.server import Api as Way
from cli.server import Server
from store.database import Database
from tests.api.service import Api, Caller
from tests.api.test_executions import becomes, begun
from tests.api.working import published, waiting
from tests.cli.test_events import perdure
from worker.healing import heal

ID = "ex_" + "0" * 32
AT = "2030-01-01T00:00:00Z"
EXECUTION = {
    "id": ID, "workflow": "w", "version": 1, "status": "succeeded", "attempt": 1, "started_at": AT, "closed_at": AT,
}  # fmt: skip
EVENTS = [
    {"seq": n, "at": AT, "type": "node.succeeded", "path": f"n{n}", "attempt": 1, "data": {}} for n in range(1, 1206)
]


class Flaky(BaseHTTPRequestHandler):
    """Tells two events, is gone; tells two more, is stopped; has left most out, and ends."""

    asked: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        since = int(parse_qs(address.query).get("since", ["0"])[0])
        if address.path.endswith("/stream"):
            self._stream(since)
        elif address.path.endswith("/events"):
            self._send("application/json", json.dumps({"items": EVENTS[since : since + 500]}))
        else:
            self._send("application/json", json.dumps(EXECUTION))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _stream(self, since: int) -> None:
        self.asked.append(since)
        match len(self.asked):
            case 1:
                told: list[Any] = [{"kind": "events", "execution": ID, "items": EVENTS[:2]}]
            case 2:
                self.send_error(503)
                return
            case 3:
                told = [{"kind": "events", "items": EVENTS[2:4]}, {"kind": "close", "code": 1012, "reason": "restart"}]
            case _:
                told = [
                    {"kind": "heartbeat", "at": AT},
                    {"kind": "resync", "execution": ID, "seq": 1204},
                    {"kind": "events", "items": EVENTS[1204:]},
                    {"kind": "end", "execution": EXECUTION},
                ]
        text = "retry: 1000\n\n" + "".join(
            f"event: {message['kind']}\nid: 1\ndata: {json.dumps(message)}\n\n" for message in told
        )
        self._send("text/event-stream", text, cut=len(self.asked) == 1)

    def _send(self, type: str, text: str, *, cut: bool = False) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(len(body) + 10 * cut))  # the rest never comes
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def answering() -> Generator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Flaky) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_stream_that_is_lost_is_taken_up_again_where_it_was(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.following.PAUSE", 0.01)
    with answering() as url:
        way = Way(Server(url, "key"))
        ended, _ = follow(way, Execution.model_validate({**EXECUTION, "status": "running"}), quiet=False)
        way.close()
    assert ended.status == "succeeded"
    assert Flaky.asked == [0, 2, 2, 4]
    told = [line.split()[-1] for line in capsys.readouterr().out.splitlines() if " n" in line]
    assert told == [event["path"] for event in EVENTS]


@pytest.mark.usefixtures("working")
async def test_an_end_that_only_temporal_knows_is_told_once_the_journal_is_healed(
    api: Api, me: Caller, client: Client, store: Database
) -> None:
    await published(me, waiting())
    id = (await begun(me))["id"]
    await becomes(me, id, "waiting")
    following = asyncio.create_task(perdure(api, me, "follow", id))
    await asyncio.sleep(0.5)
    await client.get_workflow_handle(f"{me.tenant}/{id}").terminate()
    await heal(client, store, me.tenant, id)
    followed = await following
    assert (followed.status, "terminated" in followed.out) == (3, True), followed
