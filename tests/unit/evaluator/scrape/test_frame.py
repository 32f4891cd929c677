import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from services.evaluator.scrape.exposition import parse_series
from services.evaluator.scrape.frame import Frame, find_lines
from services.evaluator.scrape.page_reader import PageReader

KEYS = st.lists(st.binary(max_size=120).map(lambda raw: raw.replace(b"\n", b"")), min_size=1, max_size=8)


def page(keys, values):
    return b"".join(key + value + b"\n" for key, value in zip(keys, values, strict=True))


@given(KEYS, st.data())
def test_a_frame_sees_every_changed_byte_of_a_key_and_none_of_a_value(keys, data):
    lengths = np.array([len(key) for key in keys])
    body = page(keys, [b"1"] * len(keys))
    frame = Frame(body, find_lines(body)[0], lengths)
    values = data.draw(st.lists(st.from_regex(rb"[0-9]{1,30}", fullmatch=True), min_size=len(keys), max_size=len(keys)))
    other = page(keys, values)
    assert frame.matches(other, find_lines(other)[0])
    places = [(line, at) for line, key in enumerate(keys) for at in range(len(key))]
    if places:
        line, at = data.draw(st.sampled_from(places))
        old = keys[line][at]
        new = data.draw(st.integers(0, 255).filter(lambda byte: byte not in {old, 10}))
        changed = list(keys)
        changed[line] = keys[line][:at] + bytes([new]) + keys[line][at + 1 :]
        other = page(changed, values)
        assert not frame.matches(other, find_lines(other)[0])


LABEL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=30)
SERIES = st.dictionaries(st.sampled_from(["a", "b", "long_label_name"]), LABEL, max_size=3)
NUMBER = (
    st.floats().map(repr) | st.integers(-(10**20), 10**20).map(str) | st.sampled_from(["+Inf", "-Inf", "NaN", "1e3"])
)


def escaped(text):
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def render(rows):
    lines = ["# HELP m Some help.", "# TYPE m untyped"]
    for number, (labels, value) in enumerate(rows):
        inside = ",".join(f'{name}="{escaped(text)}"' for name, text in {**labels, "n": str(number)}.items())
        lines.append(f"m{{{inside}}} {value}")
    return "\n".join(lines) + "\n"


@given(st.lists(st.tuples(SERIES, NUMBER, NUMBER), min_size=1, max_size=12))
def test_fast_and_slow_read_what_prometheus_client_reads(rows):
    reader = PageReader()
    for values in ([one for _, one, _ in rows], [two for _, _, two in rows]):
        text = render([(labels, value) for (labels, _, _), value in zip(rows, values, strict=True)])
        shape, found = reader.read(text.encode())
        expected = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        np.testing.assert_array_equal(found, [float(sample.value) for sample in expected])
        mine = [parse_series(raw) for raw in shape.series]
        assert mine == [{"__name__": sample.name, **sample.labels} for sample in expected]
    assert (reader.fast, reader.slow) == (1, 1)


def test_only_what_is_picked_is_parsed():
    reader = PageReader()
    rows = np.array([0, 2])
    first = reader.read(b"a 1\nb 2\nc 3\n", pick=lambda _: rows)[1]
    second = reader.read(b"a 10\nb 20\nc 30\n", pick=lambda _: rows)[1]
    assert (first.tolist(), second.tolist(), reader.fast) == ([1, 3], [10, 30], 1)
    assert reader.read(b"a 5\nb 6\nc 7\n", pick=lambda _: np.empty(0, np.int64))[1].tolist() == []
