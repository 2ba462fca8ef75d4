"""Prepares a Temporal namespace: the attributes by which operators find executions in it."""

import logging
from collections.abc import Mapping

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from dag.errors import PerdureError
from runtime.client import TemporalUnreachable

TENANT = SearchAttributeKey.for_keyword("TenantId")
WORKFLOW = SearchAttributeKey.for_keyword("PerdureWorkflow")
VERSION = SearchAttributeKey.for_int("PerdureVersion")
TRIGGER = SearchAttributeKey.for_keyword("PerdureTrigger")
_KEYWORD, _INT = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, IndexedValueType.INDEXED_VALUE_TYPE_INT
ATTRIBUTES: Mapping[str, "IndexedValueType.ValueType"] = {
    TENANT.name: _KEYWORD,
    WORKFLOW.name: _KEYWORD,
    VERSION.name: _INT,
    TRIGGER.name: _KEYWORD,
}

logger = logging.getLogger("perdure.temporal")


class NamespaceMissing(PerdureError):
    """Temporal has no such namespace; make it, or mend PERDURE_TEMPORAL_NAMESPACE."""

    code = "temporal.namespace"


async def prepare(client: Client) -> None:
    """Add the attributes that are missing; where that is not allowed, say so, and do without them. Raises
    NamespaceMissing."""
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as wrong:
        if wrong.status == RPCStatusCode.NOT_FOUND:
            raise NamespaceMissing(f"Temporal has no namespace `{client.namespace}`.") from None
        if wrong.status != RPCStatusCode.PERMISSION_DENIED:
            raise TemporalUnreachable(f"Temporal says {wrong.status.name}.") from wrong
    try:
        await _add_missing(client)
    except RPCError as wrong:
        if wrong.status != RPCStatusCode.ALREADY_EXISTS:  # another process was quicker
            logger.warning(
                "The search attributes %s could not be added to namespace %s (%s); executions are started without "
                "them, unless an operator adds them",
                ", ".join(ATTRIBUTES),
                client.namespace,
                wrong.status.name,
            )


async def _add_missing(client: Client) -> None:
    there = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {name: kind for name, kind in ATTRIBUTES.items() if name not in there.custom_attributes}
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
