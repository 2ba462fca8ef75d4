"""What the row of an execution says of where it stands: written by the journal, under that row's lock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import orjson
from pydantic import JsonValue
from sqlalchemy import text

from dag.events import StepEvent
from dag.templates import as_text
from store import error_words
from store.arrays import array
from store.chains import ENDINGS, STEERED
from store.sealing import Seal
from store.session import Session

PAUSED = "paused"
LONGEST_WORD = 500
"""Characters of a value that executions are found by."""


@dataclass(slots=True)
class Head:
    """One execution's row, as far as the journal writes it. What is None stays as it is."""

    id: str
    attempt: int
    last_seq: int
    closed_at: float | None
    status: str | None = None
    """Set when it ends; None: as its node runs say."""
    ended: bool = False
    """Whether `output` and `error` are to be written."""
    output: bytes | None = None
    output_bytes: int | None = None
    error: bytes | None = None
    error_code: str | None = None
    workflow: str | None = None
    version: int | None = None
    trigger: str | None = None
    input: bytes | None = None
    started_at: float | None = None
    rerun_of: str | None = None
    """The execution in whose middle it begins."""
    compensation: str | None = None
    search: Mapping[str, str] | None = None
    """Values that it is found by."""
    error_words: Sequence[str] = ()
    """As they are kept: those of the error that it ended with."""
    reopened: bool = False
    """Whether the words of an error are taken back that it ended with before."""
    steered_n: int = 0
    """The number of the last of its events that says whether it is paused: older ones may come later."""


async def lock(session: Session, beginnings: Mapping[str, datetime]) -> dict[str, Head]:
    """Lock the rows of executions, always in the order of their ids; those that are missing are made."""
    if not beginnings:
        return {}
    ids = sorted(beginnings)
    await session.sql.execute(_MAKE, {"ids": array(ids), "times": array(beginnings[id] for id in ids)})
    rows = await session.sql.execute(_LOCK, {"ids": array(ids)})
    return {
        id: Head(
            id, attempt, last_seq, closed_at, status if closed_at is not None or status == PAUSED else None, steered_n=n
        )
        for id, attempt, last_seq, closed_at, status, n in rows
    }


_MAKE = text("""
insert into executions (id, workflow, version, status, trigger, labels, started_at)
select id, '', 0, 'running', '', '{}', started_at
from unnest(cast(:ids as text[]), cast(:times as timestamptz[])) as row (id, started_at)
on conflict do nothing
""")
_LOCK = text("""
select id, attempt, last_seq, extract(epoch from closed_at)::float8, status, steered_n
from executions where id = any(cast(:ids as text[])) order by id for update
""")


def told(head: Head, event: StepEvent, seal: Seal) -> None:
    """Take what an event of the execution itself says."""
    data = cast(Mapping[str, JsonValue], event.data or {})
    if event.attempt < head.attempt:
        return
    if event.attempt > head.attempt:
        reopen(head)
        head.attempt = event.attempt
    if event.type == "execution.queued":
        is_before = head.closed_at is None and head.started_at is None and head.status != PAUSED
        head.status = "queued" if is_before else head.status
    elif event.type == "execution.started":
        head.status = None if head.status == "queued" else head.status
        head.workflow, head.trigger = str(data["workflow"]), str(data["trigger"])
        head.version = cast(int, data["version"])
        head.input = orjson.dumps(data["input"]) if "input" in data else None
        head.started_at = event.at if event.attempt == 1 else None
    elif event.type == "execution.search":
        head.search = _words(data.get("values"))
    elif event.type == "execution.rerun_of":
        head.rerun_of = str(data["execution"])
    elif event.type in STEERED:
        _steer(head, event, data)
    elif event.type == "compensation.started":
        head.compensation = "running"
    elif event.type == "compensation.ended":
        head.compensation = str(data["status"])
    elif event.type in ENDINGS:
        _end(head, ENDINGS[event.type], event.at, data, seal)


