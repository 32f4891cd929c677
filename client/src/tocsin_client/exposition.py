"""`/metrics` as an ASGI app: Prometheus text or OpenMetrics, gzip, several worker processes merged."""

import gzip
import os

from prometheus_client import REGISTRY, CollectorRegistry, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from tocsin_client.types import Receive, Scope, Send

_GZIP_FROM = 1024


class MetricsApp:
    """Answers with the registry's metrics, whatever the path; with PROMETHEUS_MULTIPROC_DIR set, those of all workers.

    Turns off the client library's `_created` series: they double the samples and no rule reads them.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no annotation here

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Serve one request as an ASGI app."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        encoder, content_type = choose_encoder(headers.get(b"accept", ""))
        body = encoder(self._source())
        answer = [(b"content-type", content_type.encode()), (b"vary", b"accept, accept-encoding")]
        if len(body) >= _GZIP_FROM and "gzip" in headers.get(b"accept-encoding", ""):
            body = gzip.compress(body, compresslevel=4)
            answer.append((b"content-encoding", b"gzip"))
        answer.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": answer})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _source(self) -> CollectorRegistry:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return self._registry
        merged = CollectorRegistry()
        MultiProcessCollector(merged)  # type: ignore[no-untyped-call]  # the library has no annotation here
        return merged
