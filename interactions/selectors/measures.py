"""The aggregates of reports beside those of the metrics, and how a formula of either is computed from what was read.

A figure of a report is a formula of `interactions.metrics` over what one statement has read: nothing is defined twice.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from interactions.metrics import Aggregate, Formula, Gauge, Percentile, Ratio, Source, Total

Measure = Aggregate | Percentile
Sums = Sequence[Any]

INTERACTIONS = Aggregate(Source.INTERACTIONS, "count(*)")
CONVERSIONS = Aggregate(Source.INTERACTIONS, "count(r.conversion_value)")
SURVIVED = Aggregate(Source.TRACES, "coalesce(sum(r.after_contact_policy), 0)")
RANKED = Aggregate(Source.TRACES, "coalesce(sum(r.final_count), 0)")
SELECTIONS = Aggregate(Source.TRACES, "coalesce(sum(r.selected_count), 0)")
LATENCY_P50 = Percentile(Source.TRACES, "total_latency_ms", 0.5)
LATENCY_P95 = Percentile(Source.TRACES, "total_latency_ms", 0.95)


def sql_of(measure: Measure) -> str:
    """Return the measure as an SQL aggregate over the row alias `r`; constants of the program alone."""
    if isinstance(measure, Aggregate):
        return measure.sql
    return f"percentile_cont({measure.fraction}) WITHIN GROUP (ORDER BY r.{measure.column})"


def measures_of(formulas: Iterable[Formula]) -> list[Measure]:
    """Return what must be read for the formulas, each once."""
    wanted: dict[Measure, None] = {}
    for formula in formulas:
        wanted |= dict.fromkeys(_parts(formula))
    return list(wanted)


def reader_of(formula: Formula, measures: Sequence[Measure]) -> Callable[[Sums], Any]:
    """Return what computes the formula from sums in the order of `measures`.

    A ratio is no data where its denominator is 0, a percentile where there are no rows: as the metrics are.
    """
    places = [measures.index(part) for part in _parts(formula)]
    if isinstance(formula, Ratio):
        above, below = places
        return lambda sums: float(sums[above] / sums[below]) if sums[below] else None
    (place,) = places
    return lambda sums: sums[place]


def _parts(formula: Formula) -> tuple[Measure, ...]:
    if isinstance(formula, Gauge):
        raise TypeError("A gauge is read by its owner, not from rows.")
    if isinstance(formula, Ratio):
        return (formula.numerator, formula.denominator)
    return (formula.aggregate,) if isinstance(formula, Total) else (formula,)