def noted(head: Head, type: str, at: float, data: JsonValue, seal: Seal) -> bool:
    """Take the word of Temporal that an execution has ended, unless its own events say how; says whether it was
    news."""
    if type not in ENDINGS or head.closed_at is not None:
        return False
    _end(head, ENDINGS[type], at, cast(Mapping[str, JsonValue], data or {}), seal)
    return True


def reopen(head: Head) -> None:
    """It has not ended after all, or goes on with another attempt."""
    head.status, head.closed_at, head.ended, head.reopened = None, None, True, True
    head.steered_n = 0
    head.compensation = "none"
    head.output = head.output_bytes = head.error = head.error_code = None
    head.error_words = ()


def unpause(head: Head) -> None:
    """What has been said of a pause never happened."""
    head.steered_n = 0
    if head.status == PAUSED:
        head.status = None


def _steer(head: Head, event: StepEvent, data: Mapping[str, JsonValue]) -> None:
    if event.n <= head.steered_n:
        return
    head.steered_n = event.n
    if head.closed_at is None:
        after = "queued" if data.get("queued") else None
        head.status = PAUSED if event.type == "execution.paused" else after


def _end(head: Head, status: str, at: float, data: Mapping[str, JsonValue], seal: Seal) -> None:
    head.status, head.closed_at, head.ended = status, at, True
    error = cast(Mapping[str, str] | None, data.get("error"))
    head.output = orjson.dumps(data["output"]) if "output" in data else None
    head.output_bytes = cast(int | None, data.get("output_bytes"))
    head.error = None if error is None else orjson.dumps(error)
    head.error_code = None if error is None else error["code"]
    head.error_words = () if error is None else error_words.kept(seal, error["code"], error.get("message", ""))


def _words(values: JsonValue) -> dict[str, str]:
    """Values as people type them; those that are missing, null or long are not searched for."""
    read = values if isinstance(values, dict) else {}
    words = {name: as_text(value) for name, value in read.items() if value is not None}
    return {name: word for name, word in words.items() if 0 < len(word) <= LONGEST_WORD}


async def store(session: Session, heads: Sequence[Head]) -> None:
    """Write where executions stand now."""

    def sealed(content: bytes | None) -> bytes | None:
        return None if content is None else session.seal.seal(content)

    await session.sql.execute(
        _STORE,
        {
            "ids": array(head.id for head in heads),
            "attempts": array(head.attempt for head in heads),
            "seqs": array(head.last_seq for head in heads),
            "statuses": array(head.status for head in heads),
            "closed": array(head.closed_at for head in heads),
            "ended": array(head.ended for head in heads),
            "outputs": array(sealed(head.output) for head in heads),
            "output_bytes": array(head.output_bytes for head in heads),
            "errors": array(sealed(head.error) for head in heads),
            "error_codes": array(head.error_code for head in heads),
            "workflows": array(head.workflow for head in heads),
            "versions": array(head.version for head in heads),
            "triggers": array(head.trigger for head in heads),
            "inputs": array(sealed(head.input) for head in heads),
            "started": array(head.started_at for head in heads),
            "compensations": array(head.compensation for head in heads),
            "steered": array(head.steered_n for head in heads),
        },
    )
    started = [head.id for head in heads if head.started_at is not None]
    if started:
        await session.sql.execute(_STARTED, {"ids": array(started)})
    reruns = [head for head in heads if head.rerun_of is not None]
    if reruns:
        sources = {"ids": array(head.id for head in reruns), "sources": array(head.rerun_of for head in reruns)}
        await session.sql.execute(_RERUN, sources)
    reopened = [head.id for head in heads if head.reopened]
    if reopened:
        await session.sql.execute(_FORGET_ERROR, {"ids": array(reopened), "key": error_words.KEY})
    found = [(head.id, f"field.{name}", word) for head in heads for name, word in (head.search or {}).items()]
    found += [(head.id, error_words.KEY, word) for head in heads for word in head.error_words]
    if found:
        values = {"ids": array(id for id, _, _ in found), "keys": array(key for _, key, _ in found)}
        await session.sql.execute(_SEARCH, {**values, "values": array(word for _, _, word in found)})


