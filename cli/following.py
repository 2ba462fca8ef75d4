"""Follows an execution to its end, on the stream of what happens in it."""

import time
from collections.abc import Callable, Iterator

from cli.displays import display
from cli.outcomes import BY_STATUS, Unreachable
from cli.progress import Progress, Step
from cli.replies import EventPage, Execution
from cli.server import Api, Reply

PAUSE = 1.0
"""Seconds before a stream that was lost is opened again."""
LOST_AFTER = 60.0
"""Seconds without an answer until following is given up; a server that is restarted is back sooner."""
_PAGE = 500


def follow(api: Api, started: Execution, *, quiet: bool) -> tuple[Execution, str]:
    """Show what an execution does until it has ended; the answer is its end, also as the API tells it."""
    progress = Progress()
    with display(started, quiet=quiet) as shown:
        while True:
            for step in _news(api, started.id, progress):
                shown.step(progress, step)
            reply = _patiently(lambda: api.get(_address(started.id)))
            execution = reply.read(Execution)
            if execution.status in BY_STATUS:
                shown.end(progress, execution)
                return execution, reply.text
            time.sleep(PAUSE)  # somebody has had it go on meanwhile


def _news(api: Api, id: str, progress: Progress) -> Iterator[Step]:
    """What happens until the stream says that it is over. One that is lost is taken up again where it was: the server
    may be starting again, and the execution goes on meanwhile."""
    until = time.monotonic() + LOST_AFTER
    while True:
        try:
            for message in api.stream(_address(id, "stream"), since=progress.seq):
                if message.kind != "close":
                    until = time.monotonic() + LOST_AFTER
                match message.kind:
                    case "events":
                        yield from progress.take_all(message.items)
                    case "resync":
                        yield from _left_out(api, id, progress, message.seq)
                    case "end":
                        return
                    case _:
                        pass
        except Unreachable:
            if time.monotonic() > until:
                raise
        time.sleep(PAUSE)


def _left_out(api: Api, id: str, progress: Progress, upto: int) -> Iterator[Step]:
    """What the stream has not told, since this was too slow for it."""
    while progress.seq < upto:
        since = progress.seq
        page = _patiently(lambda since=since: api.get(_address(id, "events"), since=since, limit=_PAGE))
        yield from progress.take_all(page.read(EventPage).items)
        if progress.seq == since:
            return


def _address(id: str, *part: str) -> str:
    return "/".join(["/workflows/executions", id, *part])


def _patiently(ask: Callable[[], Reply]) -> Reply:
    until = time.monotonic() + LOST_AFTER
    while True:
        try:
            return ask()
        except Unreachable:
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE)
