from hypothesis import given
from hypothesis import strategies as st

from services.common.labels import fingerprint


def test_the_empty_set_is_the_offset_basis():
    assert fingerprint({}) == "cbf29ce484222325"


def test_one_byte_at_a_time():
    # FNV-1a by hand over "a", 0xff, "b", 0xff.
    digest = 0xCBF29CE484222325
    for byte in b"a\xffb\xff":
        digest = ((digest ^ byte) * 0x100000001B3) % 2**64
    assert fingerprint({"a": "b"}) == f"{digest:016x}"


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=5))
def test_order_does_not_matter_and_the_form_is_fixed(labels):
    again = dict(reversed(list(labels.items())))
    assert fingerprint(labels) == fingerprint(again)
    assert len(fingerprint(labels)) == 16


def test_borders_between_names_and_values_count():
    assert fingerprint({"ab": "c"}) != fingerprint({"a": "bc"})
