"""Output that escapes each value for the place in the page where it stands.

Go's html/template analyses the templates before they run. Here the page itself is followed while it is written, so that
the place of a value is known whatever branches led there. Covered as in Go: text, title and textarea, attributes quoted
and not, URLs (scheme filtered, query and path apart), srcset, attribute names, CSS values and strings in style
attributes and elements, comments (dropped). Refused with an error, where Go escapes: values in scripts, event handlers,
CSS comments and CSS `url(…)`. Comments in scripts and styles stay, where Go drops them.
"""

import re
from dataclasses import dataclass, replace
from enum import Enum, auto
from html import unescape
from typing import Any
from urllib.parse import unquote_plus

from services.common.gotemplate import html_escape as esc
from services.common.gotemplate.errors import FunctionError
from services.common.gotemplate.executor import Output
from services.common.gotemplate.html_escape import AttributeKind
from services.common.gotemplate.nodes import IdentifierNode, PipeNode
from services.common.gotemplate.printer import as_text
from services.common.gotemplate.quoting import quote
from services.common.gotemplate.values import HTML, URL

_TAG_OPEN = re.compile(r"<(?:!--|(?P<end>/?)(?P<name>[a-zA-Z](?:[a-zA-Z0-9]|[:-](?=[a-zA-Z0-9]))*))")
_NAME = re.compile(r"[^ \t\n\f\r=>'\"<]*")
_SPACES = re.compile(r"[ \t\n\f\r]*")
_STRAY = re.compile(r"<(?!!DOCTYPE)", re.IGNORECASE)
_UNQUOTED_END = re.compile(r"[ \t\n\f\r>]")
_UNQUOTED_BAD = re.compile(r"[\"'<=`]")
_CSS_TOKEN = re.compile(
    r"/\*(?:.*?\*/|(?P<comment>.*)\Z)|url\([ \t\n\f\r]*(?:[^)]*\)|(?P<url>[^)]*)\Z)"
    r"|\"(?:(?:\\.|[^\"\\])*\"|(?P<double>.*)\Z)|'(?:(?:\\.|[^'\\])*'|(?P<single>.*)\Z)",
    re.DOTALL | re.IGNORECASE,
)
_PREDEFINED = ("html", "urlquery")


class _State(Enum):
    TEXT = auto()
    TAG = auto()
    NAME = auto()
    AFTER_NAME = auto()
    BEFORE_VALUE = auto()
    COMMENT = auto()
    RCDATA = auto()
    RAW = auto()
    VALUE = auto()


_CONTENT = {"title": _State.RCDATA, "textarea": _State.RCDATA, "script": _State.RAW, "style": _State.RAW}


@dataclass(frozen=True)
class _Context:
    state: _State = _State.TEXT
    element: str = ""
    attribute: str = ""
    delimiter: str = ""
    """The quote around the value at hand; a space for a value without quotes."""
    before: str = ""
    """What the value or style at hand has so far, references decoded."""


