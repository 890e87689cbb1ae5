"""The type that an expression gives: what DuckDB says, or unknown; never another."""

from typing import Any

import duckdb
import pytest

from flows.ir.expressions import FUNCTIONS, parse_expression, to_sql, type_of

# A column of each type that a file or a cast can give.
TYPES = {
    "text": "VARCHAR", "small": "INTEGER", "large": "BIGINT", "real": "DOUBLE", "price": "DECIMAL(18,2)",
    "flag": "BOOLEAN", "born": "DATE", "at": "TIMESTAMP", "at_home": "TIMESTAMP WITH TIME ZONE", "noon": "TIME",
    "code": "UUID",
}  # fmt: skip
# Each argument of the examples stands for any column.
PLACES = ("name", "amount", "quantity", "at")
OTHERS = [
    "text || text", "small + small", "small + large", "large * real", "small - 1", "small / 2", "small // 2",
    "real % 2",
    "-small", "(large)", "price + price", "price * 2", "born - born", "born + interval 1 day", "small > 1", "not flag",
    "text is null", "small in (1, 2)", "small between 1 and 2", "text like 'a'", "text is distinct from text",
    "case when flag then small else large end", "case when flag then text end", "case when flag then 1 else null end",
    "case when flag then price else 1 end", "cast(text as decimal(10, 4))", "cast(text as decimal)",
    "cast(text as decimal(10))",
    "cast(text as string)", "text::integer", "try_cast(text as timestamp)", "text::time", "text::uuid", "text::json",
    "text::boolean", "text::date", "1", "3000000000", "1.5", "1e5", "'x'", "true", "null", "if(flag, small, large)",
    "coalesce(small, 3000000000)", "coalesce(text, 'x')", "coalesce(null, text)", "nullif(text, '')",
    "date '2026-01-01'",
    "timestamp '2026-01-01 00:00:00'",
]  # fmt: skip


@pytest.fixture(scope="module")
def table() -> Any:
    connection = duckdb.connect()
    columns = ", ".join(f'null::{kind} as "{name}"' for name, kind in TYPES.items())
    connection.execute(f"create table t as select {columns}")
    yield connection
    connection.close()


def told_and_real(table: Any, text: str) -> tuple[str, str]:
    """Return the type that is told and the one that DuckDB gives; the latter is empty where it refuses."""
    tree = parse_expression(text, columns=TYPES)
    try:
        real = str(table.sql(f"select {to_sql(tree, 'duckdb')} as x from t").types[0])
    except duckdb.Error:
        return "", ""
    return type_of(tree, TYPES), real


@pytest.mark.parametrize("text", OTHERS, ids=range(len(OTHERS)))
def test_the_type_of_an_expression_is_duckdbs_or_unknown(table: Any, text: str) -> None:
    told, real = told_and_real(table, text)

    assert told in {"", real}


@pytest.mark.parametrize("name", FUNCTIONS, ids=str)
def test_the_type_of_a_function_is_duckdbs_or_unknown_over_columns_of_any_type(table: Any, name: str) -> None:
    wrong = {}
    for column in TYPES:
        text = FUNCTIONS[name].example
        for place in PLACES:
            text = text.replace(f"({place}", f'("{column}"').replace(f" {place}", f' "{column}"')
        told, real = told_and_real(table, text)
        if told not in {"", real}:
            wrong[text] = (told, real)

    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("small + large", "BIGINT"), ("small / 2", "DOUBLE"), ("text || 'x'", "VARCHAR"), ("small > 1", "BOOLEAN"),
        ("case when flag then small else large end", "BIGINT"), ("lower(text)", "VARCHAR"), ("abs(small)", "INTEGER"),
        ("coalesce(text, '')", "VARCHAR"), ("cast(text as decimal(10, 4))", "DECIMAL(10,4)"), ("born", "DATE"),
        ("nowhere", ""), ("price * 2", ""),
    ],
    ids=str,
)  # fmt: skip
def test_what_can_be_told_is_told(text: str, kind: str) -> None:
    assert type_of(parse_expression(text, columns=None), TYPES) == kind


def test_a_long_sum_needs_no_stack() -> None:
    tree = parse_expression("+".join(["small"] * 450), columns=TYPES)

    assert type_of(tree, TYPES) == "INTEGER"
