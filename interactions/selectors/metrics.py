"""Evaluate many (tenant, metric, window) at once: one statement per source table, one more for its percentiles.

The number of statements depends on which tables the metrics read, never on how many rules, tenants or windows ask.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
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

Values = list[float | None]
Asked = Mapping[Metric, Sequence[int]]
"""The places of the windows over which each metric is wanted."""


def read_metrics(requests: Collection[MetricRequest]) -> dict[MetricRequest, float | None]:
    """Return the value of each request; None means no data (a ratio without denominator, a percentile without rows).

    Windows are half-open, [start, end). Raises UnknownMetric for a name that is not in the catalogue.
    """
    places: dict[Window, int] = {}
    by_name: dict[str, list[MetricRequest]] = defaultdict(list)
    for request in requests:
        by_name[request.metric].append(request)
        places.setdefault(request.window, len(places))
    asked = {name: [places[request.window] for request in wanted] for name, wanted in by_name.items()}
    found = read_windows(list(places), asked)
    return {request: value for name in asked for request, value in zip(by_name[name], found[name], strict=True)}


def read_windows(windows: Sequence[Window], asked: Mapping[str, Sequence[int]]) -> dict[str, Values]:
    """Return for each metric its values over the windows at the places that are asked for, in that order.

    This is `read_metrics` for thousands of rules that share a few windows. Raises UnknownMetric.
    """
    by_kind: dict[type, dict[Metric, Sequence[int]]] = defaultdict(dict)
    for name, places in asked.items():
        metric = metric_named(name)
        by_kind[type(metric.formula)][metric] = places
    found = {
        **_read_additive(windows, by_kind[Total] | by_kind[Ratio]),
        **_read_percentiles(windows, by_kind[Percentile]),
        **_read_gauges(windows, by_kind[Gauge]),
    }
    return {metric.name: values for metric, values in found.items()}


def _aggregates_of(metric: Metric) -> tuple[Aggregate, ...]:
    formula = metric.formula
    if isinstance(formula, Ratio):
        return (formula.numerator, formula.denominator)
    return (formula.aggregate,) if isinstance(formula, Total) else ()


def _read_additive(windows: Sequence[Window], asked: Asked) -> dict[Metric, Values]:
    aggregates: dict[Source, dict[Aggregate, None]] = defaultdict(dict)
    places: dict[Source, set[int]] = defaultdict(set)
    for metric, wanted in asked.items():
        for aggregate in _aggregates_of(metric):
            aggregates[aggregate.source][aggregate] = None
            places[aggregate.source].update(wanted)
    sums: dict[Aggregate, dict[int, Any]] = {}
    for source, columns in aggregates.items():
        rows = _sums_of(source, list(columns), {place: windows[place] for place in places[source]})
        sums |= {aggregate: {place: row[n] for place, row in rows.items()} for n, aggregate in enumerate(columns)}
    return {metric: _values(*(sums[part] for part in _aggregates_of(metric)), places=asked[metric]) for metric in asked}


def _values(above: Mapping[int, Any], below: Mapping[int, Any] | None = None, *, places: Sequence[int]) -> Values:
    """Return totals, or ratios where there is a denominator; each place is computed once."""
    if below is None:
        values: dict[int, float | None] = {place: float(above[place]) for place in set(places)}
    else:
        values = {place: float(above[place] / below[place]) if below[place] else None for place in set(places)}
    return [values[place] for place in places]


def _sums_of(
    source: Source, aggregates: Sequence[Aggregate], windows: Mapping[int, Window]
) -> dict[int, tuple[Any, ...]]:
    """Return the sums over each window, by its place."""
    plan = plan_scan(windows.values())
    position = plan.index_of()
    tenants = _scan(source, aggregates, plan.spans, position)
    nothing = (0,) * len(aggregates)
    found: dict[int, tuple[Any, ...]] = {}
    for place, (tenant_id, start, end) in windows.items():
        sums = tenants.get(tenant_id) if start < end else None
        found[place] = sums.between(position[start], position[end]) if sums else nothing
    return found


def _scan(
    source: Source, aggregates: Sequence[Aggregate], spans: Sequence[Span], position: Mapping[datetime, int]
) -> dict[uuid.UUID, PrefixSums]:
    if not spans:
        return {}
    columns = ", ".join(f"{aggregate.sql} AS a{number}" for number, aggregate in enumerate(aggregates))
    rows: dict[uuid.UUID, list[tuple[int, Sequence[Any]]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_SUMS.format(table=source.value, aggregates=columns), span_columns(spans))
        for ordinal, tenant_id, *sums in cursor.fetchall():
            rows[tenant_id].append((position[spans[ordinal - 1].start], sums))
    return {tenant_id: PrefixSums.of(found, len(aggregates)) for tenant_id, found in rows.items()}


def span_columns(spans: Sequence[Span]) -> list[list[Any]]:
    """Return tenants, starts and ends as parameters; arrays of different lengths cannot nest, so tenants are text."""
    texts: dict[int, str] = {}
    for span in spans:
        # Spans share their tuple of tenants: one text for thousands of spans.
        if id(span.tenants) not in texts:
            texts[id(span.tenants)] = "{" + ",".join(map(str, span.tenants)) + "}"
    return [[texts[id(span.tenants)] for span in spans], [span.start for span in spans], [span.end for span in spans]]


def _read_percentiles(windows: Sequence[Window], asked: Asked) -> dict[Metric, Values]:
    found: dict[Metric, Values] = {}
    for source in Source:
        formulas = {metric: formula for metric in asked if (formula := _percentile_of(metric)).source is source}
        if not formulas:
            continue
        places = {place for metric in formulas for place in asked[metric]}
        rows = _percentiles_of(source, list(formulas.values()), {windows[place] for place in places})
        for number, metric in enumerate(formulas):
            values = {place: row[number] if (row := rows.get(windows[place])) else None for place in places}
            found[metric] = [values[place] for place in asked[metric]]
    return found


def _percentile_of(metric: Metric) -> Percentile:
    assert isinstance(metric.formula, Percentile)
    return metric.formula


def _percentiles_of(
    source: Source, formulas: Sequence[Percentile], windows: Collection[Window]
) -> dict[Window, Sequence[float | None]]:
    """Return the percentiles over each window that has rows."""
    tenants: dict[tuple[datetime, datetime], list[uuid.UUID]] = defaultdict(list)
    for tenant_id, start, end in windows:
        tenants[start, end].append(tenant_id)
    spans = [Span(tuple(ids), start, end) for (start, end), ids in tenants.items()]
    columns = ", ".join(
        f"percentile_cont(%s) WITHIN GROUP (ORDER BY r.{formula.column}) AS p{number}"
        for number, formula in enumerate(formulas)
    )
    with connection.cursor() as cursor:
        statement = _PERCENTILES.format(table=source.value, percentiles=columns)
        cursor.execute(statement, [*span_columns(spans), *(formula.fraction for formula in formulas)])
        rows = cursor.fetchall()
    return {Window(tenant_id, *spans[ordinal - 1][1:]): values for ordinal, tenant_id, *values in rows}


def _read_gauges(windows: Sequence[Window], asked: Asked) -> dict[Metric, Values]:
    found: dict[Metric, Values] = {}
    for metric, places in asked.items():
        assert isinstance(metric.formula, Gauge)
        values = metric.formula.read({windows[place] for place in places})
        found[metric] = [values.get(windows[place]) for place in places]
    return found
