"""Counts what analytics add up anew, from the rows that it is of."""

from runtime import database
from runtime.settings import Settings
from store import rollups, tenants
from store.session import session


async def recount(settings: Settings) -> int:
    """Do it for every tenant, one after the other; gives how many there are. Each step is a transaction of its own, for
    which whoever writes has to wait."""
    async with database.opened(settings) as opened:
        every = await tenants.every(opened)
        for tenant in every:
            async with session(opened, tenant) as counting:
                await rollups.recount(counting)
            counting_on = unfolded = True
            while counting_on or unfolded:
                async with session(opened, tenant) as step:
                    counting_on = await rollups.count_some(step)
                async with session(opened, tenant) as folding:
                    unfolded = await rollups.fold(folding)
        return len(every)
