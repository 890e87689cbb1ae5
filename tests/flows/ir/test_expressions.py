"""Expressions: what may stand in one, what is refused and how; any text gives a tree or a refusal."""

import time
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.ir.expressions import FUNCTIONS, ExpressionRefused, columns_of, parse_expression, to_sql

COLUMNS = ["name", "amount", "quantity", "at", "a b", "order"]
TABLE = """
    create table t as select 'Anna'::varchar as name, 12.5::double as amount, 3 as quantity,
    timestamp '2026-01-31 10:11:12' as "at", null::varchar as "a b", 7 as "order"
"""
# Expression → what DuckDB computes of the one row of the table.
COMPUTED: dict[str, Any] = {
    "amount * 2 + 1": 26.0,
    "amount / 5": 2.5,
    "quantity / 2": 1.5,
    "quantity // 2": 1,
    "quantity % 2": 1,
    "quantity / 0": None,
    "quantity % (quantity - 3)": None,
    "mod(quantity, 0)": None,
    "-quantity": -3,
    "name || '-' || quantity": "Anna-3",
    "name || \"a b\"": None,
    "concat(name, \"a b\", '!')": "Anna!",
    "amount > 12 and not quantity = 2 or false": True,
    "quantity in (1, 2, 3)": True,
    "name not in ('Bob')": True,
    "amount between 12 and 13": True,
    "name like 'A%'": True,
    "name ilike 'aN%'": True,
    "name like 'A!%' escape '!'": False,
    "\"a b\" is null": True,
    "name is not null": True,
    "(amount > 1) is true": True,
    "\"a b\" is distinct from name": True,
    "(quantity = 3) = true": True,
    "name is null is null": False,
    "quantity in (3) is true": True,
    "name like 'A%' in (true)": True,
    "quantity between 1 and 3 is not true": False,
    "case when amount > 10 then 'large' when amount > 5 then 'fair' else 'small' end": "large",
    "case quantity when 3 then 'three' end": "three",
    "cast(quantity as string)": "3",
    "quantity::bigint": 3,
    "try_cast(name as integer)": None,
    "cast('2026-02-01' as date) = date '2026-02-01'": True,
    "year(timestamp '2026-02-01 00:00:00')": 2026,
    "date_part('month', at)": 1,
    "extract(hour from at)": 10,
    "date_diff('day', at, cast('2026-02-02' as timestamp))": 2,
    "strftime(at + interval 3 day, '%d.%m.%Y')": "03.02.2026",
    "at + interval '1 day' > at": True,
    "regexp_replace('a1b22', '[0-9]', '#')": "a#b##",
    "AMOUNT": 12.5,
    "\"order\" + 1": 8,
    "coalesce(\"a b\", name)": "Anna",
    "if(quantity > 2, 'many', 'few')": "many",
    "substring(name from 2 for 2)": "nn",
    "position('n' in name)": 2,
    "trim(both 'A' from name)": "nna",
    "' '' -- ; /* '": " ' -- ; /* ",
    "1e3": 1000.0,
    "true": True,
    "null": None,
}  # fmt: skip
REFUSED: dict[str, str] = {
    "": "is empty",
    "   ": "is empty",
    "-- nothing": "is empty",
    "name -- a comment": "Comments",
    "name /* a comment */": "Comments",
    "/*+ hint */ name": "Comments",
    "name /* open": "does not end",
    "'open": "does not end",
    "\"open": "does not end",
    "name; drop table t": "no semicolon",
    "name;": "no semicolon",
    "select 1": "SELECT may not stand",
    "(select 1)": "SELECT may not stand",
    "name in (select name from t)": "SELECT may not stand",
    "exists(select 1)": "exists is not allowed",
    "amount > all(select 1)": "all is not allowed",
    "amount = any(quantity)": "any is not allowed",
    "with x as (select 1) select 1": "WITH may not stand",
    "drop table t": "DROP may not stand",
    "copy": "COPY may not stand",
    "attach 'x'": "ATTACH may not stand",
    "sum(amount)": "sum is not allowed",
    "count(*)": "count is not allowed",
    "row_number() over ()": "row_number is not allowed",
    "amount over ()": "OVER may not stand",
    "sum(amount) over (order by name)": "sum is not allowed",
    "lower(name) filter (where true)": "filter is not allowed",
    "lower(distinct name)": "Distinct",
    "lower(name order by name)": "ORDER BY is not allowed",
    "read_csv('/etc/passwd')": "read_csv is not allowed",
    "read_text('/etc/passwd')": "read_text is not allowed",
    "\"read_text\"('/etc/passwd')": "is a column and cannot be called",
    "glob('*')": "glob is not allowed",
    "getenv('HOME')": "getenv is not allowed",
    "pg_read_file('x')": "pg_read_file is not allowed",
    "current_setting('x')": "current_setting is not allowed",
    "query('select 1')": "query is not allowed",
    "main.lower(name)": "not allowed",
    "system.main.lower(name)": "not allowed",
    "random()": "random is not allowed",
    "now()": "now is not allowed",
    "current_date": "not allowed",
    "current_timestamp": "not allowed",
    "uuid()": "uuid is not allowed",
    "nextval('s')": "nextval is not allowed",
    "t.name": "no table before it",
    "name.first": "no table before it",
    "*": "A star is not allowed",
    "columns(*)": "columns is not allowed",
    "columns('.*')": "columns is not allowed",
    "?": "is not allowed",
    "$1": "is not allowed",
    ":name": "is not allowed",
    "#1": "is not allowed",
    "@amount": "is not allowed",
    "amount ^ 2": "is not allowed",
    "amount & 1": "is not allowed",
    "name ~ 'x'": "is not allowed",
    "[1, 2]": "is not allowed",
    "name[1]": "is not allowed",
    "{'a': 1}": "is not allowed",
    "{{ name }}": "is not allowed",
    "name -> 'x'": "is not allowed",
    "x -> x + 1": "is not allowed",
    "lambda x: x": "is not allowed",
    "(1, 2)": "A list in parentheses is not allowed",
    "(name, amount) in ((1, 2))": "A list in parentheses is not allowed",
    "name collate nocase": "not allowed",
    "at at time zone 'UTC'": "not allowed",
    "name similar to 'x'": "not allowed",
    "name glob 'x'": "not allowed",
    "e'x'": "not allowed",
    "$$x$$": "not allowed",
    "x'00'": "cannot be read",
    "0x1F": "not",
    "name as other": "cannot be read",
    "name amount": "cannot be read",
    "name,": "cannot be read",
    "name, amount": "cannot be read",
    "(name": "cannot be read",
    "name)": "cannot be read",
    "1 +": "cannot be read",
    "lower()": "cannot be read",
    "1 < quantity < 3": "Comparisons are joined by AND",
    "quantity = 3 = true": "Comparisons are joined by AND",
    "name is lower(name)": "IS compares with",
    "name in amount": "IN takes a list",
    "if name": "IF is called",
    "cast(name as blob)": "type BLOB is not allowed",
    "cast(name as int[])": "is not allowed",
    "cast(name as struct(a int))": "struct is not allowed",
    "cast(name as varchar(3))": "varchar is not allowed",
    "cast(name as decimal(50, 2))": "is not allowed: give one of string",
    "cast(name as date format 'YYYY')": "is not allowed",
    "cast(name as decimal(1, 1, 1))": "not",
    "cast(name as decimal(0))": "is not allowed: give one of string",
    "at + interval 1.5 day": "An interval is a whole number",
    "cast(name as decimal(2, 3))": "is not allowed: give one of string",
    "name::regclass": "not allowed",
    "extract(epoch from at)": "is no unit of time",
    "date_part('epoch', at)": "not allowed",
    "date_part(name, at)": "not allowed",
    "date_trunc('decade', at)": "is no unit of time",
    "date_trunc(name, at)": "is",
    "date_diff('month', at, at)": "counts days",
    "at + interval quantity day": "An interval is a whole number",
    "interval 1 century": "is no unit of time",
    "strftime(at, name)": "a text in quotes",
    "strftime(at, '%c')": "The format of a time knows",
    "strptime(name, name)": "a text in quotes",
    "nme": "There is no column nme. There are name, amount",
    "\"Name\"": "Did you mean name?",
    "_kaireon_lineage": "reserved",
    "\"_Kaireon_File\"": "reserved",
    "1" * 39: "at most 38 digits",
    "1e9999": "no number that can be read",
    "name\0": "control character U+0000",
    "name\x1b": "control character U+001B",
    "'\u202e'": "control character U+202E",
    "'\ud800'": "control character U+D800",
    "a\u200bb": "is not allowed",
    "(" * 17 + "1" + ")" * 17: "nests deeper than 16",
    "not " * 5 + "true": "nests deeper",
    "- " * 5 + "1": "nests deeper",
    "case when true then " * 17 + "1" + " end" * 17: "nests deeper",
    "a" * 4_001: "longer than 4,000 characters",
    "1" + "+1" * 600: "more than 1,000 words",
}  # fmt: skip


