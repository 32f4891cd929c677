r"""Go's string and character literals: reading and writing them.

Go's strings are bytes. Here a string is a `str`; bytes that are not UTF-8 stand in it as `surrogateescape` has them
(U+DC80 to U+DCFF), so that `len`, `slice` and `\xff` give what Go gives.
"""

_SIMPLE = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92}
_SHORT = {value: f"\\{letter}" for letter, value in _SIMPLE.items()}
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_MAX_RUNE = 0x10FFFF
_MAX_BYTE = 255
_ASCII = 0x80
_BMP = 0x10000
_ESCAPED_BYTES = range(0xDC80, 0xDD00)
_SURROGATES = range(0xD800, 0xE000)


def to_bytes(text: str) -> bytes:
    """Return the string's bytes; a surrogate that stands for no byte becomes U+FFFD."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "".join("\ufffd" if ord(c) in _SURROGATES else c for c in text).encode()


def from_bytes(data: bytes) -> str:
    """Return the bytes as a string of ours."""
    return data.decode("utf-8", "surrogateescape")


def printable(rune: str) -> bool:
    """Return whether Go's strconv.IsPrint holds: letters, marks, numbers, punctuation, symbols, the ASCII space."""
    return rune.isprintable()


def quote(text: str, *, ascii_only: bool = False, mark: str = '"') -> str:
    """Return the text as a Go literal, as strconv.Quote (or QuoteToASCII, QuoteRune) does."""
    return mark + "".join(_quote_rune(rune, ascii_only=ascii_only, mark=mark) for rune in text) + mark


def _quote_rune(rune: str, *, ascii_only: bool, mark: str) -> str:
    code = ord(rune)
    if rune in {mark, "\\"}:
        return "\\" + rune
    if code in _ESCAPED_BYTES:
        return f"\\x{code - 0xDC00:02x}"
    if printable(rune) and (code < _ASCII or not ascii_only):
        return rune
    if code in _SHORT:
        return _SHORT[code]
    if code < 0x20 or code == 0x7F:  # noqa: PLR2004 (the ASCII control characters)
        return f"\\x{code:02x}"
    if code in _SURROGATES:
        code = 0xFFFD
    return f"\\u{code:04x}" if code < _BMP else f"\\U{code:08x}"


def can_backquote(text: str) -> bool:
    """Return whether the text can stand between backquotes unchanged, as strconv.CanBackquote tells."""
    return not any(
        rune in "`\x7f\ufeff" or (rune < " " and rune != "\t") or ord(rune) in _ESCAPED_BYTES for rune in text
    )


def unquote(literal: str) -> str:
    """Return the string that a Go literal in double quotes or backquotes stands for; raises ValueError."""
    mark, body = literal[:1], literal[1:-1]
    if mark == "`":
        return body.replace("\r", "")
    data = bytearray()
    rest = body
    while rest:
        if rest[0] != "\\":
            run = rest.split("\\", 1)[0]
            data += to_bytes(run)
            rest = rest[len(run) :]
            continue
        code, is_byte, rest = _escape(rest, '"')
        data += bytes([code]) if is_byte else chr(code).encode()
    return from_bytes(bytes(data))


def unquote_char(literal: str) -> int:
    """Return the code of a Go character literal with its quotes; raises ValueError."""
    body = literal[1:]
    if not body or body[0] == "'":
        raise ValueError("invalid syntax")
    if body[0] == "\\":
        code, _, tail = _escape(body, "'")
    else:
        code, tail = ord(body[0]), body[1:]
    if tail != "'":
        raise ValueError(f"malformed character constant: {literal}")
    return code


def _escape(text: str, mark: str) -> tuple[int, bool, str]:
    """Read one escape; return its code, whether it is a byte rather than a rune, and what follows."""
    letter = text[1:2]
    if letter in _SIMPLE and letter:
        return _SIMPLE[letter], False, text[2:]
    if letter == mark:
        return ord(mark), False, text[2:]
    if letter in _HEX_DIGITS and letter:
        end = 2 + _HEX_DIGITS[letter]
        code = _digits(text[2:end], 16, end - 2)
        if letter != "x" and (code > _MAX_RUNE or code in _SURROGATES):
            raise ValueError("invalid syntax")
        return code, letter == "x", text[end:]
    code = _digits(text[1:4], 8, 3)
    if code > _MAX_BYTE:
        raise ValueError("invalid syntax")
    return code, True, text[4:]


def _digits(text: str, base: int, count: int) -> int:
    allowed = "0123456789abcdefABCDEF" if base == 16 else "01234567"  # noqa: PLR2004 (hexadecimal)
    if len(text) != count or any(c not in allowed for c in text):
        raise ValueError("invalid syntax")
    return int(text, base)
