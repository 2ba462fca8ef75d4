"""The node runs of two executions beside each other, by their paths."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import text

from store.ids import ExecutionId
from store.session import Session

Output = Literal["equal", "different", "unknown"]


@dataclass(frozen=True)
class Side:
    """A node run in one of the executions."""

    status: str
    port: str | None
    error_code: str | None
    seconds: float | None


@dataclass(frozen=True)
class Pair:
    """The node runs of one path; at least one of them is there."""

    path: str
    one: Side | None
    other: Side | None
    output: Output | None
    """Unknown: both are too large for the journal, and as long; null: one of the node runs is not there."""
    differs: bool


async def pairs(
    session: Session,
    one: tuple[ExecutionId, int],
    other: tuple[ExecutionId, int],
    *,
    only_different: bool,
    after: str,
    limit: int,
) -> Sequence[Pair]:
    """List pairs in the order of their paths, those after a path; of each execution one attempt."""
    values: dict[str, Any] = {
        "one": one[0],
        "one_attempt": one[1],
        "other": other[0],
        "other_attempt": other[1],
        "after": after,
        "limit": limit,
        "all": not only_different,
    }
    return [_pair(session, *row) for row in await session.sql.execute(_PAIRS, values)]


_SIDE = """
    select path, status, port, error_code, extract(epoch from ended_at - started_at)::float8 as seconds, output,
        output_bytes
    from node_runs where execution_id = :{side} and attempt = :{side}_attempt and path > :after
"""
_PAIRS = text(f"""
select coalesce(one.path, other.path) as path, one.path is not null, one.status, one.port, one.error_code, one.seconds,
    other.path is not null, other.status, other.port, other.error_code, other.seconds,
    one.output, other.output, one.output_bytes, other.output_bytes
from ({_SIDE.format(side="one")}) as one full join ({_SIDE.format(side="other")}) as other on other.path = one.path
where :all or one.path is null or other.path is null
    or (one.status, one.port, one.error_code, one.output, one.output_bytes)
        is distinct from (other.status, other.port, other.error_code, other.output, other.output_bytes)
order by 1 limit :limit
""")  # noqa: S608 made of constants


def _pair(session: Session, path: str, *row: Any) -> Pair:
    one = Side(*row[1:5]) if row[0] else None
    other = Side(*row[6:10]) if row[5] else None
    if one is None or other is None:
        return Pair(path, one, other, None, differs=True)
    output = _output(session, *row[10:])
    told = [(side.status, side.port, side.error_code) for side in (one, other)]
    return Pair(path, one, other, output, differs=told[0] != told[1] or output == "different")


def _output(
    session: Session, one: bytes | None, other: bytes | None, one_bytes: int | None, other_bytes: int | None
) -> Output:
    if one is None and other is None and one_bytes is not None and one_bytes == other_bytes:
        return "unknown"
    if one == other:
        return "equal" if one_bytes == other_bytes else "different"
    if one is None or other is None:
        return "different"
    # Sealed alike they are equal; what another master key sealed must be opened.
    return "equal" if session.seal.open(one) == session.seal.open(other) else "different"
