import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_client.statements import OPERATIONS, operation_of


@pytest.mark.parametrize(
    ("statement", "operation"),
    [
        ("SELECT 1", "SELECT"),
        ("  select * from orders", "SELECT"),
        ("(SELECT 1) UNION (SELECT 2)", "SELECT"),
        ("-- a note\nINSERT INTO x VALUES (1)", "INSERT"),
        ("/* by: the shop */ /* x */ UPDATE x SET y = 1", "UPDATE"),
        ("WITH a AS (SELECT 1) DELETE FROM x", "WITH"),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE;", "BEGIN"),
        ("FROBNICATE orders", "OTHER"),
        ("", "OTHER"),
        ("-- only a note", "OTHER"),
    ],
)
def test_operations(statement: str, operation: str) -> None:
    assert operation_of(statement) == operation


@given(st.text())
def test_operations_are_bounded(statement: str) -> None:
    assert operation_of(statement) in OPERATIONS | {"OTHER"}


def test_a_long_comment_is_no_burden() -> None:
    assert operation_of("/*" * 100_000) == "OTHER"
