"""Measures of one tenant over many stretches of time, such as the days of a trend: one statement, zeros included."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from interactions.metrics import Source
from interactions.selectors.measures import Measure, sql_of
from interactions.selectors.narrowing import EVERYTHING, Narrowing

# LATERAL: each span is its own range scan of (tenant, occurred_at), whatever the planner knows of the newest rows.
_SPANS = """
SELECT w.ordinal, s.*
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY AS w (start_at, end_at, ordinal)
CROSS JOIN LATERAL (
    SELECT {measures}
    FROM {table} AS r
    WHERE r.tenant_id = %(tenant)s AND r.occurred_at >= w.start_at AND r.occurred_at < w.end_at{conditions}
) AS s
ORDER BY w.ordinal
"""


def read_spans(
    *, tenant_id: uuid.UUID, measures: Sequence[Measure], spans: Sequence[tuple[datetime, datetime]],
    narrowing: Narrowing = EVERYTHING,
) -> list[tuple[Any, ...]]:  # fmt: skip
    """Return the measures over each span [start, end), in the order of the spans: counts and sums are 0 without rows.

    All measures are of one table; the statement's cost is that of its rows, however many spans cut them.
    """
    if not spans:
        return []
    (source,) = {measure.source for measure in measures}
    with connection.cursor() as cursor:
        cursor.execute(spans_statement(source, measures, narrowing), _values(tenant_id, spans, narrowing))
        return [tuple(values) for _, *values in cursor.fetchall()]


def spans_statement(source: Source, measures: Sequence[Measure], narrowing: Narrowing) -> str:
    """Return the statement; its parameters are `tenant`, `starts`, `ends` and those of the narrowing."""
    columns = ", ".join(f"{sql_of(measure)} AS m{number}" for number, measure in enumerate(measures))
    return _SPANS.format(measures=columns, table=source.value, conditions=narrowing.conditions(source))


def _values(tenant_id: uuid.UUID, spans: Sequence[tuple[datetime, datetime]], narrowing: Narrowing) -> dict[str, Any]:
    starts, ends = zip(*spans, strict=True)
    return {"tenant": tenant_id, "starts": list(starts), "ends": list(ends), **narrowing.values()}
