"""Hosts that are pinged."""

from typing import Annotated

from pydantic import AfterValidator

from services.collector.probes.icmp import PROBER, IcmpModule, icmp_target
from services.collector.sources.probed import ProbedTarget, probe_kind


class IcmpTarget(ProbedTarget):
    """One host and how it is pinged."""

    host: Annotated[str, AfterValidator(icmp_target)]
    module: IcmpModule = IcmpModule()


KIND = probe_kind(PROBER, IcmpTarget, lambda target: target.host)
