"""What every test has: a patient Hypothesis, for machines that are busy, a Temporal server and a PostgreSQL."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "patient", parent=settings(), max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

pytest_plugins = [
    "tests.temporal",
    "tests.postgres",
    "tests.interpreter.engine",
    "tests.api.service",
    "tests.api.working",
]
