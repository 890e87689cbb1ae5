"""Expressions: every function that may be called, and the language around them, give the same on both engines."""

import math
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from flows.engines.base import EngineError
from flows.ir.expressions import FUNCTIONS
from tests.flows.engines.world import Engine, chain, transform

# Without a zone, as the engine has it.
wall = partial(datetime, tzinfo=None)

ROW: dict[str, Any] = {
    "name": "Ann-Lee.", "none": None, "amount": Decimal("-2.50"), "quantity": 7, "ratio": 2.25,
    "at": wall(2024, 2, 29, 10, 11, 12), "day": date(2024, 2, 29), "is_new": True, "blank": "  x ",
}  # fmt: skip
TYPES = {
    "amount": "DECIMAL(9,2)", "quantity": "INTEGER", "ratio": "DOUBLE", "at": "TIMESTAMP", "day": "DATE",
    "is_new": "BOOLEAN",
}  # fmt: skip
CALLS: dict[str, Any] = {
    "lower(name)": "ann-lee.", "upper(name)": "ANN-LEE.", "trim(blank)": "x",
    "ltrim(blank)": "x ",
    "rtrim(blank)": "  x", "rtrim(name, '.')": "Ann-Lee", "length(name)": 8, "substring(name, 1, 3)": "Ann",
    "substr(name, 5)": "Lee.",
    "left(name, 3)": "Ann", "right(name, 4)": "Lee.", "replace(name, '-', '')": "AnnLee.",
    "translate(name, 'en', 'ab')": "Abb-Laa.", "concat(name, none, quantity)": "Ann-Lee.7",
    "concat_ws('/', name, none, quantity)": "Ann-Lee./7", "lpad(name, 10, '0')": "00Ann-Lee.",
    "rpad(name, 3, ' ')": "Ann",
    "repeat('ab', 2)": "abab", "reverse(name)": ".eeL-nnA", "starts_with(name, 'Ann')": True,
    "ends_with(name, '.')": True, "contains(name, '-')": True, "strpos(name, '-')": 4, "position('-' in name)": 4,
    "instr(name, '@')": 0,
    "split_part(name, '-', 2)": "Lee.", "regexp_matches(name, '^[A-Z]')": True,
    "regexp_replace(name, '[^A-Za-z]', '')": "AnnLee", "regexp_extract(name, '([a-z]+)[.]', 1)": "ee",
    "ascii(name)": 65, "chr(65)": "A", "md5('a')": "0cc175b9c0f1b6a831c399e269772661",
    "sha256('')": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "abs(amount)": Decimal("2.50"), "sign(amount)": -1, "round(ratio, 1)": 2.3, "floor(ratio)": 2, "ceil(ratio)": 3,
    "ceiling(ratio)": 3, "sqrt(ratio)": 1.5, "exp(0)": 1.0, "ln(1)": 0.0, "log10(1000)": 3.0, "log2(8)": 3.0,
    "power(ratio, 2)": 5.0625, "pow(2, 3)": 8.0, "mod(quantity, 4)": 3, "mod(quantity, quantity - 7)": None,
    "greatest(quantity, 9)": 9, "least(quantity, 9)": 7, "coalesce(none, name)": "Ann-Lee.",
    "ifnull(none, 'x')": "x", "nvl(none, 'x')": "x", "nullif(name, 'Ann-Lee.')": None, "if(is_new, 'y', 'n')": "y",
    "date_trunc('month', at)": wall(2024, 2, 1), "date_part('year', at)": 2024, "extract(quarter from at)": 1,
    "year(at)": 2024, "quarter(at)": 1, "month(at)": 2, "week(at)": 9, "day(at)": 29, "dayofyear(at)": 60,
    "hour(at)": 10, "minute(at)": 11, "second(at)": 12, "last_day(at)": date(2024, 2, 29),
    "date_diff('day', day, at)": 0, "make_date(2026, 1, 31)": date(2026, 1, 31),
    "strftime(at, '%d.%m.%Y %H:%M')": "29.02.2024 10:11", "strptime('05.01.2024', '%d.%m.%Y')": wall(2024, 1, 5),
}  # fmt: skip
LANGUAGE: dict[str, Any] = {
    "quantity + 1": 8, "quantity - 10": -3, "quantity * 2": 14, "quantity / 2": 3.5, "quantity / 0": None,
    "quantity % 4": 3, "quantity % 0": None, "-quantity": -7, "quantity = 7 AND is_new": True,
    "quantity > 9 OR none = 'x'": None, "NOT is_new": False, "none IS NULL": True, "name IS NOT NULL": True,
    "quantity IN (1, 7)": True, "quantity NOT IN (1, 7)": False, "quantity BETWEEN 7 AND 8": True,
    "name LIKE 'Ann%'": True, "name ILIKE 'ANN%'": True, "name || '!'": "Ann-Lee.!", "name || none": None,
    "CASE WHEN quantity > 5 THEN 'big' WHEN quantity > 1 THEN 'small' ELSE '?' END": "big",
    "CASE WHEN none = 'x' THEN 1 END": None, "CAST('12' AS BIGINT)": 12, "TRY_CAST('x' AS INTEGER)": None,
    "CAST(quantity AS VARCHAR)": "7", "CAST('2024-01-05' AS DATE)": date(2024, 1, 5), "amount < 0": True,
    "day + INTERVAL 1 DAY > day": True, "name = 'ann-lee.'": False, "none IS DISTINCT FROM 'x'": True,
    "'it''s'": "it's",
    "TRUE": True, "NULL": None,
}  # fmt: skip


