"""What reports and dashboards show: data sources by their key, run for a section, and whole documents built of them."""

from reports.sources import (
    anomaly_candidates,
    budget_burn,
    channel_effectiveness,
    daily_trend,
    decision_traces_summary,
    funnel,
    model_metrics_trend,
    offer_performance,
    revenue_trend,
    score_distribution,
    selection_frequency,
    why_not_ranked,
)
from reports.sources.building import build_document
from reports.sources.registry import Scope, Source, SourceInfo, Table, find_source, register, source_list
from reports.sources.running import param_errors, run_source
from reports.sources.spool import Spool

SOURCES = (
    offer_performance.SOURCE,
    channel_effectiveness.SOURCE,
    selection_frequency.SOURCE,
    anomaly_candidates.SOURCE,
    why_not_ranked.SOURCE,
    decision_traces_summary.SOURCE,
    funnel.SOURCE,
    revenue_trend.SOURCE,
    daily_trend.SOURCE,
    budget_burn.SOURCE,
    model_metrics_trend.SOURCE,
    score_distribution.SOURCE,
)

for _source in SOURCES:
    register(_source)

__all__ = [
    "SOURCES",
    "Scope",
    "Source",
    "SourceInfo",
    "Spool",
    "Table",
    "build_document",
    "find_source",
    "param_errors",
    "register",
    "run_source",
    "source_list",
]
