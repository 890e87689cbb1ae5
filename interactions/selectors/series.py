"""One metric of one tenant at many instants, for sparklines and backtests: the rows are read once, whatever the overlap."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from interactions.decisions import MetricRequest, Window, plan_scan, slide_percentile
from interactions.metrics import Gauge, Percentile, metric_named
from interactions.selectors.metrics import read_metrics, span_columns
from kaireon.platform.errors import Unprocessable

# Seven days by the minute, current and baseline windows, and room to spare.
MAX_INSTANTS = 25_000
# Distinct (segment, value) pairs: about three seconds and 200 MB.
MAX_SAMPLES = 1_000_000

_SAMPLES = """
SELECT width_bucket(r.occurred_at, %s::timestamptz[]) - 1, r.{column}, count(*)
FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) AS w (tenants, start_at, end_at)
JOIN {table} AS r
    ON r.tenant_id = ANY (w.tenants::uuid[]) AND r.occurred_at >= w.start_at AND r.occurred_at < w.end_at
WHERE r.{column} IS NOT NULL
GROUP BY 1, 2
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
    if not plan.spans:
        return dict.fromkeys(window.end for window in windows)
    position = plan.index_of()
    spans = [(position[window.start], position[window.end]) for window in windows]
    with connection.cursor() as cursor:
        statement = _SAMPLES.format(table=formula.source.value, column=formula.column)
        cursor.execute(statement, [plan.boundaries, *span_columns(plan.spans), MAX_SAMPLES + 1])
        samples = cursor.fetchall()
    if len(samples) > MAX_SAMPLES:
        raise TooMuchHistory(f"More than {MAX_SAMPLES} values to rank; choose fewer days.")
    found = slide_percentile(samples, spans, formula.fraction)
    return {window.end: value for window, value in zip(windows, found, strict=True)}
