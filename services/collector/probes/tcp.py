"""One TCP check: connect, TLS if asked, and a dialogue; blackbox_exporter's tcp prober."""

from services.collector.probes.base import DialModule, Prober, Run
from services.collector.probes.client_config import TlsConfig
from services.collector.probes.handshake import write_tls
from services.collector.probes.query import BYTES_TEXT, REGEX_TEXT, QueryResponse, run_steps
from services.collector.probes.stream import Stream, host_port, split_target
from services.collector.reasons import Reason

_DURATION = "Duration of tcp request by phase"


class TcpModule(DialModule):
    """How to check: blackbox_exporter's keys of the tcp prober."""

    query_response: tuple[QueryResponse, ...] = ()
    tls: bool = False
    """TLS from the first byte on; for an upgrade in between use a step with starttls."""
    tls_config: TlsConfig = TlsConfig()


async def probe_tcp(run: Run, target: str, module: TcpModule) -> Reason | None:
    """Check a `host:port`; return why it failed; raises OSError or ScrapeError."""
    host, port = split_target(target)
    stream = Stream(run, host, port, module.tls_config)
    begin = run.clock.monotonic()
    try:
        async with stream:
            await stream.open(module, tls=module.tls)
            return await run_steps(run, stream, module.query_response)
    finally:
        _write(run, stream, run.clock.monotonic() - begin)


def _write(run: Run, stream: Stream, took: float) -> None:
    resolve = run.dns or 0.0
    phases = {"resolve": resolve, "connect": stream.connect_seconds, "tls": stream.tls_seconds}
    phases["processing"] = max(0.0, took - sum(phases.values()))
    for phase, seconds in phases.items():
        run.sheet.gauge("probe_tcp_duration_seconds", _DURATION, seconds, phase=phase)
    for name, text in (("probe_failed_due_to_regex", REGEX_TEXT), ("probe_failed_due_to_bytes", BYTES_TEXT)):
        if name not in run.sheet.families:
            run.sheet.gauge(name, text, 0)
    if stream.tls is not None:
        write_tls(run.sheet, stream.tls)


PROBER = Prober("tcp", TcpModule, probe_tcp, host_port)
