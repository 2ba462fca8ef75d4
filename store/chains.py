"""What step events do to what is stored of their strands, decided before anything is written.

A row keeps its number and its place. Where it turns out to be another event's, its content is replaced; where it turns
out never to have happened, it is withdrawn."""

from dataclasses import dataclass

from dag.events import StepEvent
from dag.journal import replaces

REPLACED = "replaced"
"""The type of a row that an abandoned task left, and that no event has taken the place of."""
ENDINGS = {
    "execution.succeeded": "succeeded",
    "execution.failed": "failed",
    "execution.cancelled": "cancelled",
    "execution.timed_out": "timed_out",
}
"""The status of an execution after the event that ends it."""

STEERED = frozenset({"execution.paused", "execution.resumed"})


@dataclass(slots=True)
class Link:
    """One number of a strand, as it is stored (`seq` is its place) or is to be stored (`event` is its content)."""

    n: int
    seq: int
    type: str
    path: str
    previous: int
    checksum: int
    task: int
    event: StepEvent | None = None
    replayed: bool = False
    """Whether a replay says so now: then it is what Temporal has in its history."""
    was: str | None = None
    """The path it stood under, once readers must read it again."""
    closed: bool = False
    """Whether it ended its execution, once readers must read it again."""
    steered: bool = False
    """The same of one that paused it, or let it go on."""


Chain = dict[int, Link]
"""What is known of a strand, by number; not all of it need be."""


def take(chain: Chain, event: StepEvent, *, replayed: bool) -> None:
    """Put an event in its place, unless what stands there is right."""
    link = chain.get(event.n)
    if link is None:
        chain[event.n] = _linked(event, replayed=replayed)
        return
    differs = event.checksum != link.checksum
    if link.type == REPLACED:
        # Also of a task with a shorter history: a later run of the same execution begins a history anew.
        if not (replayed or differs):
            return
    elif not replaces(event, link, replayed=replayed):
        link.replayed = link.replayed or (replayed and not differs)
        return
    if differs or link.type == REPLACED:
        _outdate(link)
    link.type, link.path = event.type, event.path
    link.previous, link.checksum, link.task = event.previous, event.checksum, event.task
    link.event, link.replayed = event, replayed


def withdraw(chain: Chain, *, end: int | None = None) -> None:
    """Take back what never happened: what follows an event that has been replaced but not from it, what follows from
    that in turn, and all beyond the last number that a strand which has ended said."""
    for n in sorted(chain):
        link, before = chain[n], chain.get(n - 1)
        if link.type == REPLACED:
            continue
        if (end is not None and n > end) or (before is not None and _is_false(link, before)):
            _outdate(link)
            link.type, link.event = REPLACED, None


def outdated(chain: Chain) -> list[Link]:
    """The stored rows that readers must read again."""
    return [link for link in chain.values() if link.was is not None and link.seq]


def _is_false(link: Link, before: Link) -> bool:
    follows = link.previous == before.checksum
    if link.replayed:
        return False
    if before.type == REPLACED:
        return follows
    return not follows and (before.replayed or link.task < before.task)


def _outdate(link: Link) -> None:
    if link.was is None:
        link.was = link.path
    link.closed = link.closed or link.type in ENDINGS
    link.steered = link.steered or link.type in STEERED


def _linked(event: StepEvent, *, replayed: bool) -> Link:
    return Link(
        event.n, 0, event.type, event.path, event.previous, event.checksum, event.task, event=event, replayed=replayed
    )
