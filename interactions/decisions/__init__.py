"""Pure rules of this area: outcome words, window arithmetic, sliding percentiles, and reading rows of a file."""

from interactions.decisions.outcomes import SYSTEM_OUTCOMES, Category, Classification, Direction, OutcomeDefinition
from interactions.decisions.percentiles import RankedCounts, slide_percentile
from interactions.decisions.windows import MetricRequest, PrefixSums, ScanPlan, Span, Window, plan_scan

__all__ = [
    "SYSTEM_OUTCOMES",
    "Category",
    "Classification",
    "Direction",
    "MetricRequest",
    "OutcomeDefinition",
    "PrefixSums",
    "RankedCounts",
    "ScanPlan",
    "Span",
    "Window",
    "plan_scan",
    "slide_percentile",
]