class HtmlOutput(Output):
    """Writes a page."""

    _context = _Context()

    def literal(self, text: str) -> None:
        """Write the template's own text and follow what it opens and closes; raises FunctionError for broken HTML."""
        readers = {
            _State.TEXT: self._read_text,
            _State.RCDATA: self._read_content,
            _State.RAW: self._read_content,
            _State.TAG: self._read_tag,
            _State.NAME: self._read_name,
            _State.AFTER_NAME: self._read_after_name,
            _State.BEFORE_VALUE: self._read_before_value,
            _State.COMMENT: self._read_comment,
            _State.VALUE: self._read_value,
        }
        pos = 0
        while pos < len(text):
            pos = readers[self._context.state](text, pos)

    def finish(self) -> None:
        """Raise FunctionError if the page ends inside a tag, a comment or a script."""
        if self._context.state is not _State.TEXT:
            raise FunctionError("the page ends inside a tag, comment, script, style, title or textarea")

    def _go(self, **changes: Any) -> None:
        self._context = replace(self._context, **changes)

    # The template's own text.

    def _read_text(self, text: str, pos: int) -> int:
        match = _TAG_OPEN.search(text, pos)
        end = match.start() if match else len(text)
        self.put(_STRAY.sub("&lt;", text[pos:end]))
        if match is None:
            return end
        if match["name"] is None:
            self._context = _Context(_State.COMMENT)
            return match.end()
        self.put(match[0])
        name = match["name"].lower()
        self._context = _Context(_State.TAG, element="" if match["end"] else name)
        return match.end()

    def _read_comment(self, text: str, pos: int) -> int:
        end = text.find("-->", pos)
        if end < 0:
            return len(text)
        self._context = _Context()
        return end + 3

    def _read_content(self, text: str, pos: int) -> int:
        """Read to the end tag of a script, style, title or textarea."""
        element = self._context.element
        match = re.compile(rf"</{element}(?=[> \t\n\f/])", re.IGNORECASE).search(text, pos)
        end = match.start() if match else len(text)
        part = text[pos:end]
        if self._context.state is _State.RCDATA:
            self.put(_STRAY.sub("&lt;", part))
        else:
            self.put(part)
            self._go(before=self._context.before + part)
        if match:
            self._context = _Context()
        return end

    def _read_tag(self, text: str, pos: int) -> int:
        if space := _SPACES.match(text, pos):
            self.put(space[0])
            pos = space.end()
        if pos == len(text):
            return pos
        if text[pos] == ">":
            self.put(">")
            element = self._context.element
            self._context = _Context(_CONTENT.get(element, _State.TEXT), element)
            return pos + 1
        self._go(state=_State.NAME, attribute="", delimiter="", before="")
        end = self._read_name(text, pos)
        if end == pos:
            raise FunctionError(f"expected space, attr name, or end of tag, but got {quote(text[pos:])}")
        return end

    def _read_name(self, text: str, pos: int) -> int:
        match = _NAME.match(text, pos)
        end = match.end() if match else pos
        if end < len(text) and text[end] in "'\"<":
            raise FunctionError(f"{quote(text[end])} in attribute name: {quote(text[pos:])}")
        self.put(text[pos:end])
        self._go(attribute=self._context.attribute + text[pos:end].lower())
        if end < len(text):
            self._go(state=_State.AFTER_NAME)
        return end

    def _read_after_name(self, text: str, pos: int) -> int:
        if space := _SPACES.match(text, pos):
            self.put(space[0])
            pos = space.end()
        if pos == len(text):
            return pos
        if text[pos] != "=":
            self._go(state=_State.TAG)
            return pos
        self.put("=")
        self._go(state=_State.BEFORE_VALUE)
        return pos + 1

    def _read_before_value(self, text: str, pos: int) -> int:
        if space := _SPACES.match(text, pos):
            self.put(space[0])
            pos = space.end()
        if pos == len(text):
            return pos
        delimiter = text[pos] if text[pos] in "'\"" else " "
        self._go(state=_State.VALUE, delimiter=delimiter, before="")
        if delimiter == " ":
            return pos
        self.put(delimiter)
        return pos + 1

    def _read_value(self, text: str, pos: int) -> int:
        delimiter = self._context.delimiter
        if delimiter == " ":
            found = _UNQUOTED_END.search(text, pos)
            end = found.start() if found else len(text)
            if bad := _UNQUOTED_BAD.search(text, pos, end):
                raise FunctionError(f"{quote(bad[0])} in unquoted attr: {quote(text[pos:end])}")
            after = end
        else:
            end = text.find(delimiter, pos)
            end = len(text) if end < 0 else end
            after = min(end + 1, len(text))
        self.put(text[pos:after])
        if end < len(text):
            self._go(state=_State.TAG, attribute="", delimiter="", before="")
        else:
            self._go(before=self._context.before + unescape(text[pos:end]))
        return after

    # Values.

    def value(self, value: Any, pipe: PipeNode) -> None:
        """Write an action's value, escaped for its place; raises FunctionError where no value may stand."""
        done = _last_escaper(pipe)
        text = "" if value is None else as_text(value)
        is_html = isinstance(value, HTML) or done == "html"
        context = self._nudged()
        match context.state:
            case _State.COMMENT:
                return
            case _State.TEXT:
                self.put(esc.escape_text(text, is_html=is_html))
            case _State.RCDATA:
                self.put(text if done == "html" else esc.escape_rcdata(text, is_html=is_html))
            case _State.RAW if context.element == "style":
                self.put(_css(text, context.before))
            case _State.RAW:
                raise FunctionError("a value can't stand in a script")
            case _State.NAME:
                name = esc.filter_name(text)
                self.put(name)
                self._go(attribute=context.attribute + name)
            case _:
                self._attribute_value(text, is_html=is_html, is_url=isinstance(value, URL), done=done)

    def _nudged(self) -> _Context:
        """Return the context in which a value stands, where the text before leaves more than one open."""
        match self._context.state:
            case _State.TAG | _State.AFTER_NAME:
                self._go(state=_State.NAME, attribute="", delimiter="", before="")
            case _State.BEFORE_VALUE:
                self._go(state=_State.VALUE, delimiter=" ", before="")
        return self._context

    def _attribute_value(self, text: str, *, is_html: bool, is_url: bool, done: str) -> None:
        context = self._context
        kind = esc.attribute_kind(context.attribute)
        if context.element == "meta" and context.attribute == "content" and "url=" in context.before.lower():
            text = text if is_url else esc.filter_url(text)
        elif kind is AttributeKind.URL:
            text = _url(text, context.before, is_url=is_url, done=done)
        elif kind is AttributeKind.SRCSET:
            text = esc.filter_srcset(text, is_url=is_url)
        elif kind is AttributeKind.CSS:
            text = _css(text, context.before)
        elif kind is AttributeKind.SCRIPT:
            raise FunctionError(f"a value can't stand in the script {quote(context.attribute)}")
        plain = kind in {AttributeKind.PLAIN, AttributeKind.UNSAFE}
        quoted = context.delimiter != " "
        if plain and quoted and done == "html":
            self.put(text)
        else:
            self.put(esc.escape_attribute(text, is_html=is_html and plain, quoted=quoted))


