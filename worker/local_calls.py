"""Hands local activities what they are called with. They run in the process of their interpreter, and Temporal keeps
nothing of it: so it is not written, sealed, stored and read again, but given as it is."""

from weakref import WeakValueDictionary

from pydantic import JsonValue
from temporalio.worker import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput

from dag.invocation import Invocation
from interpreter.orders import HAND_OVER


class Handed(dict[str, tuple[JsonValue, Invocation]]):
    """What one interpreter hands over, by the path of the node. It goes when the interpreter does."""


class LocalCalls(Interceptor):
    """Knows the interpreters of this process by their runs. One that is made anew takes the place of the one before."""

    def __init__(self) -> None:
        self._of: WeakValueDictionary[str, Handed] = WeakValueDictionary()

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """Called once per worker."""
        input.unsafe_extern_functions[HAND_OVER] = self.begin  # pyright: ignore[reportUnknownMemberType]
        return None

    def begin(self, run_id: str) -> Handed:
        """An interpreter has been made."""
        handed = self._of[run_id] = Handed()
        return handed

    def call(self, run_id: str | None, path: str) -> tuple[JsonValue, Invocation] | None:
        """The config and how it is to be run; None: who ordered it has left this process, and nobody waits."""
        handed = self._of.get(run_id or "")
        return None if handed is None else handed.get(path)
