"""The escapers of Go's html/template, one for each kind of place in a page."""

import re
from enum import Enum, auto

from services.common.gotemplate.quoting import to_bytes

FAILSAFE = "ZgotmplZ"
"""What stands in place of a value that is not safe; searching for it finds the template at fault."""

_MARKUP = {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "+": "&#43;", "<": "&lt;", ">": "&gt;"}
_TEXT = str.maketrans({**_MARKUP, "&": "&amp;"})
_TEXT_WITH_REFERENCES = str.maketrans(_MARKUP)
_UNQUOTED_MARKUP = {
    **_MARKUP,
    "\0": "&#xfffd;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\v": "&#11;",
    "\f": "&#12;",
    "\r": "&#13;",
    " ": "&#32;",
    "=": "&#61;",
    "`": "&#96;",
    **{chr(code): f"&#x{code:x};" for code in (*range(0xFDD0, 0xFDF0), *range(0xFFF0, 0x10000))},
}
_UNQUOTED = str.maketrans({**_UNQUOTED_MARKUP, "&": "&amp;"})
_UNQUOTED_WITH_REFERENCES = str.maketrans(_UNQUOTED_MARKUP)
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[a-zA-Z](?:\"[^\"]*\"|'[^']*'|[^>\"'])*(?:>|\Z)", re.DOTALL)
_SAFE_SCHEMES = {"http", "https", "mailto"}
_UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_RESERVED = frozenset(b"!#$&*+,/:;=?@[]")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_SPACE = " \t\n\f\r"
_METADATA = re.compile(r"[A-Za-z0-9\t\n\f\r ]*")
_CSS_ESCAPES = {
    "\0": "\\0",
    "\t": "\\9",
    "\n": "\\a",
    "\f": "\\c",
    "\r": "\\d",
    "\\": "\\\\",
    **{char: f"\\{ord(char):x}" for char in "\"&'()+/:;<>{}"},
}
_CSS_ESCAPE = re.compile(r"\\(?:(?P<code>[0-9a-fA-F]{1,6})(?:\r\n|[ \t\n\f\r])?|(?P<char>.))", re.DOTALL)
_CSS_UNSAFE = frozenset("\0\"'()/;@[\\]`{}<>")
_MAX_RUNE = 0x10FFFF


class AttributeKind(Enum):
    """What an attribute's value is."""

    PLAIN = auto()
    URL = auto()
    SRCSET = auto()
    CSS = auto()
    SCRIPT = auto()
    UNSAFE = auto()


_URL_ATTRIBUTES = frozenset(
    [
        "action",
        "archive",
        "background",
        "cite",
        "classid",
        "codebase",
        "data",
        "formaction",
        "href",
        "icon",
        "longdesc",
        "manifest",
        "poster",
        "profile",
        "src",
        "usemap",
        "xmlns",
    ]
)
_UNSAFE_ATTRIBUTES = frozenset(
    [
        "accept-charset",
        "async",
        "challenge",
        "charset",
        "content",
        "crossorigin",
        "defer",
        "enctype",
        "form",
        "formenctype",
        "formmethod",
        "formnovalidate",
        "http-equiv",
        "keytype",
        "language",
        "method",
        "novalidate",
        "pattern",
        "rel",
        "sandbox",
        "srcdoc",
        "type",
        "value",
    ]
)


def attribute_kind(name: str) -> AttributeKind:
    """Return what the value of an attribute is taken for, by its name in lower case: rather too much than too little.

    UNSAFE ones are plain for their values, but no action may give their names.
    """
    if name.startswith("data-"):
        name = name.removeprefix("data-")
    elif ":" in name:
        prefix, name = name.split(":", 1)
        if prefix == "xmlns":
            return AttributeKind.URL
    known = {"srcset": AttributeKind.SRCSET, "style": AttributeKind.CSS, "srclang": AttributeKind.PLAIN}
    if name in known:
        return known[name]
    if name in _UNSAFE_ATTRIBUTES:
        return AttributeKind.UNSAFE
    if name.startswith("on"):
        return AttributeKind.SCRIPT
    if name in _URL_ATTRIBUTES or any(part in name for part in ("src", "uri", "url")):
        return AttributeKind.URL
    return AttributeKind.PLAIN


