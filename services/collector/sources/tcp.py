"""TCP servers: whether they take connections, and what they say."""

from typing import Annotated

from pydantic import AfterValidator

from services.collector.probes.stream import host_port
from services.collector.probes.tcp import PROBER, TcpModule
from services.collector.sources.probed import ProbedTarget, probe_kind


class TcpTarget(ProbedTarget):
    """One `host:port` and how it is checked."""

    address: Annotated[str, AfterValidator(host_port)]
    module: TcpModule = TcpModule()


KIND = probe_kind(PROBER, TcpTarget, lambda target: target.address)