def _last_escaper(pipe: PipeNode) -> str:
    """Return the predefined escaper that ends the pipeline; raises FunctionError for one that stands before the end."""
    found = ""
    for index, command in enumerate(pipe.commands):
        first = command.args[0]
        if isinstance(first, IdentifierNode) and first.name in _PREDEFINED:
            if index < len(pipe.commands) - 1:
                raise FunctionError(f"predefined escaper {quote(first.name)} disallowed in template")
            found = first.name
    return found


def _url(text: str, before: str, *, is_url: bool, done: str) -> str:
    in_query = "#" in before or "?" in before
    starts = not before.strip(" \t\n\f\r")
    if done == "urlquery":
        return text if not starts or esc.safe_url(unquote_plus(text)) else f"%23{esc.FAILSAFE}"
    if starts and not is_url:
        text = esc.filter_url(text)
    return esc.process_url(text, normalize=is_url or not in_query)


def _css(text: str, before: str) -> str:
    """Return a value for a place in CSS that the text before it tells; raises FunctionError where none may stand."""
    for match in _CSS_TOKEN.finditer(before):
        if match["comment"] is not None or match["url"] is not None:
            raise FunctionError("a value can't stand in a CSS comment or url()")
        open_string = match["double"] if match["double"] is not None else match["single"]
        if open_string is not None:
            return esc.escape_css(text if open_string.strip() else esc.filter_url(text))
    return esc.filter_css(text)
