"""Evaluate many (tenant, metric, window) at once: one statement per source table, one more for its percentiles.

The number of statements depends on which tables the metrics read, never on how many rules, tenants or windows ask.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
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
Asked = Mapping[Metric, Sequence[Window]]
Found = dict[Metric, list[float | None]]
"""The values of each metric, in the order in which its windows were asked for."""


def read_metrics(requests: Collection[MetricRequest]) -> Values:
    """Return the value of each request; None means no data (a ratio without denominator, a percentile without rows).

    Windows are half-open, [start, end). Raises UnknownMetric for a name that is not in the catalogue.
    """
    return dict(zip(requests, read_values(list(requests)), strict=True))


def read_values(requests: Sequence[MetricRequest]) -> list[float | None]:
    """Return the values in the order of the requests: `read_metrics` without a dictionary, for thousands of them."""
    by_name: dict[str, list[int]] = defaultdict(list)
    for number, request in enumerate(requests):
        by_name[request.metric].append(number)
    by_kind: dict[type, dict[Metric, list[Window]]] = defaultdict(dict)
    for name, numbers in by_name.items():
        metric = metric_named(name)
        by_kind[type(metric.formula)][metric] = [requests[number].window for number in numbers]
    found = {
        **_read_additive(by_kind[Total] | by_kind[Ratio]),
        **_read_percentiles(by_kind[Percentile]),
        **_read_gauges(by_kind[Gauge]),
    }
    values: list[float | None] = [None] * len(requests)
    for metric, answers in found.items():
        for number, value in zip(by_name[metric.name], answers, strict=True):
            values[number] = value
    return values


def _aggregates_of(metric: Metric) -> tuple[Aggregate, ...]:
    formula = metric.formula
    if isinstance(formula, Ratio):
        return (formula.numerator, formula.denominator)
    return (formula.aggregate,) if isinstance(formula, Total) else ()


class _Sums:
    """The sums of one source table: windows are asked for first, then read at once, then answered."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._columns: dict[Aggregate, int] = {}
        self._places: dict[Window, int] = {}
        self._sums: list[tuple[Any, ...]] = []

    def ask(self, aggregates: Iterable[Aggregate], windows: Sequence[Window]) -> list[int]:
        """Note what is wanted; return the place of each window."""
        for aggregate in aggregates:
            self._columns.setdefault(aggregate, len(self._columns))
        places = self._places
        return [places.setdefault(window, len(places)) for window in windows]

    def read(self) -> None:
        """Read all that was asked for in one statement."""
        plan = plan_scan(self._places)
        position = plan.index_of()
        tenants = self._scan(plan.spans, position)
        nothing = (0,) * len(self._columns)
        for tenant_id, start, end in self._places:
            sums = tenants.get(tenant_id) if start < end else None
            self._sums.append(sums.between(position[start], position[end]) if sums else nothing)

    def sums(self, aggregate: Aggregate, places: Sequence[int]) -> list[Any]:
        """Return an aggregate over the windows at these places."""
        sums, column = self._sums, self._columns[aggregate]
        return [sums[place][column] for place in places]

    def _scan(self, spans: Sequence[Span], position: Mapping[datetime, int]) -> dict[uuid.UUID, PrefixSums]:
        if not spans:
            return {}
        aggregates = ", ".join(f"{aggregate.sql} AS a{number}" for aggregate, number in self._columns.items())
        rows: dict[uuid.UUID, list[tuple[int, Sequence[Any]]]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(_SUMS.format(table=self._source.value, aggregates=aggregates), span_columns(spans))
            for ordinal, tenant_id, *sums in cursor.fetchall():
                rows[tenant_id].append((position[spans[ordinal - 1].start], sums))
        return {tenant_id: PrefixSums.of(found, len(self._columns)) for tenant_id, found in rows.items()}


def span_columns(spans: Sequence[Span]) -> list[list[Any]]:
    """Return tenants, starts and ends as parameters; arrays of different lengths cannot nest, so tenants are text."""
    texts: dict[int, str] = {}
    for span in spans:
        # Spans share their tuple of tenants: one text for thousands of spans.
        if id(span.tenants) not in texts:
            texts[id(span.tenants)] = "{" + ",".join(map(str, span.tenants)) + "}"
    return [[texts[id(span.tenants)] for span in spans], [span.start for span in spans], [span.end for span in spans]]


def _read_additive(asked: Asked) -> Found:
    tables = {source: _Sums(source) for source in Source}
    places: dict[tuple[Metric, Source], list[int]] = {}
    for metric, windows in asked.items():
        for source in {aggregate.source for aggregate in _aggregates_of(metric)}:
            aggregates = [aggregate for aggregate in _aggregates_of(metric) if aggregate.source is source]
            places[metric, source] = tables[source].ask(aggregates, windows)
    for table in tables.values():
        table.read()
    found: Found = {}
    for metric in asked:
        parts = [tables[part.source].sums(part, places[metric, part.source]) for part in _aggregates_of(metric)]
        found[metric] = _totals(*parts) if len(parts) == 1 else _ratios(*parts)
    return found


def _totals(sums: Sequence[Any]) -> list[float | None]:
    return [float(value) for value in sums]


def _ratios(numerators: Sequence[Any], denominators: Sequence[Any]) -> list[float | None]:
    pairs = zip(numerators, denominators, strict=True)
    return [float(above / below) if below else None for above, below in pairs]


def _read_percentiles(asked: Asked) -> Found:
    found: Found = {}
    for source in Source:
        here = {metric: formula for metric in asked if (formula := _percentile_of(metric)).source is source}
        if here:
            found |= _read_percentiles_of(source, here, asked)
    return found


def _percentile_of(metric: Metric) -> Percentile:
    assert isinstance(metric.formula, Percentile)
    return metric.formula


def _read_percentiles_of(source: Source, formulas: Mapping[Metric, Percentile], asked: Asked) -> Found:
    tenants: dict[tuple[datetime, datetime], dict[uuid.UUID, None]] = defaultdict(dict)
    for metric in formulas:
        for tenant_id, start, end in asked[metric]:
            tenants[start, end][tenant_id] = None
    spans = [Span(tuple(ids), start, end) for (start, end), ids in tenants.items()]
    columns = ", ".join(
        f"percentile_cont(%s) WITHIN GROUP (ORDER BY r.{formula.column}) AS p{number}"
        for number, formula in enumerate(formulas.values())
    )
    rows: dict[Window, Sequence[float | None]] = {}
    with connection.cursor() as cursor:
        statement = _PERCENTILES.format(table=source.value, percentiles=columns)
        cursor.execute(statement, [*span_columns(spans), *(formula.fraction for formula in formulas.values())])
        for ordinal, tenant_id, *values in cursor.fetchall():
            rows[Window(tenant_id, *spans[ordinal - 1][1:])] = values
    nothing = [None] * len(formulas)
    return {
        metric: [rows.get(window, nothing)[number] for window in asked[metric]]
        for number, metric in enumerate(formulas)
    }


def _read_gauges(asked: Asked) -> Found:
    found: Found = {}
    for metric, windows in asked.items():
        assert isinstance(metric.formula, Gauge)
        values = metric.formula.read(set(windows))
        found[metric] = [values.get(window) for window in windows]
    return found
