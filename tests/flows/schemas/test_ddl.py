"""The statements that make tables, and the types that people may write."""

import pytest

from flows.decisions.ddl import FieldSpec, column_sql, create_table_sql, field_problems, spec_of, type_sql
from flows.decisions.naming import TableName


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        pytest.param(FieldSpec("a"), "varchar", id="default"),
        pytest.param(FieldSpec("a", "VARCHAR", length=40), "varchar(40)", id="length"),
        pytest.param(FieldSpec("a", "char", length=3), "char(3)", id="char"),
        pytest.param(FieldSpec("a", "string"), "varchar", id="string-of-the-ir"),
        pytest.param(FieldSpec("a", "decimal", precision=12, scale=2), "numeric(12,2)", id="decimal"),
        pytest.param(FieldSpec("a", "numeric", precision=5), "numeric(5,0)", id="no-scale"),
        pytest.param(FieldSpec("a", "decimal"), "numeric", id="any-decimal"),
        pytest.param(FieldSpec("a", "double"), "double precision", id="double"),
        pytest.param(FieldSpec("a", " Integer "), "integer", id="blanks"),
        pytest.param(FieldSpec("a", "json"), "jsonb", id="json"),
        pytest.param(FieldSpec("a", "datetime"), "timestamp", id="datetime"),
    ],
)
def test_a_type_becomes_one_of_postgresql(field: FieldSpec, kind: str) -> None:
    assert type_sql(field) == kind
    assert field_problems([field]) == {}


@pytest.mark.parametrize(
    ("field", "sql"),
    [
        pytest.param(FieldSpec("a", is_nullable=False), '"a" varchar NOT NULL', id="required"),
        pytest.param(FieldSpec("a", is_unique=True), '"a" varchar UNIQUE', id="unique"),
        pytest.param(FieldSpec("a", is_primary_key=True, is_unique=True), '"a" varchar NOT NULL', id="key"),
        pytest.param(FieldSpec("a", default_value=""), "\"a\" varchar DEFAULT ''::varchar", id="empty-default"),
        pytest.param(FieldSpec("a", default_value="it's"), "\"a\" varchar DEFAULT 'it''s'::varchar", id="quote"),
        pytest.param(
            FieldSpec("a", "date", default_value="CURRENT_DATE"), '"a" date DEFAULT current_date', id="computed"
        ),
        pytest.param(
            FieldSpec("a", default_value="now(); DROP TABLE x"), "\"a\" varchar DEFAULT 'now(); DROP TABLE x'::varchar",
            id="statement",
        ),
        pytest.param(FieldSpec('a"b'), '"a""b" varchar', id="quoted-name"),
    ],
)  # fmt: skip
def test_a_column_is_written_with_everything_quoted(field: FieldSpec, sql: str) -> None:
    assert column_sql(field) == sql


def test_keys_stand_in_their_order() -> None:
    fields = [FieldSpec("b", is_primary_key=True), FieldSpec("a", is_primary_key=True), FieldSpec("c")]

    statement = create_table_sql(TableName("t_acme", "ds_x"), fields)

    assert statement == (
        'CREATE TABLE "t_acme"."ds_x" (\n  "b" varchar NOT NULL,\n  "a" varchar NOT NULL,\n  "c" varchar,\n'
        '  PRIMARY KEY ("b", "a")\n)'
    )


def test_every_problem_is_said_at_once() -> None:
    fields = [FieldSpec(" a"), FieldSpec("b", "money"), FieldSpec("b"), FieldSpec("c", "date", length=0, precision=5)]

    assert set(field_problems(fields)) == {
        "fields[0].name", "fields[1].dataType", "fields[2].name", "fields[3].length", "fields[3].precision",
    }  # fmt: skip


@pytest.mark.parametrize("count", [pytest.param(0, id="none"), pytest.param(501, id="many")])
def test_the_number_of_fields_is_bounded(count: int) -> None:
    assert set(field_problems([FieldSpec(f"c{index}") for index in range(count)])) == {"fields"}


def test_what_makes_a_column_is_read_from_a_mapping() -> None:
    given = {"name": "a", "data_type": "date", "display_name": "A", "is_predictor": True}

    assert spec_of(given) == FieldSpec("a", "date")
