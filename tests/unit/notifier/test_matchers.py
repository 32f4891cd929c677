import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.matchers import Matcher, Operator, format_matchers, parse_matchers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('severity="critical"', '{severity="critical"}'),
        ("severity=critical", '{severity="critical"}'),
        (" severity = critical ", '{severity="critical"}'),
        ('a="1", b!="2"', '{a="1",b!="2"}'),
        ('{b=~"x|y",a!~z.*}', '{a!~"z.*",b=~"x|y"}'),
        ('"a b"="c"', '{a b="c"}'),
        (r'a="x\"y\\z\n"', '{a="x\\"y\\\\z\\n"}'),
        (r'a="\d"', r'{a="\\d"}'),
        ("a=", '{a=""}'),
        ('a=""', '{a=""}'),
        ("a=b,", '{a="b"}'),
        ("{}", "{}"),
        ("path=~/x{2}", '{path=~"/x{2}"}'),
    ],
)
def test_forms(text, expected):
    assert format_matchers(parse_matchers(text)) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no matcher"),
        ("a", "expected =, !=, =~ or !~"),
        ('a="b', "does not end"),
        ('a="b" c="d"', "expected a comma"),
        ('{a="b"', "braces"),
        ("=b", "expected a label name"),
        ("a=~(", "not a regular expression"),
        ('a=b"c', "quote inside"),
    ],
)
def test_mistakes(text, problem):
    with pytest.raises(ValueError, match=problem):
        parse_matchers(text)


@pytest.mark.parametrize(
    ("operator", "value", "labels", "expected"),
    [
        (Operator.EQUAL, "x", {"a": "x"}, True),
        (Operator.EQUAL, "x", {"a": "xy"}, False),
        (Operator.EQUAL, "", {}, True),
        (Operator.NOT_EQUAL, "x", {}, True),
        (Operator.NOT_EQUAL, "x", {"a": "x"}, False),
        (Operator.REGEX, "x|y", {"a": "y"}, True),
        (Operator.REGEX, "x", {"a": "xx"}, False),  # anchored
        (Operator.REGEX, ".*", {}, True),
        (Operator.NOT_REGEX, "x.*", {"a": "xx"}, False),
        (Operator.NOT_REGEX, "x.+", {"a": "y"}, True),
    ],
)
def test_matches(operator, value, labels, expected):
    assert Matcher("a", operator, value).matches(labels) is expected


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_quoted_value_survives(value):
    matcher = Matcher("a", Operator.EQUAL, value)
    assert parse_matchers(str(matcher)) == (matcher,)


@given(st.text(max_size=30))
def test_any_text_gives_matchers_or_a_value_error(text):
    try:
        found = parse_matchers(text)
    except ValueError:
        return
    assert all(isinstance(matcher, Matcher) for matcher in found)
