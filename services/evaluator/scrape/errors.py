"""Why a scrape failed."""

from typing import Literal

Reason = Literal["timeout", "refused", "unreachable", "tls", "status", "too_large", "format", "limit", "credentials"]


class ScrapeError(Exception):
    """A scrape that gave no samples; `reason` is a metric label, the text says what to look at.

    `scraped` and `kept`: how many samples the page had, and had after relabelling, where it was too many.
    """

    def __init__(self, reason: Reason, text: str, *, scraped: int = 0, kept: int = 0) -> None:
        super().__init__(text)
        self.reason: Reason = reason
        self.scraped, self.kept = scraped, kept
