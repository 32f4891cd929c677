"""The four services as child processes of the supervisor."""

import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from services.supervisor.effective import SERVICES
from services.supervisor.logs import service_notice
from services.supervisor.probes import http_probe, listening_probe
from services.supervisor.process import Process

STOP_ORDER = ("api", "evaluator", "collector", "notifier")
"""The evaluator ends before the notifier, so that what it still publishes is delivered or kept."""


def service_processes(
    config: Path,
    base: Path,
    listens: Mapping[str, str],
    variables: Mapping[str, str],
    *,
    tls: Collection[str] = (),
    mutual_tls: Collection[str] = (),
) -> list[Process]:
    """Return the services on the effective configuration; relative paths in it start at `base`.

    `tls` names those that serve HTTPS, `mutual_tls` those that answer only who shows a certificate.
    """
    return [
        Process(
            name=service,
            argv=(sys.executable, "-m", "services", service, "--config", str(config), "--base", str(base)),
            env={"PYTHONUNBUFFERED": "1", **variables},
            cwd=base,
            # They listen when their configuration is in force; more can't be asked without a certificate.
            probe=listening_probe(listens[f"{service}.listen"])
            if service in mutual_tls
            else http_probe(listens[f"{service}.listen"], tls=service in tls),
            notices=service_notice,
        )
        for service in SERVICES
    ]
