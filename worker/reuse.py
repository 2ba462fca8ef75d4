"""One attempt of a node with `cache`: nothing runs if its output is there already."""

import asyncio
import logging

import orjson
from pydantic import JsonValue

from dag.invocation import Invocation
from store.cache import Made
from store.database import StoreUnavailable
from worker import attempt
from worker.attempt import Call, Means, NodeTimeout, Notes, time_left, within

logger = logging.getLogger("perdure.cache")

KEEPING = 2.0
"""Seconds that storing an output may take: the node has succeeded, and others wait for it."""


async def run(call: Call, means: Means, notes: Notes) -> bytes:
    """Give the stored output, or run it once and store what it gives. Two who do so at once both run it, and the later
    output stays."""
    invocation = call.invocation
    assert invocation.cache is not None
    made_of = recipe(call.type, call.config, invocation)  # now: the attempt writes secrets into the config
    # As with secrets, waiting is none of the attempt's time.
    found = await within(time_left(invocation.deadline), means.cache.find(call.tenant, made_of), NodeTimeout)
    if found is not None:
        notes.cached = True
        return found
    output = await attempt.run(call, means, notes)
    made = Made(type=call.type, execution=call.execution, output=output, ttl=invocation.cache.ttl)
    try:
        async with asyncio.timeout(KEEPING):
            await means.cache.keep(call.tenant, made_of, made)
    except (StoreUnavailable, TimeoutError):
        logger.warning("An output of %s could not be kept for others: the database does not answer", call.type)
    except asyncio.CancelledError:
        # Too late to be cancelled: it may have had its effect, and what acknowledges a cancel says that it had none.
        logger.info("An output of %s was not kept for others: its node was cancelled", call.type)
    return output


def recipe(type: str, config: JsonValue, invocation: Invocation) -> bytes:
    """All that makes two outputs the same, as canonical JSON. Secrets stand in it by their names: a secret that is
    replaced by another value changes nothing, and outputs made with the old one are used until their time is over."""
    secrets = sorted(invocation.secrets, key=lambda text: text.at)
    key = None if invocation.cache is None else invocation.cache.key
    # JSON on one line holds no line break, so that none of these can run into the next.
    return b"\n".join(orjson.dumps(part, option=orjson.OPT_SORT_KEYS) for part in (type, config, secrets, key))
