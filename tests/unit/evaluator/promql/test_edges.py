"""Corners that neither the scripts nor random expressions reach."""

import promql_parser
import pytest

from services.evaluator.promql import Engine, EvaluationError, PromqlError, ast, parse
from services.evaluator.promql.aggregations.rank import _count_values, _limit_ratio, _limits
from services.evaluator.promql.annotations import Annotations
from services.evaluator.promql.binary import apply_binary
from services.evaluator.promql.evaluate import EVALUATOR
from services.evaluator.promql.printer import print_expr
from services.evaluator.promql.values import Text
from tests.promql.memory import HeadStorage, MemoryStorage


class PanicException(BaseException):
    pass


def test_a_panic_of_the_library_is_an_error_of_the_expression(monkeypatch):
    def panic(_text):
        raise PanicException("overflow")

    monkeypatch.setattr(promql_parser, "parse", panic)
    with pytest.raises(PromqlError, match="cannot be parsed: overflow"):
        parse("foo")


def test_other_base_exceptions_pass_through(monkeypatch):
    def interrupt(_text):
        raise KeyboardInterrupt

    monkeypatch.setattr(promql_parser, "parse", interrupt)
    with pytest.raises(KeyboardInterrupt):
        parse("foo")


def test_a_message_that_names_no_function_stands_at_the_start(monkeypatch):
    def refuse(_text):
        raise ValueError("invalid promql query")

    monkeypatch.setattr(promql_parser, "parse", refuse)
    with pytest.raises(PromqlError, match="unexpected token") as caught:
        parse("foo")
    assert (caught.value.line, caught.value.column) == (1, 1)


def crowd(count):
    storage = MemoryStorage()
    storage.load(({"__name__": "many", "i": str(i)}, [(0, float(i))]) for i in range(count))
    storage.load(({"__name__": "one", "i": str(i)}, [(0, float(i))]) for i in range(count))
    return storage


def test_one_of_many_partners_by_a_filter_is_cheap_and_right():
    storage = crowd(100)
    result = Engine().instant("sum(many * on () group_left () (one == 7))", storage, 0)
    assert result.value.values.tolist() == [7.0 * sum(range(100))]
    swapped = Engine().instant("sum((one == 7) * on () group_right () many)", storage, 0)
    assert swapped.value.values.tolist() == result.value.values.tolist()


def test_many_partners_at_once_are_refused_by_name():
    storage = crowd(3)
    with pytest.raises(EvaluationError, match=r'match group \{\} on the right hand-side.*i="0".*i="1"'):
        Engine().instant("many * on () group_left () one", storage, 0)
    with pytest.raises(EvaluationError, match="on the left hand-side"):
        Engine().instant("one * on () group_right () many", storage, 0)
    with pytest.raises(EvaluationError, match="multiple matches for labels"):
        Engine().instant("many * on () (one == 1)", storage, 0)
    with pytest.raises(EvaluationError, match="same labelset"):
        Engine().instant('many * on () group_left (i) (one{i="1"})', storage, 0)


def test_filling_keeps_what_the_match_looks_at():
    storage = MemoryStorage()
    storage.load(
        [({"__name__": "a", "x": "1", "y": "1"}, [(0, 1.0)]), ({"__name__": "b", "x": "2", "y": "1"}, [(0, 2.0)])]
    )
    result = Engine().instant("a + ignoring (y) fill (10) b", storage, 0)
    found = {labels["x"]: value for labels, value in zip(result.value.labels, result.value.values, strict=True)}
    assert found == {"1": 11.0, "2": 12.0}
    assert all(set(labels) == {"x"} for labels in result.value.labels)


def test_values_that_the_types_rule_out_are_programming_errors():
    node = parse("topk(1, foo)")
    assert isinstance(node, ast.Aggregate)
    with pytest.raises(TypeError, match="scalar"):
        _limits(Text("x"))
    for body in (_limit_ratio, _count_values):
        with pytest.raises(TypeError):
            body(None, node, None, None, None)
    with pytest.raises(TypeError, match="no operator"):
        apply_binary(None, parse("a + b"), Text("x"), Text("y"))
    with pytest.raises(TypeError, match="no text"):
        print_expr(ast.Node())


