"""How long a text message is, and where it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.channels.kit.segments import alphabet, fit, length, plain, segments


@pytest.mark.parametrize(
    ("text", "kind", "units", "count"),
    [
        ("", "gsm", 0, 1),
        ("a" * 160, "gsm", 160, 1),
        ("a" * 161, "gsm", 161, 2),
        ("a" * 306, "gsm", 306, 2),
        ("a" * 307, "gsm", 307, 3),
        ("€" * 80, "gsm", 160, 1),
        ("€" * 81, "gsm", 162, 2),
        # Two septets are never split: 76 euro signs and one unit that is left free.
        ("€" * 153, "gsm", 306, 3),
        ("ж" * 70, "ucs", 70, 1),
        ("ж" * 71, "ucs", 71, 2),
        ("ж" * 134, "ucs", 134, 2),
        ("🔴" * 35, "ucs", 70, 1),
        ("🔴" * 36, "ucs", 72, 2),
        # 67 units hold 33 pairs.
        ("🔴" * 67, "ucs", 134, 3),
        ("Straße für Ö@", "gsm", 13, 1),
        ("ç", "ucs", 1, 1),
    ],
)
def test_segments(text, kind, units, count):
    assert (alphabet(text), length(text), segments(text)) == (kind, units, count)


def test_typographic_signs_get_their_plain_form():
    assert plain("\u201cit\u2019s\u201d \u2013 45\u00a0% \u2265 20\u2026") == '"it\'s" - 45 % >= 20...'
    assert alphabet(plain("\u2022 don\u2019t")) == "gsm"


def test_what_fits_is_left_alone():
    assert fit("  [CRITICAL] Redis is down\nView: x.org  ", 1) == "[CRITICAL] Redis is down\nView: x.org"


def test_a_long_text_is_cut_at_a_word_and_keeps_its_last_line():
    text = "[WARNING] Title\n" + "word " * 60 + "\nView: admin.example.com/celery"
    found = fit(text, 1)
    assert segments(found) == 1
    assert found.startswith("[WARNING] Title\nword word")
    assert found.endswith("word...\nView: admin.example.com/celery")


def test_a_last_line_that_is_long_is_cut_like_the_rest():
    found = fit("first\n" + "second " * 80, 1)
    assert found.endswith("second...")
    assert segments(found) == 1


def test_one_long_word_is_cut_in_itself():
    assert fit("x" * 500, 2) == "x" * 303 + "..."


@given(st.text(max_size=700), st.integers(min_value=1, max_value=4))
def test_the_result_always_fits(text, most):
    assert segments(fit(text, most)) <= most


def test_a_line_that_is_cut_in_the_middle_of_a_word_ends_before_it():
    assert fit("a" * 100 + " " + "b" * 100 + "\nView: x.org", 1).split("\n") == ["a" * 100 + "...", "View: x.org"]
