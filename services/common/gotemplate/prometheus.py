"""The templates of alerting rules: Prometheus 3's functions, variables and error texts."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Any, Protocol
from urllib.parse import urlsplit

from services.common.durations import parse_duration
from services.common.gotemplate import humanize
from services.common.gotemplate.errors import FunctionError, TemplateError, TemplateSyntaxError
from services.common.gotemplate.escape import escape_query
from services.common.gotemplate.hosts import strip_domain, strip_port
from services.common.gotemplate.letter_case import title_words, to_lower, to_upper
from services.common.gotemplate.quoting import quote, to_bytes
from services.common.gotemplate.regex import REPLACE_COST, matches, replace_all
from services.common.gotemplate.template import Template, parse
from services.common.gotemplate.values import ANY, HTML, LOOP_COST, Function, GoMap, GoValue, Struct, function

_PREFIX = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
_DATA_TYPE = (
    "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
)
_CACHE_SIZE = 4096
_EVALUATIONS = 4
_NIL_POINTER = "runtime error: invalid memory address or nil pointer dereference"
_RESULT = "template.queryResult"
_SAMPLE = "*template.sample"


class QueriedSample(Protocol):
    """A sample as the query callable gives it: its labels, with `__name__`, and its value."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The series' labels."""
        ...

    @property
    def value(self) -> float:
        """The value."""
        ...


Query = Callable[[str], Iterable[QueriedSample]]
"""Evaluates a PromQL expression at the time of the evaluation; raises ValueError with the message to show."""


class Sample(GoValue):
    """A sample of a query's result, as templates see it."""

    go_type = "template.sample"

    def __init__(self, labels: Mapping[str, str], value: Any) -> None:
        self.labels, self.value = dict(labels), value

    def go_fields(self) -> Mapping[str, Any]:
        """Return `Labels` and `Value`."""
        return {"Labels": self.labels, "Value": self.value}

    def go_pointer(self) -> bool:
        """Return that templates hold a *sample."""
        return True

    def go_indirect(self) -> Struct:
        """Return the sample that the pointer points at."""
        return Struct(self.go_type, self.go_fields())


class QueryResult(list[Sample], GoValue):
    """A query's result."""

    go_type = _RESULT


def _query(query: Query | None, expr: str) -> QueryResult:
    if query is None:
        raise FunctionError("no queries can be made here")
    try:
        return QueryResult(Sample(sample.labels, float(sample.value)) for sample in query(expr))
    except ValueError as error:
        raise FunctionError(str(error)) from error


def _first(result: QueryResult | None) -> Sample:
    if not result:
        raise FunctionError("first() called on vector with no elements")
    return result[0]


def _sample(sample: Sample | None) -> Sample:
    if sample is None:
        raise FunctionError(_NIL_POINTER)
    return sample


def _sorted(label: str, result: QueryResult | None) -> QueryResult:
    return QueryResult(sorted(result or (), key=lambda sample: to_bytes(sample.labels.get(label, ""))))


def _args(*values: Any) -> GoMap:
    return GoMap({f"arg{index}": value for index, value in enumerate(values)})


def _parse_duration(text: str) -> float:
    if not text:
        raise FunctionError("empty duration string")
    try:
        seconds = parse_duration(text)
    except ValueError:
        raise FunctionError(f"not a valid duration string: {quote(text)}") from None
    if seconds > (1 << 63) / 1e9:
        raise FunctionError("duration out of range")
    return seconds


def _link(tab: int, expr: str) -> str:
    return f"/graph?g0.expr={escape_query(expr)}&g0.tab={tab}"


@lru_cache(_EVALUATIONS)
def _functions(query: Query | None, now: float, external_url: str) -> dict[str, Function]:
    """Return the functions that depend on the evaluation; its many alerts share them."""
    return {
        "query": function(partial(_query, query), "string"),
        "now": function(lambda: round(now * 1000) / 1000),
        "pathPrefix": function(lambda: urlsplit(external_url).path),
        "externalURL": function(lambda: external_url),
    }


