import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from services.common.durations import Duration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("5m", 300),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1d", 86400),
        ("2w", 1209600),
        ("1y", 31536000),
        ("0s", 0),
    ],
)
def test_forms(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m5", "5m5m", "1m1h", "-5m", "1.5h", "5 m", "5M"])
def test_what_is_not_a_duration_shows_the_form(text):
    with pytest.raises(ValueError, match="write it like 30s, 5m or 1h30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(90, "1m30s"), (0, "0s"), (0.25, "250ms"), (86400 * 8, "8d"), (31536000, "1y")]
)
def test_shortest_form(seconds, text):
    assert format_duration(seconds) == text


@given(st.integers(0, 10**12))
def test_what_is_written_is_read_back(milliseconds):
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


class Model(BaseModel):
    wait: Duration


def test_a_field_takes_both_forms():
    assert Model.model_validate({"wait": "5m"}).wait == 300
    assert Model.model_validate({"wait": 2}).model_dump() == {"wait": "2s"}
    for bad in (True, None, []):
        with pytest.raises(ValidationError, match="not a duration"):
            Model.model_validate({"wait": bad})
