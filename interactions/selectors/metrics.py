"""Evaluate many (tenant, metric, window) at once: one statement per source table, one more for its percentiles.

The number of statements depends on which tables the metrics read, never on how many rules, tenants or windows ask.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import connection

from interactions.decisions import (
    MetricRequest,
    PrefixSums,
    ScanPlan,
    Window,
    plan_scan,
)
from interactions.metrics import (
    Aggregate,
    Gauge,
    Metric,
    Percentile,
    Ratio,
    Source,
    Total,
    metric_named,
)

# LATERAL and not a plain join: each interval is its own range scan of (tenant, occurred_at) by construction. A planner
# that knows nothing about the newest rows must not get to choose a plan that reads the table.
_SUMS = """
SELECT w.tenant_id, s.*
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS w (tenant_id, start_at, end_at)
CROSS JOIN LATERAL (
    SELECT width_bucket(r.occurred_at, %s::timestamptz[]) - 1 AS segment, {aggregates}
    FROM {table} AS r
    WHERE r.tenant_id = w.tenant_id AND r.occurred_at >= w.start_at AND r.occurred_at < w.end_at
    GROUP BY 1
) AS s
"""
_PERCENTILES = """
SELECT w.ordinal, s.*
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS w (tenant_id, start_at, end_at, ordinal)
CROSS JOIN LATERAL (
    SELECT {percentiles}
    FROM {table} AS r
    WHERE r.tenant_id = w.tenant_id AND r.occurred_at >= w.start_at AND r.occurred_at < w.end_at
) AS s
"""

Values = dict[MetricRequest, float | None]


def read_metrics(requests: Collection[MetricRequest]) -> Values:
    """Return the value of each request; None means no data (a ratio without denominator, a percentile without rows).

    Windows are half-open, [start, end). Raises UnknownMetric for a name that is not in the catalogue.
    """
    wanted: dict[MetricRequest, Metric] = {request: metric_named(request.metric) for request in requests}
    by_kind: dict[type, list[MetricRequest]] = defaultdict(list)
    for request, metric in wanted.items():
        by_kind[type(metric.formula)].append(request)
    values: Values = {}
    values |= _read_additive([*by_kind[Total], *by_kind[Ratio]])
    values |= _read_percentiles(by_kind[Percentile])
    values |= _read_gauges(by_kind[Gauge])
    return values


def _aggregates_of(metric: Metric) -> tuple[Aggregate, ...]:
    formula = metric.formula
    if isinstance(formula, Ratio):
        return (formula.numerator, formula.denominator)
    return (formula.aggregate,) if isinstance(formula, Total) else ()


class _Sums:
    """The sums of one source table for the windows that asked for it."""

    def __init__(self, source: Source, aggregates: Iterable[Aggregate], windows: Iterable[Window]) -> None:
        self._columns = {aggregate: number for number, aggregate in enumerate(dict.fromkeys(aggregates))}
        self._plan = plan_scan(windows)
        self._position = self._plan.index_of()
        self._sums = _scan(source, list(self._columns), self._plan)
        self._memo: dict[Window, tuple[Any, ...]] = {}

    def value(self, aggregate: Aggregate, window: Window) -> Any:
        """Return the aggregate over the window."""
        sums = self._memo.get(window)
        if sums is None:
            sums = self._memo[window] = self._between(window)
        return sums[self._columns[aggregate]] if sums else 0

    def _between(self, window: Window) -> tuple[Any, ...]:
        sums = self._sums.get(window.tenant_id)
        if sums is None or window.start >= window.end:
            return ()
        return sums.between(self._position[window.start], self._position[window.end])


def _scan(source: Source, aggregates: Sequence[Aggregate], plan: ScanPlan) -> dict[uuid.UUID, PrefixSums]:
    if not plan.intervals:
        return {}
    statement = _SUMS.format(
        table=source.value,
        aggregates=", ".join(aggregate.sql for aggregate in aggregates),
    )
    rows: dict[uuid.UUID, list[tuple[int, Sequence[Any]]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*_columns(plan.intervals), plan.boundaries])
        for tenant_id, segment, *sums in cursor.fetchall():
            rows[tenant_id].append((segment, sums))
    return {tenant_id: PrefixSums.of(found, len(aggregates)) for tenant_id, found in rows.items()}


def _columns(windows: Sequence[Window]) -> list[list[Any]]:
    return [list(column) for column in zip(*windows, strict=True)]


def _read_additive(requests: Sequence[MetricRequest]) -> Values:
    aggregates: dict[Source, dict[Aggregate, None]] = defaultdict(dict)
    windows: dict[Source, set[Window]] = defaultdict(set)
    for request in requests:
        for aggregate in _aggregates_of(metric_named(request.metric)):
            aggregates[aggregate.source][aggregate] = None
            windows[aggregate.source].add(request.window)
    sums = {source: _Sums(source, wanted, windows[source]) for source, wanted in aggregates.items()}
    return {request: _value(request, sums) for request in requests}


def _value(request: MetricRequest, sums: dict[Source, _Sums]) -> float | None:
    window = request.window
    parts = [sums[part.source].value(part, window) for part in _aggregates_of(metric_named(request.metric))]
    if len(parts) == 1:
        return float(parts[0])
    numerator, denominator = parts
    return float(numerator / denominator) if denominator else None


def _read_percentiles(requests: Sequence[MetricRequest]) -> Values:
    by_source: dict[Source, list[tuple[MetricRequest, Percentile]]] = defaultdict(list)
    for request in requests:
        formula = metric_named(request.metric).formula
        assert isinstance(formula, Percentile)
        by_source[formula.source].append((request, formula))
    values: Values = {}
    for source, pairs in by_source.items():
        values |= _read_percentiles_of(source, pairs)
    return values


def _read_percentiles_of(source: Source, pairs: Sequence[tuple[MetricRequest, Percentile]]) -> Values:
    formulas = list(dict.fromkeys(formula for _, formula in pairs))
    windows = list(dict.fromkeys(request.window for request, _ in pairs))
    columns = ", ".join(f"percentile_cont(%s) WITHIN GROUP (ORDER BY r.{formula.column})" for formula in formulas)
    statement = _PERCENTILES.format(table=source.value, percentiles=columns)
    parameters = [*_columns(windows), *(formula.fraction for formula in formulas)]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found = {windows[ordinal - 1]: row for ordinal, *row in cursor.fetchall()}
    return {request: found[request.window][formulas.index(formula)] for request, formula in pairs}


def _read_gauges(requests: Sequence[MetricRequest]) -> Values:
    by_metric: dict[str, list[MetricRequest]] = defaultdict(list)
    for request in requests:
        by_metric[request.metric].append(request)
    values: Values = {}
    for name, asked in by_metric.items():
        formula = metric_named(name).formula
        assert isinstance(formula, Gauge)
        found = formula.read({request.window for request in asked})
        values |= {request: found.get(request.window) for request in asked}
    return values