_STORE = text("""
update executions as e
set attempt = head.attempt, last_seq = head.last_seq, updated_at = clock_timestamp(),
    check_at = clock_timestamp() + interval '3 seconds',
    status = coalesce(head.status, case
        when e.status = 'queued' and head.started_at is null and head.attempt = e.attempt
            and not exists (select from node_runs as n where n.execution_id = e.id and n.attempt = head.attempt)
            then 'queued'
        when exists (select from node_runs as n
            where n.execution_id = e.id and n.attempt = head.attempt and n.status = 'running'
            and n.type not in ('for_each', 'while', 'repeat', 'parallel', 'try')) then 'running'
        when exists (select from node_runs as n
            where n.execution_id = e.id and n.attempt = head.attempt and n.status = 'waiting') then 'waiting'
        else 'running' end),
    closed_at = to_timestamp(head.closed_at),
    output = case when head.ended then head.output else e.output end,
    output_bytes = case when head.ended then head.output_bytes else e.output_bytes end,
    error = case when head.ended then head.error else e.error end,
    error_code = case when head.ended then head.error_code else e.error_code end,
    workflow = coalesce(head.workflow, e.workflow),
    version = coalesce(head.version, e.version),
    trigger = coalesce(head.trigger, e.trigger),
    input = coalesce(e.input, head.input),
    started_at = coalesce(to_timestamp(head.started_at), e.started_at),
    compensation = coalesce(head.compensation, e.compensation),
    steered_n = head.steered_n
from unnest(
    cast(:ids as text[]), cast(:attempts as int[]), cast(:seqs as bigint[]), cast(:statuses as text[]),
    cast(:closed as float8[]), cast(:ended as boolean[]), cast(:outputs as bytea[]), cast(:output_bytes as int[]),
    cast(:errors as bytea[]), cast(:error_codes as text[]), cast(:workflows as text[]), cast(:versions as int[]),
    cast(:triggers as text[]), cast(:inputs as bytea[]), cast(:started as float8[]),
    cast(:compensations as text[]), cast(:steered as int[])
) as head (id, attempt, last_seq, status, closed_at, ended, output, output_bytes, error, error_code, workflow, version,
    trigger, input, started_at, compensation, steered_n)
where e.id = head.id
""")
_STARTED = text("""
update search_values as s set started_at = e.started_at from executions as e
where e.id = any(cast(:ids as text[])) and s.execution_id = e.id and s.started_at <> e.started_at
""")
# Only where whoever asked for the rerun was killed before its row was written: it has the labels of its source.
_RERUN = text("""
with made as (
    update executions as e
    set rerun_of = source.id, labels = source.labels, workflow_id = coalesce(e.workflow_id, source.workflow_id)
    from unnest(cast(:ids as text[]), cast(:sources as text[])) as rerun (id, source)
    join executions as source on source.id = rerun.source
    where e.id = rerun.id and e.rerun_of is null
    returning e.id, e.labels, e.started_at
)
insert into search_values (key, value, execution_id, started_at)
select 'label.' || label.key, label.value, made.id, made.started_at from made, json_each_text(made.labels) as label
on conflict do nothing
""")
_FORGET_ERROR = text("delete from search_values where execution_id = any(cast(:ids as text[])) and key = :key")
_SEARCH = text("""
insert into search_values (key, value, execution_id, started_at)
select word.key, word.value, word.id, e.started_at
from unnest(cast(:ids as text[]), cast(:keys as text[]), cast(:values as text[])) as word (id, key, value)
join executions as e on e.id = word.id
on conflict do nothing
""")
