"""The templates of notifications: Alertmanager's functions, for text and for HTML."""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

from services.common.gotemplate import humanize
from services.common.gotemplate.errors import FunctionError
from services.common.gotemplate.evaluate import Missing
from services.common.gotemplate.gojson import to_json
from services.common.gotemplate.gotime import ZERO_TIME, Time, parse_time
from services.common.gotemplate.letter_case import title_words, to_lower, to_upper
from services.common.gotemplate.limits import Limits, check_size
from services.common.gotemplate.quoting import from_bytes, quote, to_bytes
from services.common.gotemplate.regex import REPLACE_COST, matches, replace_all
from services.common.gotemplate.template import TemplateSet
from services.common.gotemplate.values import ANY, HTML, LOOP_COST, URL, Function, GoList, GoMap, function, type_name

# What Unicode calls white space; str.strip also takes U+001C to U+001F.
_SPACE = "\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_BAD_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_DEFAULT_LIMITS = Limits()


def _join(separator: str, parts: list[str]) -> str:
    check_size(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


def _url_unescape(text: str) -> str:
    if bad := _BAD_PERCENT.search(text):
        raise FunctionError(f"invalid URL escape {quote(text[bad.start() : bad.start() + 3])}")
    return from_bytes(unquote_to_bytes(to_bytes(text.replace("+", " "))))


def _to_date(layout: str, text: str) -> Time:
    try:
        return parse_time(layout, text)
    except FunctionError:
        return ZERO_TIME


def _decode_base64(text: str) -> str:
    try:
        return from_bytes(base64.b64decode(to_bytes(text), altchars=b"-_", validate=True))
    except binascii.Error as error:
        raise FunctionError(f"illegal base64 data: {error}") from None


def _dict(*pairs: Any) -> GoMap:
    if len(pairs) % 2:
        raise FunctionError("dict requires an even number of arguments")
    for key in pairs[::2]:
        if type_name(key) != "string":
            raise FunctionError("dict keys must be strings")
    return GoMap(zip(pairs[::2], pairs[1::2], strict=True))


def _append(values: list[Any] | None, *more: Any) -> GoList:
    return GoList([*(values or ()), *more])


_PURE: Mapping[str, Function] = {
    "toUpper": function(to_upper, "string", cost=LOOP_COST),
    "toLower": function(to_lower, "string", cost=LOOP_COST),
    "title": function(partial(title_words, lower=True), "string", cost=LOOP_COST),
    "trimSpace": function(lambda text: text.strip(_SPACE), "string"),
    "join": function(_join, "string", "[]string"),
    "match": function(matches, "string", "string", cost=LOOP_COST),
    "safeHtml": function(HTML, "string"),
    "safeUrl": function(URL, "string"),
    "urlUnescape": function(_url_unescape, "string", cost=LOOP_COST),
    "reReplaceAll": function(replace_all, "string", "string", "string", cost=REPLACE_COST),
    "stringSlice": function(lambda *texts: list(texts), "string", variadic=True),
    "date": function(lambda layout, time: time.format(layout), "string", "time.Time"),
    "tz": function(lambda name, time: time.in_zone(name), "string", "time.Time"),
    "humanizeDuration": function(humanize.humanize_duration, ANY),
    "toDate": function(_to_date, "string", "string"),
    "mustToDate": function(parse_time, "string", "string"),
    "toJson": function(to_json, ANY, cost=LOOP_COST),
    "base64encode": function(lambda text: base64.urlsafe_b64encode(to_bytes(text)).decode(), "string"),
    "base64decode": function(_decode_base64, "string"),
    "list": function(lambda *values: GoList(values), ANY, variadic=True),
    "append": function(_append, f"[]{ANY}", ANY, variadic=True),
    "dict": function(_dict, ANY, variadic=True),
}


def functions(now: float) -> dict[str, Function]:
    """Return Alertmanager's functions; `now` and `since` go by the time given, in seconds since the epoch."""
    current = Time.at(now)
    return {**_PURE, "now": function(lambda: current), "since": function(current.minus, "time.Time")}


class Templates:
    """Alertmanager's templates: each text is there twice, as text and as HTML, as its `templates` files are."""

    def __init__(self, *, missing: Missing = "zero", limits: Limits = _DEFAULT_LIMITS) -> None:
        own = functions(0.0)
        self._text = TemplateSet(own, missing=missing, limits=limits)
        self._html = TemplateSet(own, missing=missing, limits=limits, html=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the templates that are defined, sorted."""
        return self._text.names

    def add(self, name: str, text: str) -> None:
        """Parse a template file; raises TemplateError, and nothing is added then."""
        text_set, html_set = self._text.copy(), self._html.copy()
        text_set.add(name, text)
        html_set.add(name, text)
        self._text, self._html = text_set, html_set

    def check(self, text: str, *, html: bool = False) -> None:
        """Raise TemplateError if a configuration's text can't be parsed."""
        self._with(text, html=html)

    def expand(self, text: str, data: Any, *, now: float, html: bool = False) -> str:
        """Return a configuration's text for a notification's data; raises TemplateError."""
        if "{{" not in text:
            return text
        return self._with(text, html=html).execute("", data, functions=functions(now))

    def _with(self, text: str, *, html: bool) -> TemplateSet:
        templates = (self._html if html else self._text).copy()
        templates.add("", text)
        return templates