def test_trees_made_by_hand_meet_the_same_rules():
    storage = MemoryStorage()
    window = parse("foo[5m]")
    for node, part in (
        (ast.Negation(window), "range vector"),
        (ast.Call("rate", (parse("foo"),)), "range vector is due"),
        (ast.Call("no_such", ()), "not supported"),
        (ast.Negation(ast.String("x")), "unary expression"),
        (ast.Aggregate("sum", ast.Number(1.0)), "takes an instant vector"),
        (ast.Call("rate", (ast.Subquery(ast.String("x"), 60.0),)), "sub-query takes"),
    ):
        with pytest.raises(EvaluationError, match=part):
            Engine().instant(node, storage, 0)
    for name, place in (("abs", ast.Number(1.0)), ("vector", parse("foo")), ("label_join", parse("foo"))):
        args = (place, place, place) if name == "label_join" else (place,)
        with pytest.raises(TypeError, match=f"{name} takes a"):
            Engine().instant(ast.Call(name, args), storage, 0)
    assert EVALUATOR is not None


def test_a_sub_query_may_be_over_a_number():
    node = ast.Call("sum_over_time", (ast.Subquery(ast.Number(2.0), 60.0, 10.0),))
    assert Engine().instant(node, MemoryStorage(), 60_000).value.values.tolist() == [12.0]


def test_annotations_are_kept_once_and_in_order():
    notes = Annotations()
    notes.warn("b", (1, 2))
    notes.info("a", (1, 1))
    notes.warn("b", (1, 2))
    other = Annotations()
    other.warn("c", (3, 4))
    notes.update(other)
    assert len(notes) == 3
    assert notes.warnings == ["PromQL warning: b (1:2)", "PromQL warning: c (3:4)"]
    assert notes.infos == ["PromQL info: a (1:1)"]


def test_malformed_buckets_are_named():
    storage = MemoryStorage()
    storage.load([({"__name__": "h", "le": "x"}, [(0, 1.0)]), ({"__name__": "h"}, [(0, 1.0)])])
    result = Engine().instant("histogram_quantile(0.5, h)", storage, 0)
    assert result.value.labels == []
    assert len(result.warnings) == 2
    assert any(
        '"le" is missing or has a malformed value of "x" for metric name "h"' in text for text in result.warnings
    )


def test_metadata_labels_go_where_the_name_goes():
    storage = HeadStorage()
    labels = {"__name__": "m_total", "__type__": "counter", "__unit__": "bytes", "i": "1"}
    storage.load([(labels, [(t * 10_000, float(t)) for t in range(10)])])
    engine = Engine()
    assert engine.instant("m_total", storage, 90_000).value.labels == [labels]
    for expr in ("rate(m_total[1m])", "-m_total", "m_total + m_total", "sum without () (m_total)", "m_total > bool 1"):
        assert engine.instant(expr, storage, 90_000).value.labels == [{"i": "1"}], expr
    assert engine.instant("sum by (__type__) (m_total)", storage, 90_000).value.labels == [{"__type__": "counter"}]
    assert engine.instant("sum by (__type__) (rate(m_total[1m]))", storage, 90_000).value.labels == [{}]


def test_sorting_and_ranking_over_a_range_keep_the_order_of_labels():
    storage = crowd(3)
    engine = Engine()
    for expr in ("sort_desc(many)", 'sort_by_label_desc(many, "i")', "topk(3, many)"):
        result = engine.range(expr, storage, 0, 10_000, 10_000)
        assert [labels["i"] for labels in result.value.labels] == ["0", "1", "2"], expr
        assert [text for text in result.warnings if "sort is ineffective" not in text] == []
        assert bool(result.warnings) == expr.startswith("sort")
        assert engine.instant(expr, storage, 0).warnings == []


def test_fixed_windows_are_computed_once_for_all_steps():
    storage = MemoryStorage()
    storage.load([({"__name__": "m_total"}, [(t * 1_000, float(t)) for t in range(60)])])
    found = Engine().range(
        "sum_over_time(m_total[10s] @ 50) + predict_linear(m_total[10s] @ 50, 0)", storage, 0, 2_000, 1_000
    )
    assert found.value.values[0].tolist() == pytest.approx([455.0, 456.0, 457.0])
    held = Engine().range("timestamp(m_total @ 50)", storage, 0, 2_000, 1_000)
    assert held.value.values.tolist() == [[50.0, 50.0, 50.0]]


@pytest.mark.parametrize("name", ["count", "sum", "avg", "stddev", "stdvar"])
def test_functions_of_native_histograms_say_that_they_give_nothing(name):
    engine = Engine()
    storage = MemoryStorage()
    storage.load([({"__name__": "m"}, [(0, 1.0)])])
    for count in (1, 2):
        result = engine.instant(f"1 + histogram_{name}(m)", storage, 0)
        assert result.value.labels == []
        assert result.warnings == [
            f"PromQL warning: native histograms are not supported, so histogram_{name}() gives nothing (1:5)"
        ]
        assert engine.native_calls == count
