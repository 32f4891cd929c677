"""Whom a silence covers, and what its preview warns of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.api.alerts.build import alert_from_event
from services.api.silences.matching import Matcher, check_regex, covers
from services.api.silences.model import PreviewBody
from services.api.silences.preview import MANY, SHOWN, preview
from services.common.events import SilenceMatcher
from services.notifier.silences import compile_matchers
from tests.unit.api import scenario


def matcher(text):
    """`name op value` as a matcher."""
    for op in ("=~", "!~", "!=", "="):
        name, found, value = text.partition(op)
        if found:
            return Matcher(name=name, op=op, value=value)
    raise AssertionError(text)


def _alerts(count, **labels):
    return [
        alert_from_event(scenario.event("ApiSlow", labels={"instance": f"i{index}", **labels}))
        for index in range(count)
    ]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["alertname=ApiSlow"], True),
        (["alertname=Api"], False),
        (["alertname=~Api.*"], True),
        (["alertname=~Api"], False),
        (["alertname=~A|ApiSlow"], True),
        (["alertname!~Api.*"], False),
        (["alertname!=Other"], True),
        (["missing="], True),
        (["missing!="], False),
        (["missing=~.*"], True),
        (["missing=~.+"], False),
        (["alertname=ApiSlow", "severity=critical"], False),
        (["alertname=ApiSlow", "severity=warning"], True),
    ],
)
def test_whom_matchers_cover(texts, expected):
    labels = {"alertname": "ApiSlow", "severity": "warning"}
    assert covers([matcher(text) for text in texts], labels) is expected


_WORDS = st.sampled_from(["", "a", "ab", "a\nb", "A", "é", ".", "a.b"])
_PATTERNS = st.sampled_from(["", "a", "a|b", ".*", ".+", "a.b", "(?i)a", "[ab]+", r"\.", "é?"])


@given(st.sampled_from(["=", "!=", "=~", "!~"]), _PATTERNS, _WORDS)
def test_preview_and_notifier_agree_on_whom_a_silence_covers(op, pattern, value):
    """Else the preview would promise what the notifier does not do."""
    written = SilenceMatcher(name="x", value=pattern, is_regex="~" in op, is_equal=op[0] == "=")
    labels = {"x": value}
    theirs = all(one.matches(labels) for one in compile_matchers((written,)))
    assert covers([Matcher(name="x", op=op, value=pattern)], labels) is theirs


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?<name>a)(?P=name)", r"(a)\1"])
def test_bad_patterns_are_named(pattern):
    assert check_regex(pattern)
    with pytest.raises(ValidationError, match="no regular expression"):
        PreviewBody(matchers=(Matcher(name="x", op="=~", value=pattern),))


def test_a_plain_value_is_never_read_as_a_pattern():
    assert PreviewBody(matchers=(Matcher(name="x", op="=", value="("),)).matchers[0].value == "("


def _kinds(texts, alerts, seconds=3600.0):
    return [one.kind for one in preview([matcher(text) for text in texts], alerts, seconds=seconds).warnings]


@pytest.mark.parametrize(
    ("texts", "count", "seconds", "kinds"),
    [
        (["alertname=ApiSlow", "instance=i0"], 20, 3600, []),
        (["alertname=ApiSlow"], MANY, 3600, ["many"]),
        (["alertname=ApiSlow"], 2, 3600, []),
        (["alertname=ApiSlow"], 3, 3600, ["many"]),
        (["severity=warning"], 1, 3600, ["no_exact_label"]),
        (["alertname=~.*"], 2, 3600, ["no_exact_label"]),
        (["instance=i0", "alertname!=x"], 20, 86_401, ["long"]),
        (["instance=nowhere"], 20, 3600, ["nothing"]),
    ],
)
def test_warnings(texts, count, seconds, kinds):
    assert _kinds(texts, _alerts(count), seconds) == kinds


def test_critical_ones_are_counted():
    found = preview([matcher("instance=i0")], _alerts(5, severity="critical"), seconds=60)
    assert [(one.kind, one.broad, one.text) for one in found.warnings] == [("critical", False, "1 of them critical.")]


def test_a_preview_shows_the_first_and_counts_all():
    alerts = _alerts(SHOWN + 7)
    recent = [{"alertname": "ApiSlow"}, {"alertname": "Other"}, {"alertname": "ApiSlow", "x": "y"}]
    found = preview([matcher("alertname=ApiSlow")], alerts, seconds=60, recent=recent)
    assert (found.count, len(found.alerts), found.last_day) == (SHOWN + 7, SHOWN, 2)
    assert preview([matcher("alertname=ApiSlow")], alerts, seconds=60).last_day is None
