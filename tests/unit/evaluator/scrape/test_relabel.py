import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.evaluator.scrape.relabel import RelabelConfig, relabel

ABC = {"a": "foo", "b": "bar", "c": "baz"}


def hashmod(text, modulus):
    return str(int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[8:], "big") % modulus)


@pytest.mark.parametrize(
    ("steps", "labels", "expected"),
    [
        # From Prometheus' model/relabel/relabel_test.go.
        (
            [{"source_labels": ["a"], "regex": "f(.*)", "target_label": "d", "replacement": "ch${1}-ch${1}"}],
            ABC,
            {**ABC, "d": "choo-choo"},
        ),
        (
            [
                {"source_labels": ["a", "b"], "regex": "f(.*);(.*)r", "target_label": "a", "replacement": "b${1}${2}m"},
                {
                    "source_labels": ["c", "a"],
                    "regex": "(b).*b(.*)ba(.*)",
                    "target_label": "d",
                    "replacement": "$1$2$2$3",
                },
            ],
            ABC,
            {"a": "boobam", "b": "bar", "c": "baz", "d": "boooom"},
        ),
        ([{"source_labels": ["a"], "regex": ".*o.*", "action": "drop"}], ABC, None),
        ([{"source_labels": ["a"], "regex": "no-match", "action": "drop"}], ABC, ABC),
        ([{"source_labels": ["a"], "regex": "f|o", "action": "drop"}], ABC, ABC),
        ([{"source_labels": ["a"], "regex": "no-match", "action": "keep"}], ABC, None),
        ([{"source_labels": ["a"], "regex": "f.*", "action": "keep"}], ABC, ABC),
        ([{"source_labels": ["a"], "target_label": "a", "replacement": ""}], ABC, {"b": "bar", "c": "baz"}),
        (
            [{"source_labels": ["c"], "target_label": "d", "modulus": 1000, "action": "hashmod"}],
            ABC,
            {**ABC, "d": hashmod("baz", 1000)},
        ),
        (
            [{"regex": "(b.*)", "replacement": "bar_${1}", "action": "labelmap"}],
            {"a": "foo", "b1": "bar", "b2": "baz"},
            {"a": "foo", "b1": "bar", "b2": "baz", "bar_b1": "bar", "bar_b2": "baz"},
        ),
        ([{"regex": "(b.*)", "action": "labeldrop"}], ABC, {"a": "foo", "c": "baz"}),
        ([{"regex": "(b.*)", "action": "labelkeep"}], ABC, {"b": "bar"}),
        (
            [
                {"source_labels": ["a"], "target_label": "u", "action": "UPPERCASE"},
                {"source_labels": ["u"], "target_label": "l", "action": "lowercase"},
            ],
            ABC,
            {**ABC, "u": "FOO", "l": "foo"},
        ),
        ([{"source_labels": ["a"], "target_label": "b", "action": "keepequal"}], ABC, None),
        (
            [{"source_labels": ["a"], "target_label": "b", "action": "keepequal"}],
            {"a": "x", "b": "x"},
            {"a": "x", "b": "x"},
        ),
        ([{"source_labels": ["a"], "target_label": "b", "action": "dropequal"}], {"a": "x", "b": "x"}, None),
        ([{"source_labels": ["a"], "target_label": "b", "action": "dropequal"}], ABC, ABC),
        (
            [
                {
                    "source_labels": ["a"],
                    "regex": "(?P<first>f)(.*)",
                    "target_label": "${first}_x",
                    "replacement": "$$-$first-$9",
                }
            ],
            ABC,
            {**ABC, "f_x": "$-f-"},
        ),
        (
            [{"source_labels": ["n"], "regex": "1", "target_label": "x", "replacement": "y"}],
            {"n": "1"},
            {"n": "1", "x": "y"},
        ),
        ([], {"a": "1", "empty": ""}, {"a": "1"}),
    ],
)
def test_does_as_prometheus_does(steps, labels, expected):
    before = dict(labels)
    assert relabel(labels, [RelabelConfig.model_validate(step) for step in steps]) == expected
    assert labels == before


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"regex": "("}, "not an RE2 pattern"),
        ({"action": "replace"}, "needs target_label"),
        ({"action": "hashmod", "target_label": "x"}, "needs modulus"),
        ({"action": "explode"}, "Input should be"),
        ({"actoin": "drop"}, "Extra inputs"),
    ],
)
def test_refuses_what_can_not_work(step, words):
    with pytest.raises(ValidationError, match=words):
        RelabelConfig.model_validate(step)


@given(st.dictionaries(st.text("ab_", min_size=1, max_size=3), st.text(max_size=5), max_size=5))
def test_nothing_to_do_changes_nothing_but_empty_labels(labels):
    assert relabel(labels, []) == {name: value for name, value in labels.items() if value}
