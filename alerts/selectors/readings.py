"""Read the metrics of many rules at once."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.decisions import Reading
from alerts.selectors.snapshots import DueRule
from interactions.decisions import Window
from interactions.selectors import find_metric, read_windows


def read_rules(rules: Sequence[DueRule], now: datetime) -> dict[uuid.UUID, Reading]:
    """Return the reading of each rule over its two windows, in a handful of statements for all of them."""
    places: dict[tuple[uuid.UUID, int], int] = {}
    asked: dict[str, list[int]] = defaultdict(list)
    by_metric: dict[str, list[uuid.UUID]] = defaultdict(list)
    readings: dict[uuid.UUID, Reading] = {}
    for rule_id, tenant_id, metric, minutes in rules:
        if find_metric(metric) is None:
            readings[rule_id] = Reading(None, None, is_supported=False)
            continue
        # Rules of a tenant share their windows: the current one stands before its baseline.
        place = 2 * places.setdefault((tenant_id, minutes), len(places))
        asked[metric] += (place, place + 1)
        by_metric[metric].append(rule_id)
    windows = [window for (tenant_id, minutes) in places for window in _windows(tenant_id, minutes, now)]
    found = read_windows(windows, asked)
    for metric, rule_ids in by_metric.items():
        pairs = zip(found[metric][::2], found[metric][1::2], strict=True)
        readings |= {rule_id: Reading(*pair) for rule_id, pair in zip(rule_ids, pairs, strict=True)}
    return readings


def _windows(tenant_id: uuid.UUID, minutes: int, now: datetime) -> tuple[Window, Window]:
    """Return the current window and its baseline."""
    start = now - timedelta(minutes=minutes)
    return Window(tenant_id, start, now), Window(tenant_id, start - timedelta(minutes=minutes), start)
