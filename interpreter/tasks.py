"""The tasks of an execution: which are open, what their decisions are answered with."""

from dag.errors import PerdureError
from dag.task_ids import TaskPlace, task_id
from dag.task_messages import Answer, Decided, Decision, Task
from dag.task_refusals import TaskClosed, TaskUnknown
from interpreter import decisions
from interpreter.constructs import answering, asking
from interpreter.constructs.asking import Asking, Ending, Vote
from interpreter.decisions import Memory
from interpreter.frames import Frame, Frames
from interpreter.journal import Now
from interpreter.times import iso


class Tasks:
    """Knows the open ones by their paths, and asks what is remembered of the others."""

    def __init__(
        self, frames: Frames, memory: Memory, *, now: Now, execution: str, attempt: int, started_by: str | None
    ):
        self._memory = memory
        self._now = now
        self._execution = execution
        self._attempt = attempt
        self._started_by = started_by
        self._open: dict[str, tuple[Frame, int, Asking]] = {}
        for frame in frames.all():
            for place, held in frame.at.held.items():
                self.begin(frame, place, held.state)

    def begin(self, frame: Frame, place: int, state: object) -> None:
        """A node that lasts has started; it may be a task."""
        if isinstance(state, Asking):
            state.id = self._id(state.path)
            self._open[state.path] = frame, place, state

    def end(self, state: object) -> None:
        """A node that lasts is over."""
        if isinstance(state, Asking):
            del self._open[state.path]
            decisions.close(self._memory, state, at=iso(self._now.time))

    def find(self, path: str) -> tuple[Frame, int, Asking]:
        """An open one, with where it is."""
        return self._open[path]

    def is_open(self, path: str) -> bool:
        """Whether there is one that has not ended."""
        return path in self._open

    def answered(self, decision: Decision, *, now: float) -> Decided | None:
        """The answer to a decision that has been made before; None: it may be made. Raises what refuses it."""
        if decision.attempt != self._attempt:
            raise _other_attempt(decision, self._attempt)
        if (told := self._memory.answers.get(decision.id)) is not None and told.path == decision.path:
            return told
        path = decision.path
        if path in self._open:
            state = self._open[path][2]
            if (told := _again(path, state.votes, decision, None)) is None:
                answering.check(state, decision, started_by=self._started_by, now=now)
            return told
        if (ended := self._memory.ended.get(path)) is None:
            raise TaskUnknown
        if (told := _again(path, ended.votes, decision, ended.ending)) is None:
            raise answering.closed(asking.decided(path, ended.votes, ended.ending))
        return told

    def answer(self, decision: Decision, *, now: float) -> Answer:
        """What a decision would be told in an execution that has ended."""
        try:
            return Answer(self.answered(decision, now=now) or _unheard(decision))
        except PerdureError as refused:
            return Answer(refused=refused.value())

    def counted(self, decision: Decision, state: Asking) -> Decided:
        """The answer to a decision that has just been made."""
        told = asking.as_answered(state.path, state.votes, len(state.votes) - 1, state.ending)
        self.remember(decision, told)
        return told

    def remember(self, decision: Decision, told: Decided) -> None:
        """Answer so whenever it is said again."""
        decisions.answer(self._memory, decision.id, told, is_open=self._open.__contains__)

    def open(self) -> list[Task]:
        """All that are open, in the order in which they began."""
        return [self._shown(state) for _, _, state in self._open.values()]

    def task(self, path: str) -> Task | None:
        """One of them, or of those that have ended."""
        if path in self._open:
            return self._shown(self._open[path][2])
        ended = self._memory.ended.get(path)
        if ended is None:
            return None
        told = asking.decided(path, ended.votes, ended.ending)
        return Task(
            id=self._id(path),
            path=path,
            attempt=self._attempt,
            type=ended.word,
            title=ended.title,
            status=told.status,
            votes=told.votes,
            verdict=told.verdict,
            by=told.by,
            at=told.at,
            comment=told.comment,
        )

    def _id(self, path: str) -> str:
        return task_id(TaskPlace(self._execution, self._attempt, path))

    def _shown(self, state: Asking) -> Task:
        return Task(
            id=state.id,
            path=state.path,
            attempt=self._attempt,
            type=state.word,
            title=state.title,
            status="open",
            votes=asking.decided(state.path, state.votes, None).votes,
            description=state.description,
            form=state.form,
            assignees=tuple(state.assignees),
            required=state.required,
            allow_self=state.allow_self,
            since=iso(state.since),
            due=None if state.due is None else iso(state.due),
        )


def _again(path: str, votes: list[Vote], decision: Decision, ending: Ending | None) -> Decided | None:
    number = asking.repeated(votes, decision, ending)
    return None if number is None else asking.as_answered(path, votes, number, ending)


def _unheard(decision: Decision) -> Decided:
    """Open when the execution ended, which no task is."""
    raise TaskUnknown


def _other_attempt(decision: Decision, attempt: int) -> PerdureError:
    if decision.attempt > attempt:
        return TaskUnknown()
    return TaskClosed(f"The task was asked by attempt {decision.attempt}; the execution is in attempt {attempt}.")
