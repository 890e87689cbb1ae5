"""Hooks that are part of the load: SQL, a refresh, a function. What fails undoes the load."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.db import DatabaseError, connection, transaction

from flows.decisions.naming import NameRefused, TableName, literal, quoted, target_table
from flows.ir.targets import CustomFunctionHook, Hook, RefreshHook, SqlHook, TargetNode, WebhookHook
from flows.targets.base import LoadContext, TargetRefused
from flows.targets.hooks.guard import guarded
from flows.targets.shapes import find_shape

# A hook sees nothing but what its statement names, waits for nobody for long, and ends.
SETTINGS: Final = {"search_path": "", "statement_timeout": "60s", "lock_timeout": "10s"}
FUNCTION: Final = re.compile(r"(?:public\.)?(ds_[a-z0-9_]{1,60})", re.ASCII)
FIND_FUNCTION: Final = """
SELECT p.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = %s AND p.proname = %s AND p.prokind = 'f' AND p.pronargs = 2
  AND p.proargtypes[0] = 'uuid'::regtype AND p.proargtypes[1] = 'jsonb'::regtype
"""


def check_hooks(cursor: Any, target: TargetNode, context: LoadContext) -> None:
    """Raise TargetRefused for a hook that could not run: refused SQL, no such view or function, a webhook before."""
    if isinstance(target.pre_hook, WebhookHook):
        raise TargetRefused("preHook: a webhook tells what has been done; it can only be the postHook.")
    for name, hook in (("preHook", target.pre_hook), ("postHook", target.post_hook)):
        if hook is None or isinstance(hook, WebhookHook):
            continue
        try:
            _statement(cursor, hook, context)
        except TargetRefused as refusal:
            raise TargetRefused(f"{name}: {refusal.message}") from None


def run_hook(
    cursor: Any, hook: Hook, context: LoadContext, *, table: TableName, node_id: str
) -> None:  # fmt: skip
    """Run a hook in the load's transaction; a webhook waits for the commit. Raises TargetRefused."""
    if isinstance(hook, WebhookHook):
        return
    statement, is_reading = _statement(cursor, hook, context)
    try:
        with _confined(cursor, is_reading=is_reading):
            cursor.execute(statement)
    except DatabaseError as error:
        diagnosis = error.__cause__.diag if isinstance(error.__cause__, psycopg.Error) else None
        reason = (diagnosis and diagnosis.message_primary) or "the database refused it"
        raise TargetRefused(f"The hook of {table.shown} failed: {reason}.", node_id=node_id) from error


def _statement(cursor: Any, hook: Hook, context: LoadContext) -> tuple[str, bool]:
    if isinstance(hook, SqlHook):
        made = guarded(hook.statement, context.data_schema)
        return made.sql, made.is_reading
    if isinstance(hook, RefreshHook):
        return f"REFRESH MATERIALIZED VIEW {_view(cursor, hook.view, context).sql}", False
    assert isinstance(hook, CustomFunctionHook)
    return _call(cursor, hook, context), False


def _view(cursor: Any, text: str, context: LoadContext) -> TableName:
    try:
        view = target_table(text, context.data_schema)
    except NameRefused as refusal:
        raise TargetRefused(str(refusal)) from None
    shape = find_shape(cursor, view)
    if shape is None or shape.relkind != "m":
        raise TargetRefused(f"{view.shown} is no materialised view.")
    return view


def _call(cursor: Any, hook: CustomFunctionHook, context: LoadContext) -> str:
    found = FUNCTION.fullmatch(hook.name)
    if found is None:
        raise TargetRefused(f"{hook.name[:130]!r} is no function of yours; one reads ds_after_load.")
    cursor.execute(FIND_FUNCTION, [context.data_schema, found[1]])
    if cursor.fetchone() is None:
        raise TargetRefused(f"There is no function public.{found[1]}(uuid, jsonb).")
    name = f"{quoted(context.data_schema)}.{quoted(found[1])}"
    return f"SELECT {name}({literal(str(context.run_id))}::uuid, {literal(json.dumps(hook.arguments))}::jsonb)"


@contextmanager
def _confined(cursor: Any, *, is_reading: bool) -> Iterator[None]:
    """Hold the settings of a hook as long as it runs; a reading one could not write if it wanted to."""
    cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in SETTINGS))
    before = dict(zip(SETTINGS, cursor.fetchone(), strict=True))
    # PostgreSQL ends "read only" with the savepoint; the other settings would last until the commit.
    with transaction.atomic(using=connection.alias):
        _set(cursor, SETTINGS)
        if is_reading:
            cursor.execute("SET LOCAL transaction_read_only = on")
        yield
    _set(cursor, before)


def _set(cursor: Any, values: dict[str, str]) -> None:
    for name, value in values.items():
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
