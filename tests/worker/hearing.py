"""Executions that hear events, and do of their own accord what they are told to."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from dag.event_messages import (
    EMIT,
    SIGNAL,
    SUBSCRIBE,
    TAKE,
    UNSUBSCRIBE,
    Emission,
    EmittedEvent,
    Subscribed,
    Subscription,
    Taking,
    Unsubscription,
    Wanted,
)
from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.settings import Settings
from store.database import Database
from store.ids import ExecutionId, TenantId
from worker.events import event_activities


@workflow.defn(name="hearing")
class Hearing:
    """Stands for the interpreter: remembers what it hears, and calls activities when it is asked to."""

    def __init__(self) -> None:
        self._heard: list[EmittedEvent] = []
        self._ended = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._ended)

    @workflow.signal(name=SIGNAL)
    def hear(self, event: EmittedEvent) -> None:
        self._heard.append(event)

    @workflow.query
    def heard(self) -> list[EmittedEvent]:
        return self._heard

    @workflow.update
    async def call(self, name: str, asked: dict[str, Any], local: bool) -> Any:  # noqa: FBT001
        times: dict[str, Any] = {"retry_policy": RetryPolicy(maximum_attempts=3)}
        if local:
            return await workflow.execute_local_activity(
                name, asked, start_to_close_timeout=timedelta(seconds=60), **times
            )
        return await workflow.execute_activity(
            name,
            asked,
            start_to_close_timeout=timedelta(seconds=60),
            heartbeat_timeout=timedelta(seconds=10),
            **times,
        )

    @workflow.signal
    def end(self) -> None:
        self._ended = True


@dataclass(frozen=True)
class Hearer:
    """One strand of an execution."""

    handle: WorkflowHandle[Any, Any]

    @property
    def tenant(self) -> TenantId:
        return TenantId(self.handle.id.split("/")[0])

    @property
    def execution(self) -> ExecutionId:
        return ExecutionId(self.handle.id.split("/")[1])

    async def heard(self) -> list[EmittedEvent]:
        return await self.handle.query(Hearing.heard)

    async def hears(self, count: int) -> list[EmittedEvent]:
        """What it has heard, once it is so much."""
        async with asyncio.timeout(30):
            while len(heard := await self.heard()) < count:
                await asyncio.sleep(0.05)
        return heard

    async def subscribe(
        self,
        *wanted: Wanted,
        path: str = "w",
        since: str | None = None,
        after: str | None = None,
        local: bool = False,
    ) -> Subscribed:
        asked = Subscription(path, wanted, since, after)
        return await self._call(SUBSCRIBE, asdict(asked), Subscribed, local=local)

    async def unsubscribe(self, path: str = "w") -> None:
        await self._call(UNSUBSCRIBE, asdict(Unsubscription(path)), None, local=True)

    async def take(self, event: str, path: str = "w") -> bool:
        return await self._call(TAKE, asdict(Taking(path, event)), bool, local=True)

    async def emit(self, emission: Emission, *, local: bool = False) -> str:
        return await self._call(EMIT, asdict(emission), str, local=local)

    async def end(self) -> None:
        await self.handle.signal(Hearing.end)
        await self.handle.result()

    async def _call(self, name: str, asked: dict[str, Any], kind: type[Any] | None, *, local: bool) -> Any:
        return await self.handle.execute_update("call", args=[name, asked, local], result_type=kind)


@dataclass(frozen=True)
class Hall:
    """Where they are."""

    client: Client
    queue: str
    made: list[Hearer] = field(default_factory=list["Hearer"])

    async def hearer(self, tenant: TenantId, execution: str | None = None, *strand: str) -> Hearer:
        """Start one strand of an execution."""
        id = "/".join([tenant, execution or f"ex_{uuid.uuid4().hex}", *strand])
        hearer = Hearer(await self.client.start_workflow(Hearing.run, id=id, task_queue=self.queue))
        self.made.append(hearer)
        return hearer

    async def hearers(self, tenant: TenantId, count: int) -> Sequence[Hearer]:
        return await asyncio.gather(*(self.hearer(tenant) for _ in range(count)))


@asynccontextmanager
async def hall(address: str, store: Database, *, working: Database | None = None) -> AsyncGenerator[Hall]:
    """Run a worker for them; `working` is the way to the database that its activities have, if it is another one."""
    queue = f"q-{uuid.uuid4().hex}"
    settings = Settings(temporal_address=address)
    client = await connect(settings, storage=DatabaseStorage(store), keyring=store.keyring)
    async with Worker(
        client,
        task_queue=queue,
        build_id="test",
        workflows=[Hearing],
        activities=[*event_activities(client, working or store)],
        workflow_runner=UnsandboxedWorkflowRunner(),
        graceful_shutdown_timeout=timedelta(seconds=1),
    ):
        opened = Hall(client, queue)
        yield opened
        for hearer in opened.made:
            with suppress(RPCError):  # it has ended already
                await hearer.end()
