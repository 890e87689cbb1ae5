"""One metric of one tenant at many instants, for sparklines and backtests: each row is read once, whatever overlaps."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from interactions.decisions import MetricRequest, Span, Window, plan_scan, slide_percentile
from interactions.metrics import Gauge, Percentile, metric_named
from interactions.selectors.metrics import read_metrics, span_columns
from kaireon.platform.errors import Unprocessable

# Seven days by the minute, current and baseline windows, and room to spare.
MAX_INSTANTS = 25_000
# Distinct (segment, value) pairs: about three seconds and 200 MB.
MAX_SAMPLES = 1_000_000

_SAMPLES = """
SELECT w.ordinal, s.*
FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS w (tenants, start_at, end_at, ordinal)
CROSS JOIN LATERAL (
    SELECT r.{column}, count(*)
    FROM {table} AS r
    WHERE r.tenant_id = ANY (w.tenants::uuid[]) AND r.occurred_at >= w.start_at AND r.occurred_at < w.end_at
    GROUP BY 1
) AS s
LIMIT %s
"""


class TooMuchHistory(Unprocessable):
    """The span holds more than one answer may read; a shorter span, or fewer instants, will do."""

    code = "TOO_MUCH_HISTORY"


def read_series(
    *, tenant_id: uuid.UUID, metric: str, width: timedelta, instants: Sequence[datetime]
) -> dict[datetime, float | None]:
    """Return the metric over [instant - width, instant) for each instant; None is no data, as in `read_metrics`.

    One statement. A gauge without history has no data in the past. Raises UnknownMetric, and TooMuchHistory beyond
    MAX_INSTANTS or MAX_SAMPLES.
    """
    ordered = sorted(set(instants))
    if len(ordered) > MAX_INSTANTS:
        raise TooMuchHistory(
            f"{len(ordered)} instants are more than {MAX_INSTANTS}; choose fewer days or a longer step."
        )
    formula = metric_named(metric).formula
    if isinstance(formula, Percentile):
        return _read_percentile_series(formula, [Window(tenant_id, at - width, at) for at in ordered])
    if isinstance(formula, Gauge) and not formula.has_history:
        return dict.fromkeys(ordered)
    requests = [MetricRequest.ending(tenant_id, metric, at, width) for at in ordered]
    values = read_metrics(requests)
    return {request.end: values[request] for request in requests}


def _read_percentile_series(formula: Percentile, windows: Sequence[Window]) -> dict[datetime, float | None]:
    plan = plan_scan(windows)
    position = plan.index_of()
    samples = [(position[start], value, count) for start, value, count in _samples(formula, plan.spans)]
    edges = [(position.get(window.start, 0), position.get(window.end, 0)) for window in windows]
    found = slide_percentile(samples, edges, formula.fraction)
    return {window.end: value for window, value in zip(windows, found, strict=True)}


def _samples(formula: Percentile, spans: Sequence[Span]) -> list[tuple[datetime, float, int]]:
    """Return (start of the span, value, how often)."""
    if not spans:
        return []
    with connection.cursor() as cursor:
        statement = _SAMPLES.format(table=formula.source.value, column=formula.column)
        cursor.execute(statement, [*span_columns(spans), MAX_SAMPLES + 1])
        rows = cursor.fetchall()
    if len(rows) > MAX_SAMPLES:
        raise TooMuchHistory(f"More than {MAX_SAMPLES} values to rank; choose fewer days.")
    return [(spans[ordinal - 1].start, value, count) for ordinal, value, count in rows]
