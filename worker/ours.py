"""Perdure's own workflows and activities that executions need besides those of nodes."""

from collections.abc import Awaitable, Callable, Sequence

from temporalio.client import Client

from store.database import Database
from worker.children import child_activities
from worker.dependencies import dependency_activities
from worker.events import event_activities
from worker.gate import Gate
from worker.gates import gate_activities
from worker.question import Why
from worker.steering import steering_activities
from worker.why import why_activities

OUR_WORKFLOWS: Sequence[type] = (Gate, Why)


def our_activities(client: Client, database: Database) -> Sequence[Callable[..., Awaitable[object]]]:
    """Make the activities."""
    return [
        *event_activities(client, database),
        *child_activities(client, database),
        *gate_activities(client, database),
        *dependency_activities(database),
        *steering_activities(client),
        *why_activities(client),
    ]
