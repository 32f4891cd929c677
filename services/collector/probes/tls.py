"""One look at a server's certificate, for servers that speak something else than HTTP."""

from typing import Literal

from pydantic import Field

from services.collector.probes.base import DialModule, Prober, Run
from services.collector.probes.client_config import TlsConfig
from services.collector.probes.handshake import write_tls
from services.collector.probes.query import QueryResponse, run_steps
from services.collector.probes.stream import Stream, host_port, split_target
from services.collector.reasons import Reason, ScrapeError
from services.common.durations import Duration

_DURATION = "Duration of tls request by phase"
# PostgreSQL's SSLRequest (protocol documentation, "Message Formats"), answered by one byte.
_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
_STEPS = {
    "smtp": ({"expect": "^220 "}, {"send": "EHLO tocsin\r"}, {"expect": "^250 "}, {"send": "STARTTLS\r"},
             {"expect": "^220 "}),
    "imap": ({"expect": "^\\* OK"}, {"send": ". STARTTLS\r"}, {"expect": "^\\. OK"}),
    "pop3": ({"expect": "^\\+OK"}, {"send": "STLS\r"}, {"expect": "^\\+OK"}),
    "ftp": ({"expect": "^220 "}, {"send": "AUTH TLS\r"}, {"expect": "^234 "}),
}  # fmt: skip
_DIALOGUES = {key: tuple(QueryResponse.model_validate(step) for step in steps) for key, steps in _STEPS.items()}


class TlsModule(DialModule):
    """How to check a certificate."""

    starttls: Literal["smtp", "imap", "pop3", "ftp", "postgres"] | None = None
    """The protocol whose upgrade to TLS comes first; None: TLS from the first byte on."""
    min_remaining: Duration = Field(default=0.0, ge=0)
    """Fail when a certificate of the chain ends sooner than this."""
    tls_config: TlsConfig = TlsConfig()


async def probe_tls(run: Run, target: str, module: TlsModule) -> Reason | None:
    """Check a `host:port`; return why it failed; raises OSError or ScrapeError."""
    host, port = split_target(target)
    stream = Stream(run, host, port, module.tls_config)
    try:
        async with stream:
            await stream.open(module, tls=module.starttls is None)
            if module.starttls is not None:
                await _upgrade(run, stream, module.starttls)
    finally:
        for phase, seconds in (
            ("resolve", run.dns or 0.0), ("connect", stream.connect_seconds), ("tls", stream.tls_seconds),
        ):  # fmt: skip
            run.sheet.gauge("probe_tls_duration_seconds", _DURATION, seconds, phase=phase)
        if stream.tls is not None:
            write_tls(run.sheet, stream.tls)
    ends = run.sheet.value("probe_ssl_earliest_cert_expiry")
    if ends is not None and ends - run.clock.now() < module.min_remaining:
        run.note(f"a certificate ends in {ends - run.clock.now():.0f} seconds")
        return Reason.TLS
    return None


async def _upgrade(run: Run, stream: Stream, protocol: str) -> None:
    if protocol == "postgres":
        await stream.send(_SSL_REQUEST)
        if await stream.read_exactly(1) != b"S":
            raise ScrapeError(Reason.TLS, "the server offers no TLS")
    elif (reason := await run_steps(run, stream, _DIALOGUES[protocol])) is not None:
        raise ScrapeError(reason, f"the server does not offer to start TLS as {protocol} does")
    await stream.start_tls()


PROBER = Prober("tls", TlsModule, probe_tls, host_port)
