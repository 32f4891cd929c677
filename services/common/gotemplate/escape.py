"""Escaping for HTML, JavaScript and URLs, as Go's templates do it."""

from urllib.parse import quote_plus

from services.common.gotemplate.quoting import printable, to_bytes

_HTML = {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
_HTML_TABLE = str.maketrans(_HTML)
_JS = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "<": "\\u003C",
    ">": "\\u003E",
    "&": "\\u0026",
    "=": "\\u003D",
}
_ASCII = 0x80
_BMP = 0x10000


def escape_html(text: str) -> str:
    """Return the text with what HTML gives a meaning to as references."""
    return text.translate(_HTML_TABLE)


def escape_js(text: str) -> str:
    r"""Return the text as it may stand in a JavaScript string: `\'`, `\u003C`, control characters as `\u00XX`."""
    return "".join(_JS.get(rune) or _js_rune(rune) for rune in text)


def _js_rune(rune: str) -> str:
    code = ord(rune)
    if 0xDC80 <= code < 0xDD00:  # noqa: PLR2004 (a byte that is no UTF-8, which Go reads as U+FFFD)
        return "\ufffd"
    if code < 0x20 or (code >= _ASCII and not printable(rune)):  # noqa: PLR2004 (the ASCII control characters)
        return f"\\u{code:04X}"
    return rune


def escape_query(text: str) -> str:
    """Return the text as it may stand in a URL's query, as url.QueryEscape does."""
    return quote_plus(to_bytes(text), safe="~")