def values_of(engine: Engine, expressions: list[str]) -> list[Any]:
    """Return what expressions give over ROW, all in one pipeline."""
    ops = [{"op": "expression", "field": f"x{n}", "expr": one} for n, one in enumerate(expressions)]
    (row,) = engine.apply(*ops, types=TYPES, **{name: [value] for name, value in ROW.items()}).rows
    return [row[f"x{n}"] for n in range(len(expressions))]


@pytest.mark.parametrize("golden", [pytest.param(CALLS, id="functions"), pytest.param(LANGUAGE, id="language")])
def test_an_expression_gives_what_it_always_gave(engine: Engine, golden: dict[str, Any]) -> None:
    found = dict(zip(golden, values_of(engine, list(golden)), strict=True))

    wrong = {text: (value, golden[text]) for text, value in found.items() if not _are_same(value, golden[text])}
    assert wrong == {}


def _are_same(value: Any, other: Any) -> bool:
    if isinstance(value, float) and isinstance(other, float | int):
        return math.isclose(value, other, rel_tol=1e-12)
    return bool(value == other)


def test_every_function_that_may_be_called_is_tried() -> None:
    called = {text.partition("(")[0] for text in CALLS}

    assert set(FUNCTIONS) - called == set()


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        pytest.param("CAST(name AS INTEGER)", "clean, calc: ", id="a text that is no number"),
        pytest.param("strptime(name, '%d.%m.%Y')", "clean, calc: ", id="a text that is no time"),
        pytest.param("quantity * 9223372036854775807", "clean, calc: ", id="a number that is too great"),
    ],
)
def test_an_expression_that_cannot_be_computed_names_its_operation(engine: Engine, expression: str, error: str) -> None:
    op = {"op": "expression", "id": "calc", "field": "x", "expr": expression}

    with pytest.raises(EngineError) as failed:
        engine.apply(op, types=TYPES, **{name: [value] for name, value in ROW.items()})

    assert failed.value.message.startswith(error)
    assert (failed.value.node_id, failed.value.rule_id) == ("clean", "calc")


def test_an_expression_is_not_computed_for_rows_that_were_rejected(engine: Engine) -> None:
    ran = engine.apply(
        {"op": "cast", "field": "n", "to": "integer", "onError": "quarantine"},
        {"op": "expression", "field": "d", "expr": "CAST(d AS DATE)"}, n=["1", "x"], d=["2024-01-05", "bad"],
    )  # fmt: skip

    assert ran.rows == [{"n": 1, "d": date(2024, 1, 5)}]
    assert [row["value"] for row in ran.rejects] == ["x"]


def test_names_that_need_quotes_are_columns_like_others(engine: Engine) -> None:
    ops = [
        {"op": "expression", "field": "a b", "expr": '"odd \'name" || "select"'},
        {"op": "filter", "expr": "\"a b\" = 'xy'"},
    ]

    ran = engine.run(chain(transform(*ops)), src={"odd 'name": ["x", "q"], "select": ["y", "z"]})

    assert ran.column("a b") == ["xy"]
