"""Keys of blackbox_exporter's http prober."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from multidict import CIMultiDict
from pydantic import BeforeValidator, Field, model_validator

from services.collector.probes.base import ProbeModule
from services.collector.probes.client_config import ClientAuth, HeaderValues
from services.collector.probes.regex import Pattern
from services.collector.probes.unsupported import UnsupportedError
from services.common.config import ConfigError, StrictModel

_SIZE = re.compile(r"(\d+)\s*([KMGT]?)i?B?", re.IGNORECASE)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(value: Any) -> int:
    """Return bytes; `10MB` counts in powers of 1024, as blackbox_exporter does."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a size; write it like 10MB")
    return int(match[1]) * _UNITS[match[2].upper()]


class HeaderMatch(StrictModel):
    """One line of fail_if_header_matches or fail_if_header_not_matches."""

    header: str = Field(min_length=1)
    regexp: Pattern = Field(min_length=1)
    allow_missing: bool = False


class HttpModule(ProbeModule, ClientAuth):
    """How to check: blackbox_exporter's keys of the http prober."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    body: str = ""
    body_file: Path | None = None
    valid_status_codes: tuple[int, ...] = ()
    """Empty: any 2xx."""
    valid_http_versions: tuple[str, ...] = ()
    follow_redirects: bool = True
    fail_if_ssl: bool = False
    fail_if_not_ssl: bool = False
    fail_if_body_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_body_not_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_header_matches: tuple[HeaderMatch, ...] = ()
    fail_if_header_not_matches: tuple[HeaderMatch, ...] = ()
    compression: Literal["", "gzip", "deflate", "br", "identity"] = ""
    body_size_limit: Annotated[int, BeforeValidator(parse_size)] = 0
    """0: 16 MiB; a longer body fails the probe."""
    proxy_url: str | None = None
    proxy_connect_header: dict[str, tuple[str, ...]] = Field(default_factory=dict, repr=False)
    skip_resolve_phase_with_proxy: bool = False
    """Taken without effect: behind a proxy it is always the proxy that looks the name up."""
    enable_http2: bool = True
    """Taken without effect: the probe speaks HTTP/1.1, which every server that offers HTTP/2 understands."""

    @model_validator(mode="before")
    @classmethod
    def _other_forms(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if (old := data.pop("no_follow_redirects", None)) is not None:
            data.setdefault("follow_redirects", not old)
        for key in ("fail_if_body_json_matches_cel", "fail_if_body_json_not_matches_cel"):
            if data.pop(key, None) is not None:
                raise UnsupportedError(
                    f"{key} is not supported: use {key.replace('_json', '').replace('cel', 'regexp')}"
                )
        return data

    @model_validator(mode="after")
    def _possible(self) -> "HttpModule":
        if self.body and self.body_file is not None:
            raise ValueError("give either body or body_file")
        if self.fail_if_ssl and self.fail_if_not_ssl:
            raise ValueError("fail_if_ssl and fail_if_not_ssl together fail always; take one out")
        if self.valid_http_versions and not {"HTTP/1.1", "HTTP/1.0"} & set(self.valid_http_versions):
            raise ValueError("the probe speaks HTTP/1.1 only; add HTTP/1.1 to valid_http_versions")
        for name, value in self.headers.items():
            if name.lower() == "accept-encoding" and not _accepts(value, self.compression):
                raise ValueError(f"{name}: {value} does not accept compression: {self.compression}; add it there")
        return self

    @property
    def reads_body(self) -> bool:
        """Whether a check of the body is asked for."""
        return bool(self.fail_if_body_matches_regexp or self.fail_if_body_not_matches_regexp)

    def all_headers(self, base: Path, hostname: str = "") -> CIMultiDict[str]:
        """Return what is sent; raises ConfigError when a secret's file can't be read."""
        found: CIMultiDict[str] = CIMultiDict({"User-Agent": "Tocsin-Collector"})
        if self.compression:
            found["Accept-Encoding"] = self.compression
        for name, value in self.auth_headers(base):
            found.add(name, value)
        found.update(self.headers)
        if hostname:
            found.setdefault("Host", hostname)
        return found

    def payload(self, base: Path) -> bytes | None:
        """Return the request's body; raises ConfigError when its file can't be read."""
        if self.body_file is not None:
            try:
                return (base / self.body_file).read_bytes()
            except OSError as error:
                raise ConfigError(f"{self.body_file}: the body can't be read: {error.strerror}") from error
        return self.body.encode() or None

    def proxy_headers(self, base: Path) -> CIMultiDict[str] | None:
        """Return the headers of a CONNECT to the proxy."""
        if self.proxy_url is None:
            return None
        pairs = [
            (name, value)
            for name, values in self.proxy_connect_header.items()
            for value in HeaderValues(values=values).read(base)
        ]
        return CIMultiDict(pairs)


def _accepts(header: str, compression: str) -> bool:
    if not compression:
        return True
    offered = {}
    for part in header.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        offered[name] = not any(piece.replace(" ", "") in {"q=0", "q=0.0"} for piece in parameters)
    return offered.get(compression, offered.get("*", False))
