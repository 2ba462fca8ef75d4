"""Ids of stored things: a prefix that no name can have, then hexadecimal digits that sort by time."""

import secrets
import time
import uuid
from typing import NewType

TenantId = NewType("TenantId", str)
KeyId = NewType("KeyId", str)
WorkflowId = NewType("WorkflowId", str)
ExecutionId = NewType("ExecutionId", str)
EventId = NewType("EventId", str)

_KEYS = uuid.UUID("6d6b3ad4-9d0f-5c0e-8a43-5c1f6f3f8f21")  # by chance, and never changed

PREFIXES = {"tenant": "tn_", "key": "key_", "workflow": "wf_", "execution": "ex_", "event": "ev_", "output": "co_"}


def tenant() -> TenantId:
    """Make the id of a new tenant."""
    return TenantId(PREFIXES["tenant"] + _digits())


def key() -> KeyId:
    """Make the id of a new API key."""
    return KeyId(PREFIXES["key"] + _digits())


def workflow() -> WorkflowId:
    """Make the id of a new workflow."""
    return WorkflowId(PREFIXES["workflow"] + _digits())


def execution() -> ExecutionId:
    """Make the id of a new execution that nothing else fixes."""
    return ExecutionId(PREFIXES["execution"] + _digits())


def repeatable_execution(tenant: TenantId, workflow: WorkflowId, key: str) -> ExecutionId:
    """Make the id of the execution that a key stands for: the same one every time."""
    return ExecutionId(PREFIXES["execution"] + uuid.uuid5(_KEYS, f"{tenant}\n{workflow}\n{key}").hex)


def child_execution(tenant: TenantId, parent: ExecutionId, attempt: int, path: str) -> ExecutionId:
    """Make the id of the execution that a node of another one starts: the same one every time."""
    return ExecutionId(PREFIXES["execution"] + uuid.uuid5(_KEYS, f"{tenant}\nchild {parent} {attempt}\n{path}").hex)


def event() -> EventId:
    """Make the id of a new event that nothing else fixes."""
    return EventId(PREFIXES["event"] + _digits())


def repeatable_event(tenant: TenantId, source: str, key: str) -> EventId:
    """Make the id of the event that a key of one source stands for: the same one every time."""
    return EventId(PREFIXES["event"] + uuid.uuid5(_KEYS, f"{tenant}\nevent {source}\n{key}").hex)


def _digits() -> str:
    # As in a UUID of version 7: milliseconds first, so that new rows are neighbours in an index; the rest is chance.
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"
