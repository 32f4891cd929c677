"""Signed links for answers from a mail: whose they are, for which alert, until when. Pure."""

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple

_LIFETIME = 7 * 86_400.0
_MAC = 24
_LONGEST = 512
_ONE, _ALL = "ack", "all"


class LinkError(ValueError):
    """A link that is not ours, or too old; `reason` is bounded: malformed, forged, expired."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Answer(NamedTuple):
    """What a link says: one alert, or a message and so all of its alerts."""

    alert_id: str
    by: str
    """To whom it was sent."""
    expires: float
    message: str = ""
    """The message's delivery id, for all of its alerts; then `alert_id` is empty."""


class Links:
    """Makes and reads links under one key; `url` is where people reach the dashboard."""

    def __init__(self, key: str, url: str, *, lifetime: float = _LIFETIME) -> None:
        self._key, self._url, self._lifetime = key.encode(), url.rstrip("/"), lifetime

    def acknowledge_url(self, alert_id: str, by: str, now: float) -> str:
        """Return the address at which `by` can take on an alert, once."""
        return f"{self._url}/ack/{self.token(Answer(alert_id, by, now + self._lifetime))}"

    def acknowledge_all_url(self, delivery_id: str, by: str, now: float) -> str:
        """Return the address at which `by` can take on all alerts of a message, once."""
        return f"{self._url}/ack/{self.token(Answer('', by, now + self._lifetime, delivery_id))}"

    def page_url(self, alert_id: str) -> str:
        """Return the alert's page on the dashboard; without an id that of all alerts."""
        return f"{self._url}/alerts/{alert_id}" if alert_id else f"{self._url}/alerts"

    def token(self, answer: Answer) -> str:
        """Return the signed form: text that needs no escaping in an address."""
        kind, what = (_ALL, answer.message) if answer.message else (_ONE, answer.alert_id)
        said = "\n".join((kind, what, answer.by, str(round(answer.expires)))).encode()
        return f"{_text(said)}.{_text(self._mac(said))}"

    def read(self, token: str, now: float) -> Answer:
        """Return what a token says; raises LinkError."""
        if len(token) > _LONGEST or token.count(".") != 1:
            raise LinkError("malformed")
        try:
            said, mac = map(_bytes, token.split("."))
        except (ValueError, binascii.Error):
            raise LinkError("malformed") from None
        if not hmac.compare_digest(mac, self._mac(said)):
            raise LinkError("forged")
        kind, what, by, expires = said.decode().split("\n")
        if kind not in {_ONE, _ALL}:
            raise LinkError("malformed")
        if now >= float(expires):
            raise LinkError("expired")
        return Answer(what, by, float(expires)) if kind == _ONE else Answer("", by, float(expires), what)

    def feed_token(self, schedule: str) -> str:
        """Return what a calendar program shows for a schedule's feed: it can send no header."""
        return _text(self._mac(f"feed\n{schedule}".encode()))

    def is_feed_token(self, schedule: str, token: str) -> bool:
        """Tell whether the token is the schedule's."""
        return hmac.compare_digest(self.feed_token(schedule).encode(), token.encode())

    def _mac(self, said: bytes) -> bytes:
        return hmac.new(self._key, said, hashlib.sha256).digest()[:_MAC]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(data) != text:
        # Several texts stand for the same bytes; only one of them is ours.
        raise ValueError("not in its shortest form")
    return data
