"""One HTTP check, under blackbox_exporter's names."""

import re
from typing import Annotated, Literal

import aiohttp
from pydantic import AfterValidator, Field
from yarl import URL

from services.collector.probes.phases import Handshake, Phases, make_tls, new_session, write_address, write_tls
from services.collector.reasons import Reason, ScrapeError, reason_of
from services.collector.sheet import Sheet
from services.common.clock import Clock
from services.common.config import StrictModel

MAX_BODY = 16 * 1024**2
_CHUNK = 64 * 1024
_OK = range(200, 300)
_DURATION = "Duration of http request by phase, summed over all redirects"


def check_url(text: str, schemes: tuple[str, ...] = ("http", "https")) -> str:
    """Return the URL if it can be used as a target: absolute, without user or password."""
    url = URL(text)
    if url.scheme not in schemes or not url.host:
        raise ValueError(f"{text!r} is not an address; write it like {schemes[0]}://host:port/path")
    if url.user is not None or url.password is not None:
        raise ValueError("a URL must not carry user or password; give them by headers or a file")
    return text


HttpUrl = Annotated[str, AfterValidator(check_url)]


def check_pattern(text: str) -> str:
    """Return the regular expression if it compiles."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error
    return text


Pattern = Annotated[str, AfterValidator(check_pattern)]


class HttpModule(StrictModel):
    """How to check: blackbox_exporter's keys of the http prober."""

    method: Literal["GET", "HEAD", "POST"] = "GET"
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    valid_status_codes: tuple[int, ...] = ()
    """Empty: any 2xx."""
    follow_redirects: bool = True
    fail_if_body_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_body_not_matches_regexp: tuple[Pattern, ...] = ()
    verify_tls: bool = True
    ca_file: str | None = None


async def probe_http(sheet: Sheet, url: str, module: HttpModule, clock: Clock, limit: float) -> Reason | None:
    """Check a URL and write what was seen; return why it failed, None where it did not. The caller bounds the time."""
    tls = make_tls(clock, verify=module.verify_tls, ca_file=module.ca_file)
    phases, start = Phases(clock, tls), clock.monotonic()
    reason: Reason | None = Reason.TIMEOUT
    try:
        async with new_session(phases, tls) as session:
            reason = await _request(sheet, session, url, module, phases, clock)
    except (aiohttp.ClientError, OSError, ScrapeError) as error:
        reason = failure(error, phases)
    finally:
        _write(sheet, phases, tls, clock.monotonic() - start, limit)
        write_result(sheet, reason)
    return reason


async def _request(
    sheet: Sheet, session: aiohttp.ClientSession, url: str, module: HttpModule, phases: Phases, clock: Clock
) -> Reason | None:
    begin = clock.monotonic()
    async with session.request(
        module.method, url, headers=module.headers, allow_redirects=module.follow_redirects, max_redirects=10
    ) as response:
        headers = clock.monotonic()
        connecting = sum(phases.seconds.get(phase, 0.0) for phase in ("resolve", "connect", "tls"))
        phases.add("processing", headers - begin - connecting)
        body = await read_bounded(response, MAX_BODY)
        phases.add("transfer", clock.monotonic() - headers)
    sheet.gauge("probe_http_status_code", "Response HTTP status code", response.status)
    sheet.gauge("probe_http_content_length", "Length of http content response", response.content_length or -1)
    sheet.gauge(
        "probe_http_uncompressed_body_length", "Length of uncompressed response body", len(body)
    )  # fmt: skip
    version = response.version
    sheet.gauge(
        "probe_http_version",
        "Returns the version of HTTP of the probe response",
        None if version is None else version.major + version.minor / 10,
    )
    sheet.gauge("probe_http_ssl", "Indicates if SSL was used for the final redirect", response.url.scheme == "https")
    if response.status not in (module.valid_status_codes or _OK):
        return Reason.STATUS
    text = body.decode("utf-8", errors="replace")
    failed = any(re.search(pattern, text) for pattern in module.fail_if_body_matches_regexp) or not all(
        re.search(pattern, text) for pattern in module.fail_if_body_not_matches_regexp
    )
    sheet.gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", failed)
    return Reason.BODY if failed else None


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body after decompression; raises ScrapeError as soon as it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > limit:
            raise ScrapeError(Reason.TOO_LARGE, f"the answer is longer than {limit} bytes")
    return bytes(body)


def failure(error: BaseException, phases: Phases) -> Reason:
    """Return the reason of a client's error; where the error does not say, the phase that it came in does."""
    found = reason_of(error)
    if found is Reason.ERROR:
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return Reason.DNS
        if isinstance(error, aiohttp.ServerDisconnectedError):
            return Reason.CLOSED
        return phases.current
    return found


def write_result(sheet: Sheet, reason: Reason | None) -> None:
    """Write whether the check succeeded and, if not, why."""
    sheet.gauge("probe_success", "Displays whether or not the probe was a success", reason is None)
    if reason is not None:
        sheet.gauge("probe_failed_reason", "1 with the reason why the probe failed", 1, reason=reason.value)


def _write(sheet: Sheet, phases: Phases, tls: Handshake, took: float, limit: float) -> None:
    for phase in ("resolve", "connect", "tls", "processing", "transfer"):
        sheet.gauge("probe_http_duration_seconds", _DURATION, phases.seconds.get(phase, 0.0), phase=phase)
    sheet.gauge("probe_http_redirects", "The number of redirects", phases.redirects)
    write_common(sheet, phases.dns, took, limit)
    write_address(sheet, phases.peer)
    write_tls(sheet, tls)


def write_common(sheet: Sheet, dns: float, took: float, limit: float) -> None:
    """Write what every probe has: look-up time, whole time and the limit, in seconds."""
    sheet.gauge("probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds", dns)
    sheet.gauge("probe_duration_seconds", "Returns how long the probe took to complete in seconds", took)
    sheet.gauge("probe_timeout_seconds", "Returns how long the probe timeout is in seconds", limit)
