"""The one way to a Temporal server."""

from temporalio.client import Client, GrpcCompression
from temporalio.converter import StorageDriver

from dag.errors import PerdureError
from runtime.converter import data_converter
from runtime.settings import Settings
from runtime.tracing import Tracing
from store.sealing import Keyring


class TemporalUnreachable(PerdureError):
    """Temporal does not answer; start it, or mend PERDURE_TEMPORAL_ADDRESS."""


async def connect(
    settings: Settings, *, storage: StorageDriver, keyring: Keyring, tracing: Tracing | None = None
) -> Client:
    """Connect with the data converter that all of the product shares."""
    try:
        return await Client.connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            data_converter=data_converter(storage, keyring),
            interceptors=[] if tracing is None else [tracing.interceptor()],
            # The server is near, and large payloads do not go there: compressing cost more than it saved (measured).
            grpc_compression=GrpcCompression.NONE,
        )
    except RuntimeError as silence:  # the SDK has no type of its own for it
        raise TemporalUnreachable(f"Temporal does not answer at {settings.temporal_address}.") from silence
