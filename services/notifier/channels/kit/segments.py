"""How long a text message is: segments of GSM-7 or UCS-2, and cutting at a word. Pure.

Source: 3GPP TS 23.038 (alphabet), TS 23.040 (concatenated messages: 153 septets or 67 code units a segment).
"""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_ONE, _EACH = {"gsm": 160, "ucs": 70}, {"gsm": 153, "ucs": 67}
# Typographic signs that would more than halve what fits into a segment, and have a plain form.
_PLAIN = str.maketrans({
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2013": "-", "\u2014": "-",
    "\u2026": "...", "\u00a0": " ", "\t": " ", "\u2022": "-", "\u2192": "->", "\u2265": ">=", "\u2264": "<=",
    "\u00d7": "x", "`": "'",
})  # fmt: skip


def plain(text: str) -> str:
    """Return the text with typographic signs in their plain form."""
    return text.translate(_PLAIN)


def alphabet(text: str) -> str:
    """Return `gsm` when the text fits GSM-7, else `ucs`."""
    return "gsm" if all(char in _BASIC or char in _EXTENDED for char in text) else "ucs"


def length(text: str) -> int:
    """Return the text's length in its alphabet's units: septets, or UTF-16 code units."""
    if alphabet(text) == "gsm":
        return sum(2 if char in _EXTENDED else 1 for char in text)
    return len(text.encode("utf-16-be")) // 2


def segments(text: str) -> int:
    """Return in how many segments the text travels; a character is never split over two."""
    kind = alphabet(text)
    if length(text) <= _ONE[kind]:
        return 1
    count, used = 1, 0
    for char in text:
        units = length(char) if kind == "gsm" else len(char.encode("utf-16-be")) // 2
        if used + units > _EACH[kind]:
            count, used = count + 1, 0
        used += units
    return count


def fit(text: str, most: int) -> str:
    """Return the text in at most that many segments: cut at a word, `...` behind; a last line that is short stays.

    The last line is where to look, without which the rest is of less use.
    """
    text = plain(text.strip())
    if segments(text) <= most:
        return text
    head, _, last = text.rpartition("\n")
    if not head or segments(last) > 1 or length(last) > _ONE[alphabet(text)] // 2 * most:
        head, tail = text, "..."
    else:
        tail = f"...\n{last}"
    low, high = 0, len(head)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if segments(_at_word(head, middle) + tail) <= most else (low, middle - 1)
    return _at_word(head, low) + tail


def _at_word(text: str, most: int) -> str:
    if most >= len(text):
        return text
    part = text[:most]
    if not text[most].isspace():
        # Where the last word is longer than half of all, it is cut in itself.
        at = max(part.rfind(" "), part.rfind("\n"))
        part = part[:at] if at > most // 2 else part
    return part.rstrip(" \n.,;:")
