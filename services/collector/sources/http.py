"""HTTP checks of anything: a payment gateway's status page, a partner's API."""

from pydantic import Field

from services.collector.probes.http import PROBER, HttpUrl
from services.collector.probes.http_config import HttpModule
from services.collector.sources.probed import ProbedTarget, probe_kind


class HttpTarget(ProbedTarget):
    """One URL and how it is checked."""

    url: HttpUrl
    module: HttpModule = Field(default_factory=HttpModule)


KIND = probe_kind(PROBER, HttpTarget, lambda target: target.url)
