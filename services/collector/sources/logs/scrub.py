"""Secrets out of what is kept and shown of a log."""

import re

from services.common.log import HIDDEN, scrub_text

_WORDS = r"passw(?:or)?d|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|session[_-]?id|csrf"
_KEY = rf"(?:[\w.-]{{0,60}}(?:{_WORDS})[\w-]{{0,60}}|authorization|set-cookie|cookie|dsn)"
_VALUE = r"""(?:b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\]|\\.)*'|[^\s,;&)}\]'"]+)"""
_ISSUED = (
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", r"\b(?:sk|pk|rk)_(?:live|test)_\w{8,}", r"\bgh[pousr]_\w{20,}",
    r"\bxox[abprs]-[\w-]{8,}", r"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*",
)  # fmt: skip
_PEM = r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
_PAIR = rf"""(["']?\b{_KEY}["']?\s*(?:=>|[=:])\s*)(?!\[hidden\]|Bearer |Basic |Digest |Token ){_VALUE}"""
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(_PEM, re.DOTALL), HIDDEN),
    (re.compile(r"\b(Bearer|Basic|Digest|Token)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile("|".join(_ISSUED)), HIDDEN),
    # SQL that sets a password: CREATE ROLE x PASSWORD 'x'.
    (re.compile(r"\b(PASSWORD)\s+'(?:[^']|'')*'", re.IGNORECASE), rf"\1 '{HIDDEN}'"),
    (re.compile(_PAIR, re.IGNORECASE), rf"\1{HIDDEN}"),
)
_SECRET_KEY = re.compile(rf"^{_KEY}$", re.IGNORECASE)
_CARD = re.compile(r"\b[3-6](?:[ -]?\d){12,18}\b")


def scrub_secrets(text: str) -> str:
    """Return a text without passwords, tokens, cookies, private keys and card numbers, as far as their form tells."""
    text = scrub_text(text)
    for shape, word in _SHAPES:
        text = shape.sub(word, text)
    return _CARD.sub(lambda found: HIDDEN if _is_card(found[0]) else found[0], text)


def is_secret_key(key: str) -> bool:
    """Tell whether a field's name says that its value is a secret."""
    return _SECRET_KEY.match(key) is not None


def _is_card(text: str) -> bool:
    # Luhn's check digit: one number in ten passes by chance, so that most other long numbers stay readable.
    digits = [int(letter) for letter in text if letter.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