def escape_text(text: str, *, is_html: bool) -> str:
    """Return what stands between tags; HTML stays as it is."""
    return text if is_html else text.translate(_TEXT)


def escape_rcdata(text: str, *, is_html: bool) -> str:
    """Return what stands in a title or textarea, where tags mean nothing but references do."""
    return text.translate(_TEXT_WITH_REFERENCES if is_html else _TEXT)


def escape_attribute(text: str, *, is_html: bool, quoted: bool) -> str:
    """Return what stands in an attribute's value; of HTML, its text without tags."""
    if is_html:
        text = _TAG.sub("", text)
    if quoted:
        return text.translate(_TEXT_WITH_REFERENCES if is_html else _TEXT)
    return text.translate(_UNQUOTED_WITH_REFERENCES if is_html else _UNQUOTED) or FAILSAFE


def filter_name(text: str) -> str:
    """Return an attribute's name that a value gives, if it is a harmless one."""
    name = text.lower()
    if not name or not name.isascii() or not name.isalnum() or attribute_kind(name) is not AttributeKind.PLAIN:
        return FAILSAFE
    return name


def safe_url(text: str) -> bool:
    """Return whether a URL is relative or its scheme is http, https or mailto."""
    scheme, colon, _ = text.partition(":")
    return not colon or "/" in scheme or scheme.lower() in _SAFE_SCHEMES


def filter_url(text: str) -> str:
    """Return the URL if its scheme is safe."""
    return text if safe_url(text) else f"#{FAILSAFE}"


def process_url(text: str, *, normalize: bool) -> str:
    """Return the text with what a URL can't hold percent-encoded; the reserved characters too unless normalising."""
    data = to_bytes(text)
    kept = _UNRESERVED | _RESERVED if normalize else _UNRESERVED
    parts = []
    for index, byte in enumerate(data):
        escaped = byte == ord("%") and len(data) > index + 2 and {data[index + 1], data[index + 2]} <= _HEX
        parts.append(chr(byte) if byte in kept or (normalize and escaped) else f"%{byte:02x}")
    return "".join(parts)


def filter_srcset(text: str, *, is_url: bool) -> str:
    """Return a srcset's images, each with a safe URL."""
    if is_url:
        return process_url(text, normalize=True).replace(",", "%2c")
    return ",".join(map(_srcset_image, text.split(",")))


def _srcset_image(text: str) -> str:
    start = len(text) - len(text.lstrip(_SPACE))
    end = next((index for index in range(start, len(text)) if text[index] in _SPACE), len(text))
    if not safe_url(text[start:end]) or not _METADATA.fullmatch(text[end:]):
        return f"#{FAILSAFE}"
    return text[:start] + process_url(text[start:end], normalize=True) + text[end:]


def escape_css(text: str) -> str:
    """Return what stands in a CSS string."""
    parts = []
    for index, rune in enumerate(text):
        escaped = _CSS_ESCAPES.get(rune)
        parts.append(escaped or rune)
        following = text[index + 1 : index + 2]
        if escaped and escaped != "\\\\" and (not following or following in f"{_SPACE}0123456789abcdefABCDEF"):
            parts.append(" ")
    return "".join(parts)


def filter_css(text: str) -> str:
    """Return a CSS value if it is a harmless one: a quantity, a keyword, a colour, an id or class."""
    decoded = _CSS_ESCAPE.sub(_css_rune, text)
    word = "".join(char for char in decoded.lower() if char.isascii() and (char.isalnum() or char in "-_"))
    if "--" in decoded or _CSS_UNSAFE & set(decoded) or "expression" in word or "mozbinding" in word:
        return FAILSAFE
    return decoded


def _css_rune(match: re.Match[str]) -> str:
    if match["char"]:
        return match["char"]
    code = int(match["code"], 16)
    return chr(code) if code <= _MAX_RUNE and not 0xD800 <= code < 0xE000 else "\ufffd"  # noqa: PLR2004 (the surrogates)
