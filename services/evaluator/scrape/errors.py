"""Why a scrape failed."""

from typing import Literal

Reason = Literal["timeout", "refused", "unreachable", "tls", "status", "too_large", "format", "limit", "credentials"]


class ScrapeError(Exception):
    """A scrape that gave no samples; `reason` is a metric label, the text says what to look at."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason: Reason = reason
