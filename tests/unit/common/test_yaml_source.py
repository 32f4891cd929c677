import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.yaml_source import YamlError, parse_yaml, read_yaml


def test_positions_of_keys_and_items():
    source = parse_yaml("a:\n  - x: 1\n  - y: 2\n", "f.yml")
    assert source.data == {"a": [{"x": 1}, {"y": 2}]}
    assert source.position(("a", 1, "y")) == (3, 5)
    assert source.position(("a", 1, "nothing", "below")) == (3, 5)
    assert str(source.error(("a", 0), "is wrong")) == "f.yml:2:5: is wrong"


def test_anchors_and_merge_keys():
    source = parse_yaml("base: &b {x: 1}\nmore: {<<: *b, y: 2}\n", "f.yml")
    assert source.data["more"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: &x {k: 1, l: 1}\nb: {<<: *x, k: 2}\n", {"k": 2, "l": 1}),
        ("a: &x {k: 1}\nb: {k: 2, <<: *x}\n", {"k": 2}),
        # Of several the first counts.
        ("a: [&x {k: 1}, &y {k: 2, l: 2}]\nb: {<<: [*x, *y]}\n", {"k": 1, "l": 2}),
        ("a: &x {k: 1}\nc: &y {<<: *x, k: 3}\nb: {<<: *y, l: 1}\n", {"k": 3, "l": 1}),
        ("a: &x {k: 1}\nc: &y {<<: *x, k: 3}\nd: *y\nb: *y\n", {"k": 3}),
    ],
)
def test_own_keys_count_above_those_merged_in(text, data):
    assert parse_yaml(text, "f.yml").data["b"] == data


def test_the_same_key_twice_beside_a_merge():
    with pytest.raises(YamlError, match=r"f\.yml:2:19: key 'k' stands twice"):
        parse_yaml("a: &x {k: 1}\nb: {<<: *x, k: 2, k: 3}\n", "f.yml")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("yes", "yes"), ("on", "on"), ("True", "True"), ("1.50", "1.50"), ("0x10", "0x10"), ("010", "010"),
        ("1_000", "1_000"), ("12:30:45", "12:30:45"), ("2020-01-01", "2020-01-01"), (".inf", ".inf"), ("'1'", "1"),
        ("null", None), ("~", None), ("", None), ("'null'", "null"), ("[1, {a: no}]", ["1", {"a": "no"}]),
        ("!!binary aGk=", b"hi"),
    ],
)  # fmt: skip
def test_scalars_as_written(text, data):
    assert parse_yaml(f"a: {text}", "f.yml", as_written=True).data == {"a": data}


def test_keys_are_text_whatever_they_look_like():
    assert parse_yaml("on: 1\n2: x\n", "f.yml").data == {"on": 1, "2": "x"}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: 1\na: 2\n", "f.yml:2:1", "key 'a' stands twice"),
        ("a: [1\n", "f.yml:2:1", "did not find"),
        ("[x]: 1\n", "f.yml:1:1", "a key must be text"),
        ("a: !!python/object:os.system x\n", "f.yml:1:4", "could not determine a constructor"),
        ("a: &l [*l]\n", "f.yml:1:4", "contains itself"),
        ("--- a\n--- b\n", "f.yml:2:1", "found another document"),
    ],
)
def test_mistakes_name_their_place(text, where, what):
    with pytest.raises(YamlError) as caught:
        parse_yaml(text, "f.yml")
    assert str(caught.value).startswith(where)
    assert what in str(caught.value)


def test_an_empty_document_is_nothing():
    assert parse_yaml("", "f.yml").data is None


def test_files_that_can_not_be_read(tmp_path):
    with pytest.raises(YamlError, match=r"none\.yml:1:1: can't be read: No such file"):
        read_yaml(tmp_path / "none.yml")
    (tmp_path / "latin.yml").write_bytes(b"a: \xe9")
    with pytest.raises(YamlError, match=r"is not UTF-8 \(byte 3\)"):
        read_yaml(tmp_path / "latin.yml")


@given(st.text(max_size=200))
def test_any_text_gives_data_or_a_placed_error(text):
    try:
        parse_yaml(text, "f.yml")
    except YamlError as error:
        assert error.line >= 1


def test_deep_nesting_is_an_error_not_a_crash():
    with pytest.raises(YamlError):
        parse_yaml("[" * 5000, "f.yml")