@pytest.fixture(scope="module")
def table() -> Any:
    connection = duckdb.connect(config={"enable_external_access": "false"})
    connection.execute(TABLE)
    yield connection
    connection.close()


@pytest.mark.parametrize("text", COMPUTED, ids=range(len(COMPUTED)))
def test_an_expression_computes(table: Any, text: str) -> None:
    sql = to_sql(parse_expression(text, columns=COLUMNS), "duckdb")

    assert table.execute(f"select {sql} from t").fetchall() == [(COMPUTED[text],)]


@pytest.mark.parametrize("name", FUNCTIONS, ids=str)
def test_each_function_runs_as_its_example_shows(table: Any, name: str) -> None:
    text = FUNCTIONS[name].example
    columns = [*COLUMNS[:4]]
    if name == "strptime":
        text = text.replace("name", "'31.01.2026'")

    sql = to_sql(parse_expression(text, columns=columns), "duckdb")

    assert len(table.execute(f"select {sql} from t").fetchall()) == 1


@pytest.mark.parametrize("dialect", ["spark", "postgres"], ids=str)
@pytest.mark.parametrize("name", FUNCTIONS, ids=str)
def test_each_function_is_written_for_the_other_dialects(name: str, dialect: str) -> None:
    sql = to_sql(parse_expression(FUNCTIONS[name].example, columns=None), dialect)

    assert sql


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_may_not_stand_in_an_expression_is_refused(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(ExpressionRefused) as refused:
        parse_expression(text, columns=COLUMNS)

    assert REFUSED[text] in refused.value.message
    assert len(refused.value.message) < 400
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Amount + QUANTITY", '"amount" + "quantity"'),
        ('"a b"', '"a b"'),
        ("amount / 2", 'CAST("amount" AS DOUBLE) / 2'),
        ("(amount + 1) / (quantity)", 'CAST("amount" + 1 AS DOUBLE) / NULLIF("quantity", 0)'),
        ("cast(amount as decimal)", 'CAST("amount" AS DECIMAL(18, 3))'),
        ("cast(amount as decimal(10))", 'CAST("amount" AS DECIMAL(10))'),
        ("regexp_replace(name, 'a', 'b')", "REGEXP_REPLACE(\"name\", 'a', 'b', 'g')"),
    ],
    ids=["case", "quoted", "division", "division by a column", "decimal", "sized decimal", "replace"],
)
def test_a_tree_says_what_the_dialects_would_read_differently(text: str, expected: str) -> None:
    assert to_sql(parse_expression(text, columns=COLUMNS), "duckdb") == expected


