"""The settings of the history, and the levels that it shares with its readers."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.common.metric_history import DAY, LEVELS, start_of
from services.evaluator.history.config import HistoryConfig, HistoryRetention


def test_defaults_fit_each_other():
    config = HistoryConfig()
    assert config.metrics == ["tocsin:.+"]
    assert {level.key for level in LEVELS} == set(HistoryRetention.model_fields)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"metrics": ["("]}, "no regular expression"),
        ({"flush_interval": "1m"}, "less than or equal to 15"),
        ({"retention": {"samples": "60d"}}, "at least as long"),
        ({"retention": {"samples": "1h"}}, "greater than or equal"),
        ({"max_series": 0}, "greater than 0"),
    ],
)
def test_mistakes_are_refused(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        HistoryConfig.model_validate(settings)


@given(st.sampled_from(LEVELS), st.floats(0, 4e9))
def test_every_time_has_one_partition_and_its_name_tells_which(level, at):
    start = level.start(at)
    assert start * DAY <= at < (start + level.days) * DAY
    assert list(level.starts(at, at)) == [start]
    assert start_of(level.partition(start)) == start


@given(st.sampled_from(LEVELS), st.floats(0, 2e9), st.floats(0, 1e8))
def test_partitions_follow_each_other_without_a_gap(level, first, span):
    starts = list(level.starts(first, first + span))
    assert starts[0] * DAY <= first
    assert (starts[-1] + level.days) * DAY > first + span
    assert all(after - before == level.days for before, after in itertools.pairwise(starts))


@pytest.mark.parametrize(
    "name", ["metric_samples", "metric_samples_2026112", "metric_samples_20261399", "x_२०२६११२२", ""]
)
def test_other_tables_are_no_partitions(name):
    assert start_of(name) is None
