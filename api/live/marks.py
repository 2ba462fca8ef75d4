"""How far one stream of several executions has told: the `id` of each of its events, by which browsers go on.

The execution that was asked for goes by its number alone; the others by the ends of their ids, for there may be a
thousand of them in one header. Forty-eight random bits are enough to tell those apart."""

from collections.abc import Mapping

from store.ids import ExecutionId

ENDING = 12
"""Characters of an id: as many as are random in each."""
PATTERN = rf"^[0-9]{{1,15}}(~[0-9a-f]{{{ENDING}}}\.[0-9]{{1,15}}){{0,1000}}$"


class Mark:
    """Where a stream can be taken up again."""

    def __init__(self, execution: ExecutionId, since: int | None, seen: Mapping[str, int]):
        self._execution = execution
        self._own = since
        self._others = {id[-ENDING:]: seq for id, seq in seen.items()}

    def after(self, execution: ExecutionId, seq: int) -> str | None:
        """The same once this was told; None: the first word of the execution that was asked for is still to come."""
        if execution == self._execution:
            self._own = seq
        else:
            self._others[execution[-ENDING:]] = seq
        if self._own is None:
            return None
        return "~".join([str(self._own), *(f"{id}.{seq}" for id, seq in self._others.items())])


def read(written: str) -> tuple[int, dict[str, int]]:
    """The number of the execution that was asked for, and those of others by the ends of their ids."""
    own, *others = written.split("~")
    return int(own), {id: int(seq) for id, _, seq in (each.partition(".") for each in others)}


def position(seen: Mapping[str, int], execution: ExecutionId) -> int:
    """How far an execution has been told."""
    return seen.get(execution, seen.get(execution[-ENDING:], 0))
