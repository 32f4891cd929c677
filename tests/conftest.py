"""Fixtures that all tests share: real embedded servers, started once a run, a fresh database for each test."""

pytest_plugins = ["tests.fixtures.servers"]
