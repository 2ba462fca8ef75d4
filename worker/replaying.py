"""How interpreters run, and run again over the history of what they did: the same way."""

from collections.abc import Callable
from importlib.metadata import version

from temporalio.client import Client
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from dag.events import StepEvent
from interpreter.reusable import Remember
from interpreter.workflow import Interpreter
from worker.step_events import StepEvents

RUNNER = UnsandboxedWorkflowRunner()
"""The only workflow code is our own, whose determinism the tests show, in the sandbox and by replays. The sandbox would
take a third of the time of a step (measured)."""

BUILD = version("perdure")
"""What Temporal shows of a worker. By default the SDK reads every module there is to make a name, for a second."""


def replayer(client: Client, step: Callable[[StepEvent, bool], None], *, remember: Remember | None = None) -> Replayer:
    """Make what replays histories, and hands on what interpreters say in them."""
    return Replayer(
        workflows=[Interpreter],
        namespace=client.namespace,
        data_converter=client.data_converter,
        workflow_runner=RUNNER,
        build_id=BUILD,
        interceptors=[StepEvents(step, remember=remember)],
    )
