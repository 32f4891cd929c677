"""The exposition formats that we ask for and that we take an answer to be in."""

from collections.abc import Sequence
from typing import Literal

Protocol = Literal[
    "PrometheusProto", "PrometheusText0.0.4", "PrometheusText1.0.0", "OpenMetricsText0.0.1", "OpenMetricsText1.0.0"
]
Escaping = Literal["allow-utf-8", "underscores", "dots", "values"]
"""How a target writes names that have other letters than [a-zA-Z0-9_:]."""
DEFAULT: tuple[Protocol, ...] = (
    "OpenMetricsText1.0.0",
    "OpenMetricsText0.0.1",
    "PrometheusText1.0.0",
    "PrometheusText0.0.4",
)
_TYPES: dict[str, str] = {
    "PrometheusText0.0.4": "text/plain;version=0.0.4",
    "PrometheusText1.0.0": "text/plain;version=1.0.0",
    "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
    "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0",
}
# Only these forms know how to write other names than of old.
_ESCAPING: frozenset[Protocol] = frozenset({"PrometheusText1.0.0", "OpenMetricsText1.0.0"})
_OPENMETRICS = "application/openmetrics-text"
_KNOWN = frozenset({_OPENMETRICS, "text/plain"})


def readable(protocols: Sequence[Protocol]) -> list[Protocol]:
    """Return those that we read, in their order: all but the protobuf one, whose targets speak text too."""
    return [protocol for protocol in protocols if protocol in _TYPES]


def accept_header(protocols: Sequence[Protocol], escaping: Escaping) -> str:
    """Return the header that asks for these formats, the first the most; anything else comes last."""
    asked = readable(protocols) or list(DEFAULT)
    weights = range(len(asked) + 1, 1, -1)
    formats = [
        f"{_TYPES[protocol]}{f';escaping={escaping}' if protocol in _ESCAPING else ''};q=0.{weight}"
        for protocol, weight in zip(asked, weights, strict=True)
    ]
    return ",".join([*formats, "*/*;q=0.1"])


def is_openmetrics(content_type: str, fallback: Protocol) -> bool:
    """Tell from an answer's Content-Type how to read it; `fallback` decides where the header names no known format."""
    media = content_type.partition(";")[0].strip().lower()
    return media == _OPENMETRICS or (media not in _KNOWN and fallback.startswith("OpenMetrics"))
