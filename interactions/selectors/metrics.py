"""Evaluate many (tenant, metric, window) at once: one statement per source table, one more for its percentiles.

The number of statements depends on which tables the metrics read, never on how many rules, tenants or windows ask.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from interactions.decisions import MetricRequest, PrefixSums, Span, Window, plan_scan
from interactions.metrics import Aggregate, Gauge, Metric, Percentile, Ratio, Source, Total, metric_named

# LATERAL and not a plain join: each span is its own range scan of (tenant, occurred_at) by construction. A planner that
# knows nothing about the newest rows must not get to choose a plan that reads the table.
_SUMS = """
SELECT w.ordinal, s.*
FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS w (tenants, start_at, end_at, ordinal)
CROSS JOIN LATERAL (
    SELECT r.tenant_id, {aggregates}
    FROM {table} AS r
    WHERE r.tenant_id = ANY (w.tenants::uuid[]) AND r.occurred_at >= w.start_at AND r.occurred_at < w.end_at
    GROUP BY 1
) AS s
"""
_PERCENTILES = """
SELECT w.ordinal, s.*
FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS w (tenants, start_at, end_at, ordinal)
CROSS JOIN LATERAL (
    SELECT r.tenant_id, {percentiles}
    FROM {table} AS r
    WHERE r.tenant_id = ANY (w.tenants::uuid[]) AND r.occurred_at >= w.start_at AND r.occurred_at < w.end_at
    GROUP BY 1
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
        plan = plan_scan(windows)
        self._position = plan.index_of()
        self._sums = self._scan(source, plan.spans)
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

    def _scan(self, source: Source, spans: Sequence[Span]) -> dict[uuid.UUID, PrefixSums]:
        if not spans:
            return {}
        aggregates = ", ".join(f"{aggregate.sql} AS a{number}" for aggregate, number in self._columns.items())
        rows: dict[uuid.UUID, list[tuple[int, Sequence[Any]]]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(_SUMS.format(table=source.value, aggregates=aggregates), span_columns(spans))
            for ordinal, tenant_id, *sums in cursor.fetchall():
                rows[tenant_id].append((self._position[spans[ordinal - 1].start], sums))
        return {tenant_id: PrefixSums.of(found, len(self._columns)) for tenant_id, found in rows.items()}


def span_columns(spans: Sequence[Span]) -> list[list[Any]]:
    """Return tenants, starts and ends as parameters; arrays of different lengths cannot nest, so tenants are text."""
    texts: dict[int, str] = {}
    for span in spans:
        # Spans share their tuple of tenants: one text for thousands of spans.
        if id(span.tenants) not in texts:
            texts[id(span.tenants)] = "{" + ",".join(map(str, span.tenants)) + "}"
    return [[texts[id(span.tenants)] for span in spans], [span.start for span in spans], [span.end for span in spans]]


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
    tenants: dict[tuple[datetime, datetime], dict[uuid.UUID, None]] = defaultdict(dict)
    for request, _ in pairs:
        tenants[request.start, request.end][request.tenant_id] = None
    spans = [Span(tuple(ids), start, end) for (start, end), ids in tenants.items()]
    formulas = list(dict.fromkeys(formula for _, formula in pairs))
    columns = ", ".join(
        f"percentile_cont(%s) WITHIN GROUP (ORDER BY r.{formula.column}) AS p{number}"
        for number, formula in enumerate(formulas)
    )
    found: dict[Window, Sequence[float | None]] = {}
    with connection.cursor() as cursor:
        statement = _PERCENTILES.format(table=source.value, percentiles=columns)
        cursor.execute(statement, [*span_columns(spans), *(formula.fraction for formula in formulas)])
        for ordinal, tenant_id, *values in cursor.fetchall():
            found[Window(tenant_id, *spans[ordinal - 1][1:])] = values
    position = {formula: number for number, formula in enumerate(formulas)}
    nothing = [None] * len(formulas)
    return {request: found.get(request.window, nothing)[position[formula]] for request, formula in pairs}


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
