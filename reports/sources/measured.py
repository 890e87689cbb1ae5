"""Columns and figures that are formulas of the metrics, and rows of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from interactions import metrics
from interactions.metrics import Formula, Total, metric_named
from interactions.selectors import measures
from interactions.selectors.measures import Measure, Sums, measures_of, reader_of
from reports.decisions.document import Cell, Column, Figure, Unit

_UNITS: Final = {
    metrics.Unit.RATIO: Unit.RATIO,
    metrics.Unit.CURRENCY: Unit.MONEY,
    metrics.Unit.MILLISECONDS: Unit.MILLISECONDS,
    metrics.Unit.SECONDS: Unit.SECONDS,
    metrics.Unit.COUNT: Unit.COUNT,
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A column, or a figure, that is a formula over rows."""

    key: str
    label: str
    unit: Unit
    formula: Formula

    @property
    def column(self) -> Column:
        """Return it as a column."""
        return Column(self.key, self.label, self.unit)


def _metric(key: str, name: str) -> Measured:
    metric = metric_named(name)
    return Measured(key, metric.title, unit_of(metric.unit), metric.formula)


def _count(key: str, label: str, aggregate: metrics.Aggregate) -> Measured:
    return Measured(key, label, Unit.COUNT, Total(aggregate))


def unit_of(unit: metrics.Unit) -> Unit:
    """Return the unit that a metric's values have in a report."""
    return _UNITS[unit]


IMPRESSIONS: Final = _count("impressions", "Impressions", metrics.IMPRESSIONS)
CLICKS: Final = _count("clicks", "Clicks", metrics.CLICKS)
POSITIVES: Final = _count("positives", "Positive outcomes", metrics.POSITIVES)
CONVERSIONS: Final = _count("conversions", "Conversions with a value", measures.CONVERSIONS)
REVENUE: Final = _metric("revenue", "revenue")
ACCEPTANCE_RATE: Final = _metric("acceptanceRate", "acceptance_rate")
CTR: Final = _metric("ctr", "ctr")
DECISIONS: Final = _metric("decisions", "decision_count")
SELECTION_FREQUENCY: Final = _metric("selectionFrequency", "selection_frequency")
SUPPRESSION_RATE: Final = _metric("suppressionRate", "suppression_rate")
EMPTY_RATE: Final = _metric("emptyCandidateRate", "empty_candidate_rate")
DEGRADED_RATE: Final = _metric("degradedScoringRate", "degraded_scoring_rate")
ERROR_RATE: Final = _metric("errorRate", "error_rate")
LATENCY_P50: Final = Measured("latencyP50", "Latency p50", Unit.MILLISECONDS, measures.LATENCY_P50)
LATENCY_P95: Final = Measured("latencyP95", "Latency p95", Unit.MILLISECONDS, measures.LATENCY_P95)
LATENCY_P99: Final = _metric("latencyP99", "latency_p99")

OF_INTERACTIONS: Final = (IMPRESSIONS, CLICKS, POSITIVES, ACCEPTANCE_RATE, CTR, REVENUE)
OF_DECISIONS: Final = (
    DECISIONS, SELECTION_FREQUENCY, SUPPRESSION_RATE, EMPTY_RATE, DEGRADED_RATE, ERROR_RATE, LATENCY_P50, LATENCY_P95,
    LATENCY_P99,
)  # fmt: skip


class Reckoning:
    """What must be read for some columns, and the cells made of it."""

    def __init__(self, measured: Sequence[Measured]) -> None:
        self.measured = measured
        self.measures: list[Measure] = measures_of(each.formula for each in measured)
        self._readers: list[Callable[[Sums], Cell]] = [reader_of(each.formula, self.measures) for each in measured]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return the columns, in their order."""
        return tuple(each.column for each in self.measured)

    def cells(self, sums: Sums) -> tuple[Any, ...]:
        """Return a cell for each column, of sums in the order of `measures`."""
        return tuple(read(sums) for read in self._readers)

    def figures(self, now: Sums, before: Sums) -> tuple[Figure, ...]:
        """Return a figure for each column, with that of the period before."""
        return tuple(
            Figure(each.key, each.label, value, each.unit, earlier)
            for each, value, earlier in zip(self.measured, self.cells(now), self.cells(before), strict=True)
        )

    def place_of(self, measure: Measure) -> int:
        """Return where a measure stands among those that are read."""
        return self.measures.index(measure)
