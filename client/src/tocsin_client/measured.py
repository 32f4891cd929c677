"""One finished request, as every family of names takes it."""

from dataclasses import dataclass
from typing import Protocol

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
Exemplar = dict[str, str]


def known_method(method: str) -> str:
    """Return the method, "OTHER" for one that no standard names: a client may send any word."""
    return method if method in METHODS else "OTHER"


@dataclass(slots=True)
class Measured:
    """A request that has ended: times in seconds (`first` None where no response began), body sizes in bytes."""

    handler: str
    method: str
    status: int
    total: float
    first: float | None
    received: int
    sent: int
    error: BaseException | None
    """The app's exception, None also where it only says that the client has left."""
    exemplar: Exemplar | None


class Family(Protocol):
    """A set of metrics in one of the field's conventions."""

    def start(self, method: str) -> None:
        """Note that a request has come."""

    def end(self, request: Measured) -> None:
        """Record a request that has ended."""