def test_without_columns_every_name_stands_as_it_is_written() -> None:
    tree = parse_expression('Other + "x y" * Other', columns=None)

    assert to_sql(tree, "spark") == "`Other` + `x y` * `Other`"
    assert columns_of(tree) == ("Other", "x y")


def test_of_many_columns_a_few_are_shown() -> None:
    with pytest.raises(ExpressionRefused, match=r"There are c0, c1, .*, c11, and 88 more\.$"):
        parse_expression("nowhere", columns=[f"c{number}" for number in range(100)])


def test_a_name_that_two_columns_could_mean_must_be_written_exactly() -> None:
    assert columns_of(parse_expression("Amount", columns=["amount", "Amount"])) == ("Amount",)
    with pytest.raises(ExpressionRefused, match="There is no column AMOUNT"):
        parse_expression("AMOUNT", columns=["amount", "Amount"])


@pytest.mark.parametrize("name", ['we"ird', "new\tline", "a;b", "x--y", "sélect", "😀"], ids=range(6))
def test_a_quoted_column_may_have_any_printable_name(name: str) -> None:
    written = '"' + name.replace('"', '""') + '"'
    connection = duckdb.connect()
    connection.execute(f"create table t as select 1 as {written}")

    tree = parse_expression(written, columns=[name])

    assert columns_of(tree) == (name,)
    assert connection.execute(f"select {to_sql(tree, 'duckdb')} from t").fetchall() == [(1,)]
    connection.close()


# --- Any text


WORDS = st.sampled_from([
    "a", '"a b"', "'x'", "1", "2.5", "(", ")", ",", "+", "-", "*", "/", "%", "||", "=", "<>", "and", "or", "not", "in",
    "is", "null", "true", "between", "like", "case", "when", "then", "else", "end", "cast(", "as", "int", "::",
    "decimal(3,1)", "interval", "day", "extract(year from", "date_trunc('day',", "distinct", "select", ".", ";", "?",
    "$1", "[", "]", "{", "}", "@", "#", "`", "--", "/*", "over", "filter", "exists", "all", "if", "date", "timestamp",
    "e'x'", "x'0a'", "0x1f", "1_0", "é", "😀", "unnest(", "lambda", "escape", "collate", "position(", "trim(both",
    *(f"{name}(" for name in FUNCTIONS), *(function.example for function in FUNCTIONS.values()),
])  # fmt: skip


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=14).map(" ".join)))
@example("@")
@example("if name")
@example("{% x %}")
@example("decimal(" * 200)
@settings(max_examples=400, deadline=None)
def test_any_text_gives_a_tree_that_can_be_written_or_a_refusal(text: str) -> None:
    try:
        tree = parse_expression(text, columns=None)
    except ExpressionRefused:
        return

    for dialect in ("duckdb", "spark", "postgres"):
        assert to_sql(tree, dialect)
    assert all(not name.lower().startswith("_kaireon_") for name in columns_of(tree))


@given(st.lists(WORDS, min_size=1, max_size=8).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_what_is_taken_reads_no_file_and_runs_no_second_statement(text: str) -> None:
    try:
        tree = parse_expression(text, columns=COLUMNS)
    except ExpressionRefused:
        return

    statements = duckdb.extract_statements(f"select {to_sql(tree, 'duckdb')} from t")

    assert len(statements) == 1
    assert str(statements[0].type).endswith("SELECT")
