"""Tables that people describe: which types and names a field may have, and the statements that make them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flows.decisions.naming import LINEAGE_COLUMN, MAX_BYTES, SCHEMA_NAME, TableName, literal, quoted

Errors = dict[str, list[str]]

# What people may write, and PostgreSQL's type.
TYPES: Final[Mapping[str, str]] = {
    "varchar": "varchar", "string": "varchar", "char": "char", "text": "text",
    "smallint": "smallint", "integer": "integer", "int": "integer", "bigint": "bigint",
    "decimal": "numeric", "numeric": "numeric", "real": "real", "float": "double precision",
    "double": "double precision", "double precision": "double precision",
    "boolean": "boolean", "bool": "boolean", "date": "date", "time": "time", "timestamp": "timestamp",
    "datetime": "timestamp", "timestamptz": "timestamptz", "uuid": "uuid", "json": "jsonb", "jsonb": "jsonb",
}  # fmt: skip
WITH_LENGTH: Final = frozenset({"varchar", "char"})
WITH_PRECISION: Final = frozenset({"numeric"})
MAX_LENGTH: Final = 10_485_760
MAX_PRECISION: Final = 1_000
MAX_FIELDS: Final = 500
# Columns that every table of PostgreSQL has, and those that belong to flows.
TAKEN: Final = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", LINEAGE_COLUMN})
# Defaults that are computed when a row is written; every other default is a literal of the field's type.
COMPUTED_DEFAULTS: Final = frozenset({"now()", "current_timestamp", "current_date", "gen_random_uuid()"})


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field as it will be a column. `default_value` None is no default."""

    name: str
    data_type: str = "varchar"
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    is_nullable: bool = True
    is_primary_key: bool = False
    is_unique: bool = False
    default_value: str | None = None


def name_problems(name: str) -> Errors:
    """Return what is wrong with a schema's name, under `name`."""
    if SCHEMA_NAME.fullmatch(name):
        return {}
    return {"name": ["Small letters, digits and _, beginning with a letter, at most 60: its table is ds_<name>."]}


def field_problems(fields: Sequence[FieldSpec], *, path: str = "fields") -> Errors:
    """Return everything that is wrong with the fields, each under its path (`fields[2].dataType`)."""
    if not fields or len(fields) > MAX_FIELDS:
        return {path: [f"Between 1 and {MAX_FIELDS} fields."]}
    errors: Errors = {}
    has_key = any(field.is_primary_key for field in fields)
    seen: set[str] = set()
    for index, field in enumerate(fields):
        for name, problem in _problems(field, has_key=has_key):
            errors.setdefault(f"{path}[{index}].{name}", []).append(problem)
        if field.name in seen:
            errors.setdefault(f"{path}[{index}].name", []).append("There is a field of this name already.")
        seen.add(field.name)
    return errors


def _problems(field: FieldSpec, *, has_key: bool) -> list[tuple[str, str]]:
    found = [("name", problem) for problem in _column_name_problems(field.name, has_key=has_key)]
    kind = TYPES.get(field.data_type.strip().lower())
    if kind is None:
        return [*found, ("dataType", f"One of {', '.join(TYPES)}.")]
    found += _size_problems(field, kind)
    if field.default_value is not None and "\0" in field.default_value:
        found.append(("defaultValue", "A NUL cannot be stored."))
    if field.is_primary_key and kind == "jsonb":
        found.append(("isPrimaryKey", "A field of JSON cannot be a key."))
    return found


def _column_name_problems(name: str, *, has_key: bool) -> list[str]:
    if not name or name != name.strip() or re.search(r"[\x00-\x1f\x7f]", name):
        return ["A name without blanks at its ends and without control characters."]
    if len(name.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return [f"At most {MAX_BYTES} bytes."]
    if name in TAKEN or name.startswith("_kaireon_"):
        return ["This name is taken by the table itself."]
    if name == "id" and not has_key:
        return ["A table without a primary key gets an id of its own: mark this field as primary key, or rename it."]
    return []


def _size_problems(field: FieldSpec, kind: str) -> list[tuple[str, str]]:
    found = []
    if field.length is not None and not (kind in WITH_LENGTH and 1 <= field.length <= MAX_LENGTH):
        found.append(("length", f"Only varchar and char have a length, of 1 to {MAX_LENGTH:,}."))
    if field.precision is not None and not (kind in WITH_PRECISION and 1 <= field.precision <= MAX_PRECISION):
        found.append(("precision", f"Only decimal and numeric have a precision, of 1 to {MAX_PRECISION:,}."))
    if field.scale is not None and (field.precision is None or not 0 <= field.scale <= field.precision):
        found.append(("scale", "Between 0 and the precision, which it needs."))
    return found


def type_sql(field: FieldSpec) -> str:
    """Return the column's type of PostgreSQL, sizes included; the field has no problems."""
    kind = TYPES[field.data_type.strip().lower()]
    if field.length is not None:
        return f"{kind}({field.length:d})"
    if field.precision is not None:
        return f"{kind}({field.precision:d},{field.scale or 0:d})"
    return kind


def create_table_sql(table: TableName, fields: Sequence[FieldSpec]) -> str:
    """Return the statement that makes the table; without a primary key it gets `id BIGSERIAL`."""
    keys = [quoted(field.name) for field in fields if field.is_primary_key]
    lines = [] if keys else ['"id" BIGSERIAL PRIMARY KEY']
    lines += [column_sql(field) for field in fields]
    lines += [f"PRIMARY KEY ({', '.join(keys)})"] if keys else []
    return f"CREATE TABLE {table.sql} (\n  " + ",\n  ".join(lines) + "\n)"


def column_sql(field: FieldSpec) -> str:
    """Return a column as CREATE TABLE and ADD COLUMN take it."""
    parts = [quoted(field.name), type_sql(field)]
    if field.default_value is not None:
        parts.append(f"DEFAULT {_default_sql(field)}")
    if not field.is_nullable or field.is_primary_key:
        parts.append("NOT NULL")
    if field.is_unique and not field.is_primary_key:
        parts.append("UNIQUE")
    return " ".join(parts)


def _default_sql(field: FieldSpec) -> str:
    text = field.default_value or ""
    return text.lower() if text.lower() in COMPUTED_DEFAULTS else f"{literal(text)}::{type_sql(field)}"


def spec_of(field: Any) -> FieldSpec:
    """Return the part of a field that makes its column, of an object or a mapping with the model's names."""
    given = field if isinstance(field, Mapping) else {name: getattr(field, name) for name in FieldSpec.__slots__}
    return FieldSpec(**{name: given[name] for name in FieldSpec.__slots__ if name in given})
