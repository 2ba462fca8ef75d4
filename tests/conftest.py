"""What every test has: a Hypothesis for which a slow example on a busy machine is no failure, and a Temporal server."""

from hypothesis import HealthCheck, settings

settings.register_profile("patient", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

pytest_plugins = ["tests.temporal", "tests.interpreter.engine"]
