"""Draws what took how long."""

from datetime import UTC, datetime

import typer
from rich.text import Text

from cli.history_replies import Bar, Timeline
from cli.plain import clean
from cli.showing import STYLES, headed, print_table, seconds

WIDTH = 40


def timeline_shown(found: Timeline) -> None:
    """A line for each bar, drawn on the time that the page spans."""
    begins = [bar.started_at for bar in found.items if bar.started_at is not None]
    if begins:
        first, last = min(begins), max(_end(bar) for bar in found.items)
        drawn = headed("PATH", "TYPE", "STATUS", "TOOK", f"0 s … {seconds(last - first)}")
        for bar in found.items:
            took = "" if bar.started_at is None else seconds(_end(bar) - bar.started_at)
            status = _status(bar)
            drawn.add_row(
                Text(clean(bar.path)),
                bar.type or bar.kind,
                Text(status, STYLES.get(status, "")),
                took,
                Text(_drawn(bar, first, (last - first).total_seconds()), STYLES.get(status, "")),
            )
        print_table(drawn)
    if found.next is not None:
        typer.echo(f"more: --cursor {found.next}")


def _status(bar: Bar) -> str:
    if bar.status is not None:
        return bar.status + (f" (attempt {len(bar.attempts)})" if len(bar.attempts) > 1 else "")
    return ", ".join(f"{count} {status}" for status, count in (bar.statuses or {}).items())


def _end(bar: Bar) -> datetime:
    return bar.ended_at or (datetime.now(UTC) if bar.started_at is not None else datetime.min.replace(tzinfo=UTC))


def _drawn(bar: Bar, first: datetime, whole: float) -> str:
    if bar.started_at is None:
        return ""
    share = WIDTH / whole if whole > 0 else 0.0
    left = min(WIDTH - 1, int((bar.started_at - first).total_seconds() * share))
    long = int((_end(bar) - bar.started_at).total_seconds() * share)
    return " " * left + "━" * max(1, min(long, WIDTH - left))
