"""Follows an execution to its end."""

import time
from collections.abc import Callable, Iterator

from cli.displays import display
from cli.outcomes import BY_STATUS, Unreachable
from cli.progress import Progress, Step
from cli.replies import EventPage, Execution
from cli.server import Api, Reply

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
LOST_AFTER = 60.0
"""Seconds without an answer until following is given up; a server that is restarted is back sooner."""
_PAGE = 500


def follow(api: Api, started: Execution, *, quiet: bool) -> tuple[Execution, str]:
    """Show what an execution does until it has ended; the answer is its end, also as the API tells it."""
    progress = Progress()
    pause = FIRST_PAUSE
    with display(started, quiet=quiet) as shown:
        while True:
            news = False
            for step in _news(api, started.id, progress):
                shown.step(progress, step)
                news = True
            pause = FIRST_PAUSE if news else min(pause * 1.5, LONGEST_PAUSE)
            # Its end may come without an event of its own, as when somebody terminates it in Temporal.
            if progress.ended or pause == LONGEST_PAUSE:
                reply = _patiently(lambda: api.get(f"/workflows/executions/{started.id}"))
                execution = reply.read(Execution)
                if execution.status in BY_STATUS:
                    for step in _news(api, started.id, progress):
                        shown.step(progress, step)
                    shown.end(progress, execution)
                    return execution, reply.text
            time.sleep(pause)


def _news(api: Api, id: str, progress: Progress) -> Iterator[Step]:
    while True:
        page = _events(api, id, progress.seq)
        for event in page.items:
            step = progress.take(event)
            if step is not None:
                yield step
        if len(page.items) < _PAGE:
            return


def _events(api: Api, id: str, since: int) -> EventPage:
    return _patiently(lambda: api.get(f"/workflows/executions/{id}/events", since=since, limit=_PAGE)).read(EventPage)


def _patiently(ask: Callable[[], Reply]) -> Reply:
    """Ask again while the server does not answer: it may be starting again, and the execution goes on meanwhile."""
    until = time.monotonic() + LOST_AFTER
    while True:
        try:
            return ask()
        except Unreachable:
            if time.monotonic() > until:
                raise
            time.sleep(LONGEST_PAUSE)