FUNCTIONS: Mapping[str, Function] = {
    **_functions(None, 0.0, ""),
    "first": function(_first, _RESULT),
    "label": function(lambda label, sample: _sample(sample).labels.get(label, ""), "string", _SAMPLE),
    "value": function(lambda sample: _sample(sample).value, _SAMPLE),
    "strvalue": function(lambda sample: _sample(sample).labels.get("__value__", ""), _SAMPLE),
    "sortByLabel": function(_sorted, "string", _RESULT),
    "args": function(_args, ANY, variadic=True),
    "reReplaceAll": function(replace_all, "string", "string", "string", cost=REPLACE_COST),
    "safeHtml": function(HTML, "string"),
    "match": function(matches, "string", "string", cost=LOOP_COST),
    "title": function(partial(title_words, lower=False), "string", cost=LOOP_COST),
    "toUpper": function(to_upper, "string", cost=LOOP_COST),
    "toLower": function(to_lower, "string", cost=LOOP_COST),
    "graphLink": function(partial(_link, 0), "string"),
    "tableLink": function(partial(_link, 1), "string"),
    "stripPort": function(strip_port, "string"),
    "stripDomain": function(strip_domain, "string"),
    "humanize": function(humanize.humanize, ANY),
    "humanize1024": function(humanize.humanize_1024, ANY),
    "humanizeDuration": function(humanize.humanize_duration, ANY),
    "humanizePercentage": function(humanize.humanize_percentage, ANY),
    "humanizeTimestamp": function(humanize.humanize_timestamp, ANY),
    "toTime": function(humanize.to_time, ANY),
    "toDuration": function(humanize.to_duration, ANY),
    "parseDuration": function(_parse_duration, "string"),
    "urlQueryEscape": function(escape_query, "string", cost=LOOP_COST),
}
"""Prometheus' functions; `query`, `now`, `pathPrefix` and `externalURL` get their meaning in `expand`."""


@lru_cache(_CACHE_SIZE)
def _parsed(name: str, text: str) -> Template:
    return parse(name, _PREFIX + text, FUNCTIONS)


def _own_position(error: TemplateError) -> TemplateError:
    """Return the error with the column in the rule's text; its message keeps Prometheus' column."""
    column = error.column - len(_PREFIX) if error.line == 1 else error.column
    return type(error)(error.message, error.name, error.line, max(column, 0))


def check(text: str, *, alert: str = "") -> None:
    """Raise TemplateError if the text of a label or annotation can't be parsed; `alert` is the rule's name."""
    if "{{" not in text:
        return
    try:
        _parsed(f"__alert_{alert}", text)
    except TemplateError as error:
        raise _own_position(error) from None


def expand(
    text: str,
    *,
    labels: Mapping[str, str],
    value: float,
    external_labels: Mapping[str, str] | None = None,
    external_url: str = "",
    query: Query | None = None,
    now: float = 0.0,
    alert: str = "",
) -> str:
    """Return the text of a label or annotation for one alert; raises TemplateError.

    `$labels`, `$value`, `$externalLabels` and `$externalURL` stand for what is given; `now` is the time of the
    evaluation in seconds since the epoch.
    """
    if "{{" not in text:
        return text
    fields = {
        "Labels": GoLabels(labels),
        "ExternalLabels": GoLabels(external_labels or {}),
        "ExternalURL": external_url,
        "Value": float(value),
    }
    try:
        return _parsed(f"__alert_{alert}", text).execute(
            Struct(_DATA_TYPE, fields, frozenset({"Value"})), functions=_functions(query, now, external_url)
        )
    except TemplateError as error:
        raise _own_position(error) from None


class GoLabels(GoMap):
    """Labels: a map of strings even when it is empty."""

    go_type = "map[string]string"


def expand_or_error(
    text: str,
    *,
    labels: Mapping[str, str],
    value: float,
    external_labels: Mapping[str, str] | None = None,
    external_url: str = "",
    query: Query | None = None,
    now: float = 0.0,
    alert: str = "",
) -> str:
    """Return what `expand` gives, or the text that Prometheus shows for a template that fails."""
    try:
        return expand(
            text,
            labels=labels,
            value=value,
            external_labels=external_labels,
            external_url=external_url,
            query=query,
            now=now,
            alert=alert,
        )
    except TemplateError as error:
        doing = "parsing" if isinstance(error, TemplateSyntaxError) else "executing"
        return f"<error expanding template: error {doing} template __alert_{alert}: {error}>"
