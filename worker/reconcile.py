"""Sees to it that every journal is whole soon after its execution has ended, whatever died meanwhile.

A Temporal schedule runs a pass every half minute, on whichever worker is there."""

import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from temporalio import activity, workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowExecutionStatus,
)
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError

from dag.concurrency import GATE
from dag.strands import StrandId, strand_id
from dag.why import WHY
from runtime.settings import Settings
from store import cache, checking, rollups, strands, tenants
from store.checking import Quiet
from store.database import Database, StoreUnavailable
from store.ids import ExecutionId, TenantId
from store.session import session
from store.strands import Strand
from worker.dependencies import look_after_dependencies
from worker.event_upkeep import look_after_events
from worker.healing import Forgotten, describe, heal, heal_strand, seen
from worker.metrics import HEALED
from worker.watch import Watch

logger = logging.getLogger("perdure.reconcile")

RECONCILE = "perdure.reconcile"
EVERY = timedelta(seconds=30)
OVERLAP = timedelta(minutes=2)
"""Temporal's lists lag behind; so much of the time before the last pass is asked for once more."""
FIRST = timedelta(days=1)
"""How far the very first pass looks back."""
LOOKS = 100
"""Executions that are open and quiet, of all tenants, that one pass asks Temporal about."""
PAGE = 200
EXPIRED = 1_000
"""Stored outputs of a tenant whose time is over, that one pass removes."""
COUNTED_ANEW = 10
"""Steps of a count anew, each of a second or so, that one pass does for a tenant."""
LONGEST = timedelta(hours=1)
LOST_AFTER = timedelta(seconds=10)
"""Without a heartbeat. A pass whose worker has died keeps the next one waiting so long."""
ENDED = 'ExecutionStatus IN ("Completed", "Failed", "Canceled", "Terminated", "TimedOut")'


@workflow.defn(name=RECONCILE)
class Reconcile:
    """One pass. Its result is where the next one begins: Temporal hands it on."""

    @workflow.run
    async def run(self) -> float:
        """Look for what is not whole, and mend it."""
        since = workflow.get_last_completion_result(float)
        return await workflow.execute_activity(
            RECONCILE,
            since,
            result_type=float,
            start_to_close_timeout=LONGEST,
            heartbeat_timeout=LOST_AFTER,
            retry_policy=RetryPolicy(maximum_attempts=3),
        )


def reconcile_activity(client: Client, database: Database) -> Callable[[float | None], Awaitable[float]]:
    """Make the activity that does a pass."""

    @activity.defn(name=RECONCILE)
    async def reconcile(since: float | None) -> float:
        going = Watch().begin()
        try:
            return await run(client, database, since)
        except StoreUnavailable as gone:
            logger.warning("No journal can be mended now: %s", gone.message)
            benign = ApplicationErrorCategory.BENIGN
            raise ApplicationError(gone.message, type=gone.code, category=benign) from None
        finally:
            going.end()

    return reconcile


async def ensure_schedule(client: Client, settings: Settings, *, every: timedelta = EVERY) -> None:
    """Make the schedule, or bring it up to date, and have a pass now. Who paused it finds it paused."""
    schedule = Schedule(
        ScheduleActionStartWorkflow(RECONCILE, id=RECONCILE, task_queue=settings.queue, execution_timeout=LONGEST),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(seconds=10)),
    )

    moved = False

    def updated(found: ScheduleUpdateInput) -> ScheduleUpdate:
        nonlocal moved
        before = found.description.schedule
        schedule.state = before.state
        moved = isinstance(before.action, ScheduleActionStartWorkflow) and before.action.task_queue != settings.queue
        return ScheduleUpdate(schedule)

    try:
        await client.create_schedule(RECONCILE, schedule, trigger_immediately=True)
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(RECONCILE)
        await handle.update(updated)
        # A pass that waits on a queue which nobody works on any more would keep all others from starting.
        await handle.trigger(overlap=ScheduleOverlapPolicy.TERMINATE_OTHER if moved else None)


@dataclass
class Pass:
    """What one pass works with."""

    client: Client
    database: Database
    looks: int
    """How many more of those that are open and quiet it may ask about."""
    healed: set[StrandId] = field(default_factory=set[StrandId])
    """Once a pass is enough."""


