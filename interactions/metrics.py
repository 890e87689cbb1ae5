"""The registry of business metrics: a metric is one declaration, and the evaluator reads nothing but declarations.

Later subsystems register theirs through `kaireon/wiring.py` (`outbox_pending`, `pipeline_failures`, …).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from interactions.decisions import Window


class Source(StrEnum):
    """The tables that window metrics aggregate; the value is the table's name."""

    INTERACTIONS = "interactions_interaction"
    TRACES = "interactions_decisiontrace"


class Unit(StrEnum):
    """How a value is written for people."""

    RATIO = "ratio"
    CURRENCY = "currency"
    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An SQL aggregate that is additive over time and 0, never NULL, without rows.

    `sql` is a constant of the program over the row alias `r`; nothing a tenant typed ever gets into it. The columns it
    reads should be in the table's covering index (`…_tenant_time`): a window then costs no visit to the rows.
    """

    source: Source
    sql: str


@dataclass(frozen=True, slots=True)
class Total:
    """A count or a sum; 0 without data."""

    aggregate: Aggregate


@dataclass(frozen=True, slots=True)
class Ratio:
    """Numerator by denominator; no data where the denominator is 0."""

    numerator: Aggregate
    denominator: Aggregate


@dataclass(frozen=True, slots=True)
class Percentile:
    """The `fraction` percentile of a column, linear between neighbours; no data without rows."""

    source: Source
    column: str
    fraction: float


GaugeReader = Callable[[Collection[Window]], Mapping[Window, float | None]]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that its owner reads: all windows in one call, so that queries do not grow with rules.

    A window that the answer lacks, or None, is no data. `has_history` says whether windows of the past are answered
    for the past; without it a backtest shows no data instead of today's value.
    """

    read: GaugeReader
    has_history: bool = False


Formula = Total | Ratio | Percentile | Gauge


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the catalogue."""

    name: str
    title: str
    unit: Unit
    description: str
    formula: Formula

    @property
    def kind(self) -> str:
        """Return `total`, `ratio`, `percentile` or `gauge`."""
        return type(self.formula).__name__.lower()


class UnknownMetric(LookupError):
    """No metric of this name is registered."""


_registry: dict[str, Metric] = {}


def register(metric: Metric) -> None:
    """Add a metric to the catalogue; raise ValueError when another one has the name."""
    if _registry.get(metric.name, metric) != metric:
        raise ValueError(f"A metric {metric.name!r} is registered already.")
    _registry[metric.name] = metric


def catalogue() -> list[Metric]:
    """Return every metric, in the order of registration."""
    return list(_registry.values())


def find_metric(name: str) -> Metric | None:
    """Return the metric of this name, or None."""
    return _registry.get(name)


def metric_named(name: str) -> Metric:
    """Return the metric of this name; raise UnknownMetric when there is none."""
    metric = _registry.get(name)
    if metric is None:
        raise UnknownMetric(name)
    return metric


def _interactions(sql: str) -> Aggregate:
    return Aggregate(Source.INTERACTIONS, sql)


def _traces(sql: str) -> Aggregate:
    return Aggregate(Source.TRACES, sql)


IMPRESSIONS = _interactions("count(*) FILTER (WHERE r.is_impression)")
POSITIVES = _interactions("count(*) FILTER (WHERE r.is_positive)")
CLICKS = _interactions("count(*) FILTER (WHERE r.is_click)")
REVENUE = _interactions("coalesce(sum(r.conversion_value), 0)")
TRACES = _traces("count(*)")
SELECTED = _traces("count(*) FILTER (WHERE r.selected_count > 0)")
DEGRADED = _traces("count(*) FILTER (WHERE r.degraded_scoring)")
EMPTY = _traces("count(*) FILTER (WHERE r.final_count = 0)")
FAILED = _traces("count(*) FILTER (WHERE r.status_code >= 500)")
QUALIFIED = _traces("coalesce(sum(r.after_qualification), 0)")
SUPPRESSED = _traces("coalesce(sum(r.after_qualification - r.after_contact_policy), 0)")

DEFINITIONS = (
    Metric(
        "acceptance_rate", "Acceptance rate", Unit.RATIO, "Positive outcomes per impression.",
        Ratio(POSITIVES, IMPRESSIONS),
    ),
    Metric(
        "ctr", "Click-through rate", Unit.RATIO, "Clicks and conversions per impression.",
        Ratio(CLICKS, IMPRESSIONS),
    ),
    Metric("revenue", "Revenue", Unit.CURRENCY, "Sum of the conversion values.", Total(REVENUE)),
    Metric(
        "selection_frequency", "Selection frequency", Unit.RATIO, "Share of decisions that selected an offer.",
        Ratio(SELECTED, TRACES),
    ),
    Metric(
        "latency_p99", "Latency p99", Unit.MILLISECONDS, "99th percentile of the decisions' total latency.",
        Percentile(Source.TRACES, "total_latency_ms", 0.99),
    ),
    Metric(
        "degraded_scoring_rate", "Degraded scoring rate", Unit.RATIO, "Share of decisions scored by a fallback.",
        Ratio(DEGRADED, TRACES),
    ),
    Metric(
        "suppression_rate", "Suppression rate", Unit.RATIO,
        "Share of qualified offers that the contact policy removed.",
        Ratio(SUPPRESSED, QUALIFIED),
    ),
    Metric(
        "empty_candidate_rate", "Empty candidate rate", Unit.RATIO, "Share of decisions that ended with no offer.",
        Ratio(EMPTY, TRACES),
    ),
    Metric(
        "error_rate", "Error rate", Unit.RATIO, "Share of decisions answered with a status of 500 or above.",
        Ratio(FAILED, TRACES),
    ),
    Metric("decision_count", "Decisions", Unit.COUNT, "Number of decisions.", Total(TRACES)),
)  # fmt: skip

for _definition in DEFINITIONS:
    register(_definition)
