"""Signed links: only ours, only for a while, only for what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.links import Answer, LinkError, Links

LINKS = Links("key", "https://t.example.com/", lifetime=100)


def token(links: Links = LINKS, alert_id: str = "0123456789abcdef-1700000000000", by: str = "anna@x", now: float = 0):
    return links.acknowledge_url(alert_id, by, now).removeprefix("https://t.example.com/ack/")


def test_a_link_says_what_was_put_in():
    assert LINKS.read(token(), 99) == Answer("0123456789abcdef-1700000000000", "anna@x", 100)
    assert LINKS.page_url("a") == "https://t.example.com/alerts/a"


def test_a_link_for_a_whole_message_is_another():
    url = LINKS.acknowledge_all_url("d1", "anna@x", 0)
    found = LINKS.read(url.rpartition("/")[2], 99)
    assert found == Answer("", "anna@x", 100, "d1")
    assert found != LINKS.read(token(alert_id="d1"), 99)
    assert LINKS.page_url("") == "https://t.example.com/alerts"


def test_it_ends():
    with pytest.raises(LinkError, match="expired"):
        LINKS.read(token(), 100)


def test_another_key_is_another():
    with pytest.raises(LinkError, match="forged"):
        LINKS.read(token(Links("other", "https://t.example.com", lifetime=100)), 1)


@pytest.mark.parametrize("text", ["", ".", "a", "a.b.c", "ä.ö", "a" * 600, "!!.!!", "YQ=.YQ"])
def test_what_is_no_link_is_refused(text):
    with pytest.raises(LinkError):
        LINKS.read(text, 1)


@given(st.data())
def test_no_changed_character_is_taken(data):
    whole = token()
    place = data.draw(st.integers(0, len(whole) - 1))
    char = data.draw(st.characters(codec="ascii", categories=["L", "N", "P"]).filter(lambda one: one != whole[place]))
    with pytest.raises(LinkError):
        LINKS.read(whole[:place] + char + whole[place + 1 :], 1)


def test_a_feeds_token_is_no_answer_and_of_one_schedule():
    feed = LINKS.feed_token("primary")
    assert LINKS.is_feed_token("primary", feed)
    assert not LINKS.is_feed_token("secondary", feed)
    assert not LINKS.is_feed_token("primary", "ä")
    with pytest.raises(LinkError):
        LINKS.read(feed, 1)
