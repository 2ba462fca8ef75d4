"""Who may run: what a gate decides, with no I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dag.concurrency import Arrival


@dataclass(frozen=True, slots=True)
class Admit:
    """Let an execution run."""

    execution: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Tell an execution that it may not."""

    execution: str


@dataclass(frozen=True, slots=True)
class Replace:
    """Have an execution end, so that another one takes its place."""

    execution: str


Act = Admit | Reject | Replace


@dataclass
class Admissions:
    """Who runs and who waits, in the order in which they came. The limit is the last one that somebody came with."""

    limit: int = 1
    inside: list[str] = field(default_factory=list[str])
    queue: list[str] = field(default_factory=list[str])
    replaced: list[str] = field(default_factory=list[str])
    """Those of both that were asked to end."""

    @property
    def is_idle(self) -> bool:
        """Whether nobody runs or waits."""
        return not (self.inside or self.queue)

    def is_full_for(self, arrival: Arrival) -> bool:
        """Whether somebody who arrives cannot run at once."""
        return arrival.execution not in self.inside and len(self.inside) + len(self.queue) >= arrival.limit

    def arrive(self, arrival: Arrival) -> Iterator[Act]:
        """Somebody wants to run. It may be said again."""
        new = arrival.execution
        if new in self.queue:
            return
        self.limit = arrival.limit
        yield from self._admit()
        if new in self.inside:
            yield Admit(new)
        elif len(self.inside) < self.limit:
            self.inside.append(new)
            yield Admit(new)
        elif arrival.on_limit == "reject":
            yield Reject(new)
        else:
            self.queue.append(new)
            if arrival.on_limit == "replace":
                yield from self._replace()

    def leave(self, executions: Iterable[str]) -> Iterator[Act]:
        """Some have ended, or wait no longer."""
        for left in executions:
            for those in (self.inside, self.queue, self.replaced):
                if left in those:
                    those.remove(left)
        yield from self._admit()

    def _replace(self) -> Iterator[Act]:
        """The newest stay."""
        everybody = [*self.inside, *self.queue]
        for old in everybody[: max(0, len(everybody) - self.limit)]:
            if old not in self.replaced:
                self.replaced.append(old)
                yield Replace(old)

    def _admit(self) -> Iterator[Act]:
        while self.queue and len(self.inside) < self.limit:
            self.inside.append(self.queue.pop(0))
            yield Admit(self.inside[-1])
