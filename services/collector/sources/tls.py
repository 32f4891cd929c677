"""Certificates of servers that speak something else than HTTP: mail, databases, brokers."""

from typing import Annotated

from pydantic import AfterValidator

from services.collector.probes.stream import host_port
from services.collector.probes.tls import PROBER, TlsModule
from services.collector.sources.probed import ProbedTarget, probe_kind


class TlsTarget(ProbedTarget):
    """One `host:port` and how its certificate is checked."""

    address: Annotated[str, AfterValidator(host_port)]
    module: TlsModule = TlsModule()


KIND = probe_kind(PROBER, TlsTarget, lambda target: target.address)
