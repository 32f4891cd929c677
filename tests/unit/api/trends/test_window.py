"""Steps and levels: which record answers which question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.trends.window import MAX_POINTS, MAX_ROWS, choose, finest, window_of
from services.common.metric_history import DAY, LEVELS

NOW = 1_800_000_000.0
EVERYTHING = {level.key: 0.0 for level in LEVELS}
# As kept after a long time with the default retention.
KEPT = {"samples": NOW - 7 * DAY, "minute": NOW - 31 * DAY, "five_minutes": NOW - 92 * DAY, "hour": NOW - 400 * DAY}


@pytest.mark.parametrize(
    ("hours", "step", "level", "stats"),
    [
        (1, 15, "samples", "samples"),
        (6, 60, "minute", "samples"),
        (24, 300, "five_minutes", "minute"),
        (7 * 24, 1800, "five_minutes", "five_minutes"),
        (30 * 24, 7200, "hour", "hour"),
        (400 * 24, 86_400, "hour", "hour"),
    ],
)
def test_each_period_has_its_step_and_level(hours, step, level, stats):
    window = window_of(NOW - hours * 3600, NOW)
    chosen, shown = choose(window, KEPT, None)
    assert (shown.step, chosen.key, finest(window, KEPT, None).key) == (step, level, stats)


@given(st.floats(0, 3e9), st.floats(60, 400 * DAY))
def test_a_window_holds_what_was_asked_for_in_at_most_500_steps(start, span):
    window = window_of(start, start + span)
    assert window.start <= start
    assert window.end >= start + span
    assert window.start % window.step == window.end % window.step == 0
    assert (window.end - window.start) / window.step <= MAX_POINTS


@given(st.floats(NOW - 500 * DAY, NOW - 60), st.floats(60, 400 * DAY), st.booleans())
def test_the_level_always_fits_the_step(start, span, young):
    window = window_of(start, start + span)
    level, shown = choose(window, KEPT, NOW - DAY if young else None)
    assert level.seconds <= shown.step
    assert (shown.end - shown.start) / shown.step <= MAX_POINTS
    assert shown.start <= window.start
    assert shown.end >= window.end


@given(st.floats(NOW - 500 * DAY, NOW - 60), st.floats(60, 400 * DAY))
def test_figures_are_made_of_few_rows_while_a_level_gives_them(start, span):
    window = window_of(start, start + span)
    level = finest(window, EVERYTHING, None)
    assert level == LEVELS[-1] or (window.end - window.start) / (level.seconds or 15) <= MAX_ROWS


def test_what_fine_levels_have_no_more_comes_from_coarser_ones():
    window = window_of(NOW - 60 * DAY, NOW - 60 * DAY + 3600)
    level, shown = choose(window, KEPT, None)
    assert (window.step, level.key, shown.step) == (15, "five_minutes", 300)
    assert finest(window, KEPT, None).key == "five_minutes"


def test_a_young_installation_is_not_sent_to_coarse_levels():
    # All of it is in the samples, though their first partition begins after the window.
    oldest = {"samples": NOW - 100, "minute": NOW - 100, "five_minutes": NOW - 3 * DAY, "hour": NOW - 20 * DAY}
    window = window_of(NOW - 3600, NOW)
    assert choose(window, oldest, NOW - 50)[0].key == "samples"
    assert choose(window, oldest, None)[0].key == "five_minutes"


def test_without_any_partition_the_coarsest_answers_with_nothing():
    level, shown = choose(window_of(NOW - 3600, NOW), {}, None)
    assert (level.key, shown.step) == ("hour", 3600)
    assert finest(window_of(NOW - 3600, NOW), {}, None).key == "hour"


def test_more_than_can_be_shown_is_refused():
    with pytest.raises(ValueError, match="more than can be shown"):
        window_of(0, 500 * 604_800.0 + 1)


def test_a_window_moves_as_a_whole():
    window = window_of(NOW - 3600, NOW)
    moved = window.moved(-604_800)
    assert (moved.end - moved.start, moved.step) == (window.end - window.start, window.step)
    assert window.start - moved.start == 604_800
