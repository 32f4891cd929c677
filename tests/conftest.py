"""Fixtures that all tests share: real embedded servers, started once a run, a fresh database for each test."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.fixtures.servers"]

# Timings never decide a test: a busy machine may take as long as it likes over an example.
settings.register_profile("tocsin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tocsin")
