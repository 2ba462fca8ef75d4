"""What every test has: a patient Hypothesis, for machines that are busy, a Temporal server and a PostgreSQL."""

import gc
import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "patient", parent=settings(), max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Who runs the tests in the background of a shell has them ignore Ctrl-C, and with them all that they start, which
    # some of them end so.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Keep the collector from going through thousands of tests again and again, which can take longer than a workflow
    task may."""
    gc.collect()
    gc.freeze()


pytest_plugins = [
    "tests.temporal",
    "tests.postgres",
    "tests.interpreter.engine",
    "tests.api.service",
    "tests.api.working",
]
