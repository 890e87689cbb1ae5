"""Questions to alerting: rules, what is firing, timelines, trials and backtests, and who was told."""

from alerts.selectors.deliveries import DeliveryLine, deliveries_by_transition
from alerts.selectors.overview import (
    FiringNow,
    RuleOverview,
    count_rules,
    find_rule,
    firing_now,
    list_rules,
    rule_overview,
    rule_overviews,
)
from alerts.selectors.timeline import (
    TimelineFold,
    TimelineLine,
    fold_timeline,
    incidents_of,
    timeline_lines,
    timeline_of,
    transitions_of,
)
from alerts.selectors.trial import (
    Backtest,
    RuleDraft,
    Trial,
    backtest_draft,
    backtest_rule,
    draft_of,
    make_draft,
    try_rule,
)

__all__ = [
    "Backtest",
    "DeliveryLine",
    "FiringNow",
    "RuleDraft",
    "RuleOverview",
    "TimelineFold",
    "TimelineLine",
    "Trial",
    "backtest_draft",
    "backtest_rule",
    "count_rules",
    "deliveries_by_transition",
    "draft_of",
    "find_rule",
    "firing_now",
    "fold_timeline",
    "incidents_of",
    "list_rules",
    "make_draft",
    "rule_overview",
    "rule_overviews",
    "timeline_lines",
    "timeline_of",
    "transitions_of",
    "try_rule",
]