async def run(client: Client, database: Database, since: float | None, *, looks: int = LOOKS) -> float:
    """Do one pass over all tenants; gives the time from which the next one need look. `since` is what the last gave."""
    began = time.time()
    doing = Pass(client, database, looks)
    known = set(await tenants.every(database))
    async for ended in _ended_in_temporal(client, began - FIRST.total_seconds() if since is None else since):
        for tenant in sorted(known & ended.keys()):
            async with session(database, tenant) as opened:
                whole = {id: began for (id, strand), began in ended[tenant].items() if not strand}
                missing = await checking.not_closed(opened, whole)
                batches = await strands.not_ended(opened, [each for each in ended[tenant] if each[1]])
            for execution in missing:
                await _heal(doing, tenant, execution)
            for execution, strand in batches:
                await _heal(doing, tenant, execution, strand)
    turns = sorted(known)
    random.shuffle(turns)  # so that where there is too much for one pass, everybody has a turn
    for tenant in turns:
        await _mend_broken(doing, tenant)
        await _look_at_quiet(doing, tenant)
        await look_after_events(client, database, tenant)
        await look_after_dependencies(client, database, tenant)
        async with session(database, tenant) as opened:
            await cache.remove_expired(opened, limit=EXPIRED)
        await _fold_rollups(doing, tenant)
    return began


async def _ended_in_temporal(client: Client, since: float) -> AsyncGenerator[dict[TenantId, dict[Strand, datetime]]]:
    """The executions that have ended since, and their strands, with when the last run of each began; a page at a
    time."""
    after = (datetime.fromtimestamp(since, UTC) - OVERLAP).isoformat()
    page: dict[TenantId, dict[Strand, datetime]] = {}
    count = 0
    async for found in client.list_workflows(f'CloseTime >= "{after}" AND {ENDED}'):
        whose = strand_id(found.id)
        if whose.execution in ("", GATE, WHY):  # one of Perdure's own
            continue
        began = page.setdefault(TenantId(whose.tenant), {})
        strand = (ExecutionId(whose.execution), whose.strand)
        began[strand] = max(began.get(strand, found.start_time), found.start_time)  # it ended in each of its attempts
        count += 1
        if count % PAGE == 0:
            yield page
            page = {}
    yield page


async def _mend_broken(doing: Pass, tenant: TenantId) -> None:
    more = True
    while more:
        async with session(doing.database, tenant) as opened:
            broken, more = await checking.broken(opened, limit=PAGE)
        for execution in broken:
            await _heal(doing, tenant, execution)


async def _fold_rollups(doing: Pass, tenant: TenantId) -> None:
    steps, more, unfolded = COUNTED_ANEW, True, True
    while more or unfolded:
        async with session(doing.database, tenant) as opened:
            more = steps > 0 and await rollups.count_some(opened)
        async with session(doing.database, tenant) as opened:
            unfolded = await rollups.fold(opened)
        steps -= 1


async def _look_at_quiet(doing: Pass, tenant: TenantId) -> None:
    if not doing.looks:
        return
    async with session(doing.database, tenant) as opened:
        found = await checking.quiet(opened, limit=doing.looks)
    doing.looks -= len(found)
    for each in found:
        await _look(doing, tenant, each)


async def _look(doing: Pass, tenant: TenantId, quiet: Quiet) -> None:
    try:
        described = await describe(doing.client, tenant, quiet.execution)
    except Forgotten:
        await _forget(doing, tenant, quiet.execution)
    except RPCError as error:
        logger.warning("Temporal cannot be asked about %s/%s: %s", tenant, quiet.execution, error.status.name)
    else:
        if described.status is not WorkflowExecutionStatus.RUNNING or seen(described) != quiet.healed:
            await _heal(doing, tenant, quiet.execution)


async def _heal(doing: Pass, tenant: TenantId, execution: ExecutionId, strand: str = "") -> None:
    """Heal one; what goes wrong with it must not keep others from it. It will be tried again."""
    whose = StrandId(tenant, execution, strand)
    if whose in doing.healed:
        return
    doing.healed.add(whose)
    try:
        if strand:
            await heal_strand(doing.client, doing.database, whose)
        else:
            await heal(doing.client, doing.database, tenant, execution)
    except Forgotten:
        await _forget(doing, tenant, execution)
    except StoreUnavailable:
        raise
    except Exception:
        HEALED.labels("failed").inc()
        logger.exception("The journal of %s cannot be mended now", whose)
    else:
        HEALED.labels("whole").inc()
        logger.info("The journal of %s is whole again", whose)


async def _forget(doing: Pass, tenant: TenantId, execution: ExecutionId) -> None:
    HEALED.labels("forgotten").inc()
    logger.warning("Temporal no longer knows %s/%s, whose journal is not whole", tenant, execution)
    async with session(doing.database, tenant) as opened:
        await checking.leave(opened, execution)
