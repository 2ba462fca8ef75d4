"""What Temporal gets to see of a payload, and who can open it again."""

import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import ActivitySerializationContext, SerializationContext, WorkflowSerializationContext
from temporalio.exceptions import ActivityError, ApplicationError, RetryState

from runtime.codec import ENCODING, OUTSIDE, SYSTEM, TenantCodec, sealed_for, tenant_of
from runtime.converter import data_converter
from runtime.storage import MemoryStorage
from store.sealing import Keyring, SealBroken, new_master_key, read_keyring

OLD, NEW = new_master_key(), new_master_key()
RING = read_keyring(OLD)
METADATA = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=20), st.binary(max_size=20), max_size=5)


def of(workflow_id: str) -> WorkflowSerializationContext:
    return WorkflowSerializationContext(namespace="default", workflow_id=workflow_id)


def codec(tenant: str = "acme", keyring: Keyring = RING) -> TenantCodec:
    return TenantCodec(keyring).with_context(of(f"{tenant}/ex_1"))


@given(METADATA, st.binary() | st.binary(min_size=1, max_size=3).map(lambda part: part * 200_000))
async def test_what_is_sealed_comes_back_as_it_was_whoever_opens_it(metadata: Mapping[str, bytes], data: bytes) -> None:
    payload = Payload(metadata=metadata, data=data)
    [sealed] = await codec().encode([payload])
    assert sealed.metadata["encoding"] == ENCODING
    assert sealed_for(sealed) == "acme"
    for other in (codec(), codec("globex"), TenantCodec(RING)):
        assert await other.decode([sealed]) == [payload]


@given(METADATA)
async def test_equal_payloads_of_a_tenant_are_sealed_alike_and_others_not(metadata: Mapping[str, bytes]) -> None:
    payload = Payload(metadata=metadata, data=b"same")
    turned = Payload(metadata=dict(reversed(list(metadata.items()))), data=b"same")
    [one, two] = await codec().encode([payload, turned])
    assert one == two
    [other] = await codec("globex").encode([payload])
    assert one.data != other.data


async def test_nothing_of_a_payload_shows() -> None:
    [sealed] = await codec().encode([Payload(metadata={"encoding": b"json/plain", "note": b"marker"}, data=b"marker")])
    assert b"marker" not in sealed.SerializeToString()
    assert b"json" not in sealed.SerializeToString()


async def test_what_should_leave_the_history_says_so_when_sealed_too() -> None:
    [sealed] = await codec().encode([Payload(metadata={OUTSIDE: b""})])
    assert OUTSIDE in sealed.metadata


async def test_payloads_that_were_never_sealed_pass_as_they_are() -> None:
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b"1")
    assert await codec().decode([plain, Payload()]) == [plain, Payload()]


async def test_without_the_key_or_under_another_tenant_nothing_opens() -> None:
    [sealed] = await codec().encode([Payload(data=b"x")])
    with pytest.raises(SealBroken):
        await codec(keyring=read_keyring(NEW)).decode([sealed])
    sealed.metadata["perdure-tenant"] = b"globex"
    with pytest.raises(SealBroken):
        await codec("globex").decode([sealed])


async def test_after_a_rotation_old_payloads_open_and_new_ones_take_the_new_key() -> None:
    [before] = await codec().encode([Payload(data=b"x")])
    both = codec(keyring=read_keyring(f"{NEW}\n{OLD}"))
    assert await both.decode([before]) == [Payload(data=b"x")]
    [after] = await both.encode([Payload(data=b"x")])
    assert await codec(keyring=read_keyring(NEW)).decode([after]) == [Payload(data=b"x")]


@pytest.mark.parametrize(
    ("workflow_id", "tenant"),
    [
        ("tn_1/ex_2", "tn_1"),
        ("tn_1/ex_2/each[0]/3", "tn_1"),
        ("perdure.reconcile", SYSTEM),
        ("perdure.gate/tn_1", SYSTEM),
        ("", SYSTEM),
        (None, SYSTEM),
    ],
)
def test_the_tenant_is_the_first_part_of_a_workflows_id(workflow_id: str | None, tenant: str) -> None:
    assert tenant_of(workflow_id) == tenant


async def test_activities_seal_for_the_tenant_of_their_workflow() -> None:
    context: SerializationContext = ActivitySerializationContext(
        namespace="default",
        activity_id="a",
        activity_type="demo.run",
        activity_task_queue="perdure",
        workflow_id="acme/ex_1",
        workflow_type="flow",
        is_local=False,
    )
    [sealed] = await TenantCodec(RING).with_context(context).encode([Payload(data=b"x")])
    assert sealed_for(sealed) == "acme"


async def test_nothing_but_the_code_of_a_failure_shows_and_all_of_it_comes_back() -> None:
    converter = data_converter(MemoryStorage(), RING).with_context(of("acme/ex_1"))
    cause = ApplicationError("marker within", {"sent": "marker"}, type="user.no", non_retryable=True)
    try:
        raise ActivityError(
            "marker around",
            scheduled_event_id=1,
            started_event_id=2,
            identity="w",
            activity_type="demo.run",
            activity_id="a",
            retry_state=RetryState.NON_RETRYABLE_FAILURE,
        ) from cause
    except ActivityError as error:
        failure = Failure()
        await converter.encode_failure(error, failure)
    assert b"marker" not in failure.SerializeToString()
    assert failure.cause.application_failure_info.type == "user.no"
    back = await converter.decode_failure(failure)
    assert isinstance(back, ActivityError)
    assert back.message == "marker around"
    assert isinstance(back.cause, ApplicationError)
    assert (back.cause.message, back.cause.details) == ("marker within", ({"sent": "marker"},))


async def test_sealing_takes_no_time_that_a_step_would_notice() -> None:
    small = Payload(metadata={"encoding": b"json/plain"}, data=b'{"value": 12345678}' * 10)
    sealer = codec()
    began = time.process_time()
    for _ in range(1_000):
        await sealer.decode(await sealer.encode([small]))
    assert time.process_time() - began < 0.5  # 15 µs each way on the machine where it was written
