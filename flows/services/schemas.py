"""Create, change and delete schemas; the table changes in the transaction that changes what is known of it."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.db import DatabaseError, connection, transaction

from flows.decisions.ddl import Errors, column_sql, create_table_sql, field_problems, name_problems, spec_of
from flows.decisions.naming import TableName
from flows.decisions.vocabulary import EntityType
from flows.models import DataSchema, SchemaField
from flows.selectors.schemas import find_schema, pipelines_that_use, table_of
from flows.services.tables import data_schema_of
from kaireon.platform.audit.services import record
from kaireon.platform.errors import Conflict, NotFound, Unprocessable
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant

OF_SCHEMA: Final = ("display_name", "description", "entity_type", "schema_type")
OF_COLUMN: Final = (
    "data_type", "length", "precision", "scale", "is_nullable", "is_primary_key", "is_unique", "default_value",
)  # fmt: skip
OF_FIELD: Final = ("name", "display_name", "is_predictor", "description", *OF_COLUMN)
# A table that a run is writing to is locked until the run commits.
LOCK_WAIT: Final = "SET LOCAL lock_timeout = '5s'"


@transaction.atomic(durable=True)
def create_schema(*, tenant: Tenant, values: Mapping[str, Any], actor: Actor, now: datetime) -> DataSchema:
    """Create a schema and its table `ds_<name>`, and return it with its fields.

    `values` has the model's names and `fields`, each a mapping with those of a field. Raises Unprocessable that names
    every field that cannot be, Conflict when the name or the table is taken; then there is neither table nor schema.
    """
    fields = list(values.get("fields") or ())
    name = str(values.get("name", ""))
    _refuse(name_problems(name) | _wording_problems(values) | field_problems([spec_of(field) for field in fields]))
    if DataSchema.objects.for_tenant(tenant).filter(name=name).exists():
        raise Conflict(f"There is a schema {name!r} already.", fields={"name": ["taken"]})
    schema = DataSchema(
        id=new_id(), tenant=tenant, name=name, table_name=f"ds_{name}", created_at=now, updated_at=now,
        **{key: values[key] for key in OF_SCHEMA if key in values},
    )  # fmt: skip
    schema.display_name = schema.display_name or name
    schema.save(force_insert=True)
    SchemaField.objects.bulk_create(_rows_of(schema, fields, first=0))
    table = TableName(data_schema_of(tenant), schema.table_name)
    with _ddl(f"The table {table.shown} cannot be made") as cursor:
        cursor.execute(create_table_sql(table, [spec_of(field) for field in fields]))
    _record(schema, "create", actor, now, after={"name": name, "fields": [field["name"] for field in fields]})
    return find_schema(tenant, schema.pk)


@transaction.atomic(durable=True)
def update_schema(
    *, tenant: Tenant, schema_id: uuid.UUID, changes: Mapping[str, Any], actor: Actor, now: datetime
) -> DataSchema:  # fmt: skip
    """Change a schema's words, and add columns to its table; `fields` is the whole list as it shall be.

    A column that is there keeps its type and its place in keys. Raises NotFound, Unprocessable that names every field
    that cannot be, and Conflict when a run is writing to the table.
    """
    schema = _locked(tenant, schema_id)
    before = {key: getattr(schema, key) for key in OF_SCHEMA}
    _refuse(_wording_problems(changes))
    for key in OF_SCHEMA:
        setattr(schema, key, changes.get(key, getattr(schema, key)))
    schema.updated_at = now
    schema.save(update_fields=[*OF_SCHEMA, "updated_at"])
    added = _change_fields(schema, changes["fields"]) if changes.get("fields") is not None else []
    after = {key: getattr(schema, key) for key in OF_SCHEMA} | {"addedFields": added}
    _record(schema, "update", actor, now, before=before, after=after)
    return find_schema(tenant, schema.pk)


@transaction.atomic(durable=True)
def delete_schema(*, tenant: Tenant, schema_id: uuid.UUID, actor: Actor, now: datetime) -> None:
    """Delete a schema and its table with all rows.

    Raises NotFound, and Conflict while pipelines, views or other tables use it, which it names.
    """
    schema = _locked(tenant, schema_id)
    users = pipelines_that_use(schema)
    if users:
        names = ", ".join(pipeline.name for pipeline in users[:5]) + (" and others" if len(users) > 5 else "")
        raise Conflict(f"Pipelines use public.{schema.table_name}: {names}. Change or delete them first.")
    with _ddl(f"The table public.{schema.table_name} cannot be deleted", error=Conflict) as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table_of(schema).sql}")
    _record(schema, "delete", actor, now, before={"name": schema.name})
    DataSchema.objects.for_tenant(tenant).filter(pk=schema.pk).delete()


def _locked(tenant: Tenant, schema_id: uuid.UUID) -> DataSchema:
    row = DataSchema.objects.for_tenant(tenant).select_for_update().filter(pk=schema_id).first()
    if row is None:
        raise NotFound("There is no such schema.")
    return row


def _wording_problems(values: Mapping[str, Any]) -> Errors:
    errors: Errors = {}
    if "entity_type" in values and values["entity_type"] not in set(EntityType):
        errors["entityType"] = [f"One of {', '.join(EntityType)}."]
    for key, wire, most in (("display_name", "displayName", 120), ("schema_type", "schemaType", 40)):
        if len(str(values.get(key) or "")) > most:
            errors[wire] = [f"At most {most} characters."]
    return errors


def _change_fields(schema: DataSchema, given: Sequence[Mapping[str, Any]]) -> list[str]:
    known = {row.name: row for row in SchemaField.objects.for_tenant(schema.tenant_id).filter(data_schema=schema)}
    specs = [spec_of({**_column_of(known.get(field.get("name", ""))), **field}) for field in given]
    errors = field_problems(specs)
    has_auto_id = not any(row.is_primary_key for row in known.values())
    names = {spec.name for spec in specs}
    for index, (spec, field) in enumerate(zip(specs, given, strict=True)):
        row = known.get(spec.name)
        if row is None and spec.is_primary_key:
            errors.setdefault(f"fields[{index}].isPrimaryKey", []).append("A new column cannot join the key.")
        if row is None and spec.name == "id" and has_auto_id:
            errors.setdefault(f"fields[{index}].name", []).append("The table has an id of its own.")
        if row is not None and any(key in field and field[key] != getattr(row, key) for key in OF_COLUMN):
            errors.setdefault(f"fields[{index}]", []).append("A column that is there keeps its type, key and default.")
    gone = sorted(set(known) - names)
    if gone:
        errors.setdefault("fields", []).append(f"Columns cannot be taken away: {', '.join(gone)}.")
    _refuse(errors)
    return _apply_fields(schema, given, known)


def _apply_fields(
    schema: DataSchema, given: Sequence[Mapping[str, Any]], known: Mapping[str, SchemaField]
) -> list[str]:  # fmt: skip
    for ordinal, field in enumerate(given):
        row = known.get(field["name"])
        if row is not None:
            for key in ("display_name", "is_predictor", "description"):
                setattr(row, key, field.get(key, getattr(row, key)))
            row.ordinal = ordinal
            row.save(update_fields=["display_name", "is_predictor", "description", "ordinal"])
    new = [field for field in given if field["name"] not in known]
    rows = _rows_of(schema, new, first=0)
    for row in rows:
        row.ordinal = next(place for place, field in enumerate(given) if field["name"] == row.name)
    SchemaField.objects.bulk_create(rows)
    table = table_of(schema)
    for field in new:
        with _ddl(f"The column {field['name']} cannot be added to {table.shown}") as cursor:
            cursor.execute(f"ALTER TABLE {table.sql} ADD COLUMN {column_sql(spec_of(field))}")
    return [field["name"] for field in new]


def _column_of(row: SchemaField | None) -> dict[str, Any]:
    return {} if row is None else {key: getattr(row, key) for key in OF_COLUMN}


def _rows_of(schema: DataSchema, fields: Sequence[Mapping[str, Any]], *, first: int) -> list[SchemaField]:
    return [
        SchemaField(
            id=new_id(), tenant_id=schema.tenant_id, data_schema=schema, ordinal=first + index,
            **{key: field[key] for key in OF_FIELD if key in field},
        )
        for index, field in enumerate(fields)
    ]  # fmt: skip


@contextmanager
def _ddl(what: str, *, error: type[Conflict | Unprocessable] = Unprocessable) -> Iterator[Any]:
    """Give a cursor to change tables with; what PostgreSQL refuses becomes an error in words."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LOCK_WAIT)
            yield cursor
    except DatabaseError as refusal:
        state = getattr(refusal.__cause__, "sqlstate", "") or ""
        if state == "55P03":
            raise Conflict(f"{what}: a run is writing to it. Try again when it has finished.") from None
        reason = getattr(getattr(refusal.__cause__, "diag", None), "message_primary", None) or "the database refused"
        raise (Conflict if state in {"42P07", "2BP01"} else error)(f"{what}: {reason}.") from None


def _refuse(errors: Errors) -> None:
    if errors:
        path, texts = next(iter(errors.items()))
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise Unprocessable(f"{path}: {texts[0]}{more}", fields=errors)


def _record(schema: DataSchema, action: str, actor: Actor, now: datetime, **states: Any) -> None:
    record(
        tenant_id=schema.tenant_id, actor=actor, action=action, entity_type="schema", entity_id=str(schema.pk),
        entity_name=schema.name, now=now, **states,
    )  # fmt: skip
