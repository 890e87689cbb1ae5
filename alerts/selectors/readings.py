"""Read the metrics of many rules at once."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.decisions import Reading
from alerts.selectors.snapshots import DueRule
from interactions.decisions import MetricRequest
from interactions.selectors import find_metric, read_values


def read_rules(rules: Sequence[DueRule], now: datetime) -> dict[uuid.UUID, Reading]:
    """Return the reading of each rule over its two windows, in a handful of statements for all of them."""
    known = [rule for rule in rules if find_metric(rule.metric) is not None]
    widths = {minutes: timedelta(minutes=minutes) for minutes in {rule.window_minutes for rule in known}}
    current = [MetricRequest(rule.tenant_id, rule.metric, now - widths[rule.window_minutes], now) for rule in known]
    before = [request.preceding() for request in current]
    values = read_values([*current, *before])
    readings = {rule.id: Reading(None, None, is_supported=False) for rule in rules if find_metric(rule.metric) is None}
    pairs = zip(known, values[: len(known)], values[len(known) :], strict=True)
    return readings | {rule.id: Reading(observed, baseline) for rule, observed, baseline in pairs}
