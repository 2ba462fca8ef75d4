"""The one way to a Temporal server."""

from temporalio.client import Client, GrpcCompression
from temporalio.converter import StorageDriver

from runtime.converter import data_converter
from runtime.settings import Settings


async def connect(settings: Settings, *, storage: StorageDriver) -> Client:
    """Connect with the data converter that all of the product shares."""
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        data_converter=data_converter(storage),
        # The server is near and large payloads do not go through it: compressing cost more than it saved (measured).
        grpc_compression=GrpcCompression.NONE,
    )
