"""What makes two errors the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.sources.logs.fingerprint import app_frames, identify, normalise
from services.collector.sources.logs.record import Failure, Frame, Record


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("order 17 failed after 3.5 s", "order <n> failed after <n> s"),
        ("took 1,234 ms, -7 left, 1e-9", "took <n> ms, <n> left, <n>"),
        ("job 6fa459ea-ee8a-3ca4-894e-db77e160355e lost", "job <uuid> lost"),
        ("key 'users' not in \"cache\"", "key <str> not in <str>"),
        ("can't open user's file", "can't open user's file"),
        ("object at 0x7f00deadbeef", "object at <hex>"),
        ("commit 4b75333f00ba missing", "commit <hex> missing"),
        ("deadbeef is a word of letters", "deadbeef is a word of letters"),
        ("can't read /var/lib/shop/a.db: denied", "can't read <path>: denied"),
        (r"can't read C:\data\a.db", "can't read <path>"),
        ("GET https://gw.example:8443/pay?id=3 failed", "GET <url> failed"),
        ("mail to a.b+c@shop.example bounced", "mail to <email> bounced"),
        ("since 2026-01-01T10:00:00.5Z it is down", "since <time> it is down"),
        ("peer 10.0.0.7:5432 is gone", "peer <n> is gone"),
        ("worker3 and worker12", "worker<n> and worker<n>"),
        ("and/or is no path", "and/or is no path"),
        ("  spread\n over\tlines ", "spread over lines"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("", ""),
    ],
)
def test_what_varies_is_taken_out(message: str, expected: str) -> None:
    assert normalise(message) == expected


@given(st.text(max_size=3000))
def test_any_text_is_normalised_to_a_short_line(text: str) -> None:
    found = normalise(text)
    assert len(found) <= 300
    assert "\n" not in found


@given(st.integers(), st.uuids(), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_and_ids_make_no_new_error(number: int, uuid: object, ratio: float) -> None:
    assert normalise(f"order {number} of {uuid} has {ratio}") == "order <n> of <uuid> has <n>"


def failure(*frames: tuple[str, str], message: str = "bad 1", kind: str = "ValueError") -> Record:
    return Record("error", "failed", failure=Failure(kind, message, tuple(Frame(*frame) for frame in frames)))


APP = ("/srv/releases/41/shop/pay.py", "charge")
LIBRARY = ("/venv/lib/python3.11/site-packages/httpx/_client.py", "send")


def test_frames_of_libraries_and_places_of_installation_do_not_count() -> None:
    assert app_frames([Frame(*APP), Frame(*LIBRARY)]) == ("shop/pay.py:charge",)
    moved = ("/srv/releases/42/shop/pay.py", "charge")
    assert identify(failure(APP, LIBRARY)) == identify(failure(moved))


def test_without_frames_of_the_app_those_of_libraries_count() -> None:
    assert app_frames([Frame(*LIBRARY)]) == ("httpx/_client.py:send",)


def test_recursion_counts_once_and_three_frames_are_enough() -> None:
    deep = [Frame("/a/b.py", f"f{number}") for number in range(10)] + [Frame("/a/b.py", "again")] * 50
    assert app_frames(deep) == ("a/b.py:again", "a/b.py:f9", "a/b.py:f8")


@pytest.mark.parametrize(
    "other",
    [
        failure(APP, kind="KeyError"),
        failure(APP, message="worse"),
        failure(("/srv/shop/pay.py", "refund")),
        Record("error", "bad 1"),
    ],
)
def test_type_message_and_frames_make_the_difference(other: Record) -> None:
    assert identify(other)[0] != identify(failure(APP))[0]


def test_without_an_exception_the_code_or_the_logger_and_the_message_count() -> None:
    coded = identify(Record("error", 'relation "x" does not exist', code="42P01", logger="db"))
    assert coded[1:] == ("42P01", "relation <str> does not exist")
    assert identify(Record("error", "out of 3", logger="shop"))[1:] == ("shop", "out of <n>")


def test_a_fingerprint_is_the_same_in_every_process_and_release() -> None:
    # Written down: a change of this value gives every user's errors new series.
    assert identify(failure(APP))[0] == "e833efab904c"
    assert len(identify(failure(APP))[0]) == 12
