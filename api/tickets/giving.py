"""Gives out tickets, and takes them in."""

from api.keys import AuthInvalid
from api.means import Means
from api.tickets.shapes import TicketIn
from store import executions, tickets
from store.ids import ExecutionId
from store.session import Session
from store.tenants import Holder
from store.tickets import Ticket

EXECUTIONS = "executions"
"""The stream of all executions; of one it is its id."""


async def given(session: Session, caller: Holder, asked: TicketIn) -> Ticket:
    """Make a ticket for a stream that there is. Raises ExecutionUnknown."""
    if asked.execution is not None:
        await executions.attempt(session, ExecutionId(asked.execution))
    return await tickets.add(session, asked.execution or EXECUTIONS, caller.key)


async def taken(means: Means, ticket: str, execution: str | None) -> Holder:
    """Whose ticket it is; nobody can use it again. Raises AuthInvalid."""
    found = await tickets.redeem(means.database, ticket, execution or EXECUTIONS)
    if found is None:
        raise AuthInvalid("This ticket has been used, is too old, or is for another stream.")
    return found
