"""Name servers: one query each, and what must be in the answer."""

from typing import Annotated

from pydantic import AfterValidator

from services.collector.probes.dns import PROBER, DnsModule, dns_target
from services.collector.sources.probed import ProbedTarget, probe_kind


class DnsTarget(ProbedTarget):
    """One name server (`host` or `host:port`) and what it is asked."""

    server: Annotated[str, AfterValidator(dns_target)]
    module: DnsModule


KIND = probe_kind(PROBER, DnsTarget, lambda target: target.server)
