"""The four services as child processes of the supervisor."""

import sys
from collections.abc import Mapping
from pathlib import Path

from services.supervisor.effective import SERVICES
from services.supervisor.logs import service_notice
from services.supervisor.probes import http_probe
from services.supervisor.process import Process

STOP_ORDER = ("api", "evaluator", "collector", "notifier")
"""The evaluator ends before the notifier, so that what it still publishes is delivered or kept."""


def service_processes(
    config: Path, base: Path, listens: Mapping[str, str], variables: Mapping[str, str], *, api_tls: bool = False
) -> list[Process]:
    """Return the services on the effective configuration; relative paths in it start at `base`."""
    return [
        Process(
            name=service,
            argv=(sys.executable, "-m", "services", service, "--config", str(config), "--base", str(base)),
            env={"PYTHONUNBUFFERED": "1", **variables},
            cwd=base,
            probe=http_probe(listens[f"{service}.listen"], tls=api_tls and service == "api"),
            notices=service_notice,
        )
        for service in SERVICES
    ]
