"""Tells a monitor by HTTP that a job has begun, ended or failed."""

import urllib.request
from urllib.parse import urlsplit

_LIMIT = 5.0
_TRIES = 2
_MOST_BYTES = 10_000


class PingUrl:
    """A job's own address, `https://…/ping/KEY`: POST there means success, with `/start`, `/fail` or `/log` the rest.

    The address is a secret: who has it can report for the job. Raises ValueError when it is no HTTP address.
    """

    def __init__(self, url: str, *, limit: float = _LIMIT) -> None:
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
            raise ValueError("a ping URL is an HTTP address, such as https://tocsin.example/ping/KEY")
        self._url, self._limit = url.rstrip("/"), limit

    def send(self, suffix: str = "", text: str = "") -> bool:
        """Report and tell whether the monitor has taken it; a second try is made, no error is raised."""
        address = f"{self._url}/{suffix}" if suffix else self._url
        body = text.encode()[:_MOST_BYTES]
        request = urllib.request.Request(address, data=body, method="POST")  # noqa: S310 - the scheme is checked above
        request.add_header("Content-Type", "text/plain; charset=utf-8")
        return any(self._try(request) for _ in range(_TRIES))

    def _try(self, request: urllib.request.Request) -> bool:
        try:
            with urllib.request.urlopen(request, timeout=self._limit):  # noqa: S310 - the scheme is checked above
                return True
        except (OSError, ValueError):
            # The job is what matters; the monitor notices by itself that nothing came.
            return False
