"""One attempt of a node with `cache`: nothing runs if its output is there already."""

import asyncio
import logging

from dag.recipe import node_of, recipe
from store.cache import Made
from store.database import StoreUnavailable
from worker import attempt
from worker.attempt import Call, NodeTimeout, time_left

logger = logging.getLogger("perdure.cache")

KEEPING = 2.0
"""Seconds that storing an output may take: the node has succeeded, and others wait for it."""


async def run(call: Call) -> bytes:
    """Give the stored output, or run it once and store what it gives. Two who do so at once both run it, and the later
    output stays."""
    invocation, cache, notes, tenant = call.invocation, call.means.cache, call.notes, call.whose.tenant
    assert invocation.cache is not None
    made_of = recipe(call.type, call.config, invocation)
    # As with secrets, waiting is none of the attempt's time.
    found = await call.going.within(time_left(invocation.deadline), cache.find(tenant, made_of), NodeTimeout)
    notes.cached = found is not None
    if found is not None:
        notes.stored = found.id
        return found.output
    output = await attempt.run(call)
    made = Made(
        type=call.type,
        execution=call.whose.execution,
        output=output,
        ttl=invocation.cache.ttl,
        workflow=call.workflow,
        node=node_of(call.path),
        key=invocation.cache.key,
    )
    try:
        async with asyncio.timeout(KEEPING):
            await cache.keep(tenant, made_of, made)
    except (StoreUnavailable, TimeoutError):
        logger.warning("An output of %s could not be kept for others: the database does not answer", call.type)
    except asyncio.CancelledError:
        # Too late to be cancelled: it may have had its effect, and what acknowledges a cancel says that it had none.
        logger.info("An output of %s was not kept for others: its node was cancelled", call.type)
    return output
