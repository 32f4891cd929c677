"""What an HTTP answer must be like: status, version, TLS, headers, body."""

import asyncio
from collections.abc import Sequence

import aiohttp

from services.collector.probes.base import Run
from services.collector.probes.http_config import HeaderMatch, HttpModule
from services.collector.probes.regex import matches
from services.collector.reasons import Reason, ScrapeError

_OK = range(200, 300)
_LONG = 256 * 1024
_REGEX = "Indicates if probe failed due to regex"


def check_head(run: Run, module: HttpModule, response: aiohttp.ClientResponse) -> Reason | None:
    """Return why the answer's head is not as it must be."""
    if response.status not in (module.valid_status_codes or _OK):
        run.note(f"status {response.status} is not among {list(module.valid_status_codes) or '2xx'}")
        return Reason.STATUS
    version = response.version
    spoken = "" if version is None else f"HTTP/{version.major}.{version.minor}"
    if module.valid_http_versions and spoken not in module.valid_http_versions:
        run.note(f"version {spoken} is not among {list(module.valid_http_versions)}")
        return Reason.PROTOCOL
    secure = response.url.scheme == "https"
    if (module.fail_if_ssl and secure) or (module.fail_if_not_ssl and not secure):
        run.note("TLS was used" if secure else "TLS was not used")
        return Reason.TLS
    if not _headers_right(run, module, response):
        run.sheet.gauge("probe_failed_due_to_regex", _REGEX, 1)
        return Reason.HEADER
    return None


def check_encoding(module: HttpModule, response: aiohttp.ClientResponse) -> None:
    """Raise ScrapeError when the answer is not compressed in the way that was asked for."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if module.compression and encoding != module.compression:
        raise ScrapeError(Reason.BODY, f"the answer's encoding is {encoding}, not {module.compression}")


async def check_body(run: Run, module: HttpModule, body: bytes) -> Reason | None:
    """Return Reason.BODY if the body is not as it must be; a long one is searched beside the event loop."""
    text = body.decode("utf-8", errors="replace")
    right = await asyncio.to_thread(_body_right, module, text) if len(body) > _LONG else _body_right(module, text)
    run.sheet.gauge("probe_failed_due_to_regex", _REGEX, not right)
    if not right:
        run.note("the body does not match as it must")
    return None if right else Reason.BODY


def _body_right(module: HttpModule, text: str) -> bool:
    return not any(matches(pattern, text) for pattern in module.fail_if_body_matches_regexp) and all(
        matches(pattern, text) for pattern in module.fail_if_body_not_matches_regexp
    )


def _headers_right(run: Run, module: HttpModule, response: aiohttp.ClientResponse) -> bool:
    return all(
        _header_right(run, rule, response.headers.getall(rule.header, ()), wanted=wanted)
        for rules, wanted in ((module.fail_if_header_matches, False), (module.fail_if_header_not_matches, True))
        for rule in rules
    )


def _header_right(run: Run, rule: HeaderMatch, values: Sequence[str], *, wanted: bool) -> bool:
    if not values:
        if not rule.allow_missing:
            run.note(f"header {rule.header} is missing")
        return rule.allow_missing
    found = any(matches(rule.regexp, value) for value in values)
    if found is not wanted:
        run.note(f"header {rule.header} {'matches' if found else 'does not match'} {rule.regexp!r}")
    return found is wanted
