import gc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.scrape.config import GlobalConfig, ScrapeConfig
from services.evaluator.scrape.exposition import parse_page
from services.evaluator.scrape.frame import Frame, find_lines
from services.evaluator.scrape.mapping import SeriesMapper
from services.evaluator.scrape.page_reader import PageReader
from services.evaluator.scrape.shapes import Shapes
from services.evaluator.scrape.targets import Target

PAGE = b'# HELP m Help.\n# TYPE m gauge\nm{n="1"} 1\n m { n="2" }\t2\nlonger_name_than_a_block_of_16 3\n'
KEYS = st.lists(st.binary(max_size=120).map(lambda raw: raw.replace(b"\n", b"")), min_size=1, max_size=8)


def mapper(instance, **keys):
    config = ScrapeConfig.model_validate({"job_name": "j", **keys}).with_defaults(GlobalConfig())
    labels = (("instance", instance), ("job", "j"))
    return SeriesMapper(Target("j", f"http://{instance}/metrics", labels, 10.0, 5.0), config)


@given(KEYS)
def test_a_frame_gives_its_keys_back(keys):
    body = b"".join(key + b"1\n" for key in keys)
    frame = Frame(body, find_lines(body)[0], np.array([len(key) for key in keys]))
    assert frame.keys() == keys
    same = Frame(body.replace(b"1\n", b"7\n"), find_lines(body)[0], np.array([len(key) for key in keys]))
    if b"1" not in b"".join(keys):
        assert frame.equals(same)
        assert frame.digest() == same.digest()


@given(KEYS, KEYS)
def test_only_equal_frames_are_equal(one, two):
    frames = []
    for keys in (one, two):
        body = b"".join(key + b"1\n" for key in keys)
        frames.append(Frame(body, find_lines(body)[0], np.array([len(key) for key in keys])))
    assert frames[0].equals(frames[1]) == (one == two)
    assert (frames[0].digest() == frames[1].digest()) == (one == two)


def test_a_shape_gives_the_series_as_the_parser_saw_them():
    page = parse_page(PAGE)
    shape = Shapes().of(page, PAGE)
    assert shape.frame is not None
    assert list(shape.series) == page.series
    assert shape.count == 3


def test_readers_of_equal_pages_share_one_shape():
    shapes = Shapes()
    readers = [PageReader(shapes) for _ in range(3)]
    first = readers[0].read(PAGE)[0]
    assert readers[1].read(PAGE.replace(b" 3\n", b" 4.5\n"))[0] is first
    other = readers[2].read(PAGE.replace(b'"1"', b'"7"'))[0]
    assert other is not first
    assert not other.same_series(first)
    assert PageReader().read(PAGE)[0] is not first


def test_one_reader_that_moves_on_leaves_the_others_alone():
    shapes = Shapes()
    one, two = PageReader(shapes), PageReader(shapes)
    first = one.read(PAGE)[0]
    two.read(PAGE)
    two.read(PAGE + b"new 1\n")
    shape, values = one.read(PAGE.replace(b" 3\n", b" 9\n"))
    assert shape is first
    assert values.tolist() == [1, 2, 9]
    assert (one.fast, one.slow) == (1, 1)


def test_shapes_that_nobody_reads_are_forgotten():
    shapes = Shapes()
    reader = PageReader(shapes)
    reader.read(PAGE)
    reader.read(PAGE + b"new 1\n")
    gc.collect()
    assert len(shapes._known) == 1


def test_pages_with_times_or_without_series_are_not_shared():
    shapes = Shapes()
    for body in (b"a 1 1700000000000\n", b"# HELP a Nothing yet.\n", b"a 1"):
        first, second = (PageReader(shapes).read(body)[0] for _ in range(2))
        assert first is not second
        assert list(first.series) == parse_page(body).series


def test_targets_with_the_same_page_share_label_values_but_for_their_own():
    shape = Shapes().of(parse_page(PAGE), PAGE)
    one, two = (mapper(instance).map(shape).layout.labels for instance in ("h:1", "h:2"))
    assert [labels.own for labels in one] == [labels.own for labels in two]
    assert all(a.own is b.own for a, b in zip(one, two, strict=True))
    assert one[0] == {"__name__": "m", "n": "1", "instance": "h:1", "job": "j"}
    assert two[0] == {"__name__": "m", "n": "1", "instance": "h:2", "job": "j"}


def test_relabelling_of_one_target_is_not_seen_by_another():
    shape = Shapes().of(parse_page(PAGE), PAGE)
    rename = {"source_labels": ["n"], "target_label": "n", "replacement": "x$1"}
    one = mapper("h:1", metric_relabel_configs=[rename]).map(shape).layout.labels
    two = mapper("h:2").map(shape).layout.labels
    assert [labels.get("n") for labels in one] == ["x1", "x2", "x"]
    assert [labels.get("n") for labels in two] == ["1", "2", None]


def test_what_a_changed_page_has_in_common_keeps_its_labels_and_only_the_rest_is_added():
    shapes, own = Shapes(), mapper("h:1")
    first = own.map(shapes.of(parse_page(PAGE), PAGE))
    again = own.map(shapes.of(parse_page(b"# other\n" + PAGE), b"# other\n" + PAGE))
    assert first.added == 3
    assert (again.added, again.layout) == (0, first.layout)
    more = PAGE + b"new 1\n"
    grown = own.map(shapes.of(parse_page(more), more))
    assert grown.added == 1
    assert list(grown.layout.labels)[:3] == list(first.layout.labels)
    assert all(a is b for a, b in zip(first.layout.labels.owns, grown.layout.labels.owns, strict=False))


def test_another_choice_of_names_is_mapped_anew_but_adds_nothing():
    shapes, own = Shapes(), mapper("h:1")
    shape = shapes.of(parse_page(PAGE), PAGE)
    own.map(shape)
    chosen = own.map(shape, lambda name: name == "m")
    assert chosen.rows.tolist() == [0, 1]
    assert (chosen.kept, chosen.added) == (3, 0)
    assert own.map(shape).rows.tolist() == [0, 1, 2]
