"""Run one source for a section: bad params and a query without an end make an error section, and the report goes on."""

import json
import uuid
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled
from pydantic import ValidationError

from reports.decisions.definition import SourceCall
from reports.decisions.document import Column, Section
from reports.decisions.periods import Stretch
from reports.sources.params import Params
from reports.sources.registry import Scope, Source, find_source
from reports.sources.spool import Spool

MOST_SECONDS: Final = 120
ERROR_COLUMNS: Final = (Column("field", "Field"), Column("error", "Error"))


class Made(NamedTuple):
    """A section, and the stretch of time that it covers where it says so."""

    section: Section
    covers: Stretch | None


def run_source(
    call: SourceCall, *, section_id: str, title: str, tenant_id: uuid.UUID, now: datetime, zone: str, spool: Spool
) -> Section:
    """Return the section that the source makes; without a title it has the source's label.

    A source that is not there, bad params, and a query that takes more than MOST_SECONDS make a section of one row that
    names the field and says what is wrong. Other errors are raised.
    """
    return make_section(call, section_id=section_id, title=title, scope=Scope(tenant_id, now, zone, spool)).section


def make_section(call: SourceCall, *, section_id: str, title: str, scope: Scope) -> Made:
    """Do what `run_source` does, and say what the section covers."""
    source = find_source(call.source_key)
    if source is None:
        known = f"There is no data source {call.source_key!r}."
        return Made(_error_section(call, section_id, title or call.source_key, "sourceKey", known), None)
    named = title or source.label
    try:
        params = read_params(source, call.params)
    except ValidationError as error:
        field, problem = _first_problem(error)
        return Made(_error_section(call, section_id, named, field, problem), None)
    try:
        return _read(source, params, section_id, named, scope)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        problem = f"The query took longer than {MOST_SECONDS} seconds. Choose fewer days, or narrow it."
        return Made(_error_section(call, section_id, named, "days", problem), None)


def read_params(source: Source, params: Any) -> Params:
    """Return a source's params as its model; raise pydantic's ValidationError."""
    # As JSON, because that is what they are: a strict reader then takes a date, and still no "7" for a 7.
    return source.params.model_validate_json(json.dumps(params, default=str))


def param_errors(call: SourceCall) -> dict[str, list[str]]:
    """Return what is wrong with a source's params, by their path; nothing for a source that is not there."""
    source = find_source(call.source_key)
    found: dict[str, list[str]] = {}
    if source is None:
        return found
    try:
        read_params(source, call.params)
    except ValidationError as error:
        for path, message in _problems(error):
            found.setdefault(path, []).append(message)
    return found


def _read(source: Source, params: Params, section_id: str, title: str, scope: Scope) -> Made:
    # Nothing outlives the transaction, so that a pooler may give the connection to anybody else after it.
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            # Somebody else's transaction is left as it is.
            _prepare_transaction()
        table = source.read(params, scope)
    section = Section(
        section_id, title, source.key, table.columns, table.rows, chart=table.chart, figures=table.figures,
        note=table.note,
    )  # fmt: skip
    return Made(section, table.covers)


def _prepare_transaction() -> None:
    """Let all statements of the section see one moment, write nothing, and end in time."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute(f"SET LOCAL statement_timeout = '{MOST_SECONDS}s'")


def _first_problem(error: ValidationError) -> tuple[str, str]:
    """Return the path of the first bad field, and what is wrong with all of them."""
    found = _problems(error)
    return found[0][0], "; ".join(f"{field}: {message}" for field, message in found)


def _problems(error: ValidationError) -> list[tuple[str, str]]:
    # What a source's own check says comes with the reader's "Value error, " before it.
    return [
        (".".join(str(part) for part in each["loc"]) or "params", each["msg"].removeprefix("Value error, "))
        for each in error.errors()
    ]


def _error_section(call: SourceCall, section_id: str, title: str, field: str, problem: str) -> Section:
    return Section(section_id, title, call.source_key, ERROR_COLUMNS, ((field, problem),), error=problem)
