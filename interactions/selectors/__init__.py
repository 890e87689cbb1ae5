"""Questions to this area: metrics of many tenants at once, a metric over time, and the catalogue."""

from interactions.decisions import MetricRequest
from interactions.metrics import Metric, UnknownMetric, catalogue, find_metric
from interactions.selectors.metrics import read_metrics, read_windows
from interactions.selectors.outcomes import outcome_types
from interactions.selectors.series import MAX_INSTANTS, MAX_SAMPLES, TooMuchHistory, read_series

__all__ = [
    "MAX_INSTANTS",
    "MAX_SAMPLES",
    "Metric",
    "MetricRequest",
    "TooMuchHistory",
    "UnknownMetric",
    "catalogue",
    "find_metric",
    "outcome_types",
    "read_metrics",
    "read_series",
    "read_windows",
]
