"""One HTTP check, under blackbox_exporter's names."""

import asyncio
import email.utils
from typing import Annotated

import aiohttp
from pydantic import AfterValidator
from yarl import URL

from services.collector.probes import http_checks
from services.collector.probes.base import Prober, Run
from services.collector.probes.brotli import BROTLI, unpack
from services.collector.probes.handshake import make_tls, write_tls
from services.collector.probes.http_config import HttpModule
from services.collector.probes.phases import Phases, failure, new_session
from services.collector.probes.token import UNAUTHORISED, authorization
from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet

MAX_BODY = 16 * 1024**2
_CHUNK = 64 * 1024
_MAX_REDIRECTS = 10
_DURATION = "Duration of http request by phase, summed over all redirects"
_PHASES = ("resolve", "connect", "tls", "processing", "transfer")


def check_url(text: str, schemes: tuple[str, ...] = ("http", "https")) -> str:
    """Return the URL if it can be used as a target: absolute, without user or password."""
    url = URL(text)
    if url.scheme not in schemes or not url.host:
        raise ValueError(f"{text!r} is not an address; write it like {schemes[0]}://host:port/path")
    if url.user is not None or url.password is not None:
        raise ValueError("a URL must not carry user or password; give them by headers or a file")
    return text


HttpUrl = Annotated[str, AfterValidator(check_url)]


def http_target(text: str) -> str:
    """Return a target as a URL; without a scheme it is http, as in blackbox_exporter."""
    return check_url(text if "://" in text else f"http://{text}")


async def probe_http(run: Run, url: str, module: HttpModule) -> Reason | None:
    """Check a URL and write what was seen; return why it failed, None where it did not. The caller bounds the time."""
    tls = make_tls(run.clock, module.tls_config, run.tools.base)
    tls.make_current()
    phases = Phases(run, tls)
    try:
        async with new_session(run, phases, module) as session:
            return await _request(run, session, url, module, phases)
    except aiohttp.InvalidURL as error:
        raise ScrapeError(Reason.REDIRECT, f"not an address: {error}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ScrapeError(failure(error, phases), f"{type(error).__name__}: {error}") from error
    finally:
        phases.connected()
        _write(run.sheet, phases)
        write_tls(run.sheet, tls)


async def _request(
    run: Run, session: aiohttp.ClientSession, url: str, module: HttpModule, phases: Phases
) -> Reason | None:
    async with await _answer(run, session, url, module, phases) as response:
        headers = run.clock.monotonic()
        _write_head(run.sheet, response)
        run.note(f"{response.method} {response.url} answers {response.status}")
        reason = http_checks.check_head(run, module, response)
        http_checks.check_encoding(module, response)
        keep = module.reads_body and reason is None
        try:
            body, size = await _read(response, module, keep=keep)
        finally:
            phases.add("transfer", run.clock.monotonic() - headers)
    run.sheet.gauge("probe_http_uncompressed_body_length", "Length of uncompressed response body", size)
    if reason is not None or not keep:
        return reason
    return await http_checks.check_body(run, module, body)


async def _answer(
    run: Run, session: aiohttp.ClientSession, url: str, module: HttpModule, phases: Phases
) -> aiohttp.ClientResponse:
    token = await authorization(run, module)
    response = await _send(run, session, url, module, phases, token)
    if response.status == UNAUTHORISED and UNAUTHORISED not in module.valid_status_codes:
        newer = await authorization(run, module, instead_of=token)
        if newer != token:
            run.note("the token is refused: once more with a new one")
            response.close()
            response = await _send(run, session, url, module, phases, newer)
    return response


async def _send(
    run: Run, session: aiohttp.ClientSession, url: str, module: HttpModule, phases: Phases, token: str
) -> aiohttp.ClientResponse:
    begin, seen = run.clock.monotonic(), phases.connecting()
    headers = module.all_headers(run.tools.base, run.hostname)
    if token:
        headers["Authorization"] = token
    response = await session.request(
        module.method,
        url,
        headers=headers,
        data=module.payload(run.tools.base),
        allow_redirects=module.follow_redirects,
        max_redirects=_MAX_REDIRECTS,
        skip_auto_headers=() if module.compression else ("Accept-Encoding",),
        auto_decompress=module.compression not in {"", BROTLI},
        server_hostname=module.tls_config.server_name or run.hostname or None,
        proxy=module.proxy_url,
        proxy_headers=module.proxy_headers(run.tools.base),
    )
    phases.add("processing", run.clock.monotonic() - begin - (phases.connecting() - seen))
    return response


async def _read(response: aiohttp.ClientResponse, module: HttpModule, *, keep: bool) -> tuple[bytes, int]:
    limit = module.body_size_limit or MAX_BODY
    if module.compression != BROTLI:
        return await read_bounded(response, limit, keep=keep)
    packed, _ = await read_bounded(response, limit)
    body = await asyncio.to_thread(unpack, packed, limit)
    return body, len(body)


async def read_bounded(response: aiohttp.ClientResponse, limit: int, *, keep: bool = True) -> tuple[bytes, int]:
    """Return the body after decompression and its length; raises ScrapeError as soon as it is longer than `limit`.

    With `keep=False` the body is read to its end and thrown away.
    """
    body, size = bytearray(), 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise ScrapeError(Reason.TOO_LARGE, f"the answer is longer than {limit} bytes")
        if keep:
            body += chunk
    return bytes(body), size


def _write_head(sheet: Sheet, response: aiohttp.ClientResponse) -> None:
    length = response.headers.get("Content-Length", "")
    sheet.gauge("probe_http_status_code", "Response HTTP status code", response.status)
    sheet.gauge("probe_http_content_length", "Length of http content response", int(length) if length.isdigit() else -1)
    version = response.version
    sheet.gauge(
        "probe_http_version",
        "Returns the version of HTTP of the probe response",
        None if version is None else version.major + version.minor / 10,
    )
    sheet.gauge("probe_http_ssl", "Indicates if SSL was used for the final redirect", response.url.scheme == "https")
    modified = email.utils.parsedate_tz(response.headers.get("Last-Modified", ""))
    if modified is not None:
        text = "Returns the Last-Modified HTTP response header in unixtime"
        sheet.gauge("probe_http_last_modified_timestamp_seconds", text, email.utils.mktime_tz(modified))


def _write(sheet: Sheet, phases: Phases) -> None:
    for phase in _PHASES:
        sheet.gauge("probe_http_duration_seconds", _DURATION, phases.seconds.get(phase, 0.0), phase=phase)
    sheet.gauge("probe_http_redirects", "The number of redirects", phases.redirects)
    if "probe_http_status_code" not in sheet.families:
        # Without an answer, zeros: a rule on the status must see that there is none, as with blackbox_exporter.
        sheet.gauge("probe_http_status_code", "Response HTTP status code", 0)
        sheet.gauge("probe_http_content_length", "Length of http content response", 0)
        sheet.gauge("probe_http_version", "Returns the version of HTTP of the probe response", 0)
        sheet.gauge("probe_http_ssl", "Indicates if SSL was used for the final redirect", 0)
    if "probe_http_uncompressed_body_length" not in sheet.families:
        sheet.gauge("probe_http_uncompressed_body_length", "Length of uncompressed response body", 0)
    if "probe_failed_due_to_regex" not in sheet.families:
        sheet.gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", 0)


PROBER = Prober("http", HttpModule, probe_http, http_target)
