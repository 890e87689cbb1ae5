"""The last day of rules as pictures: what each evaluation saw, or the metric's history where that is little."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.decisions import Operator, TransitionKind
from alerts.models import AlertRule, Transition
from alerts.selectors.overview import SPARKLINE_POINTS, SPARKLINE_STEP, RuleOverview
from interactions.decisions import MetricRequest
from interactions.selectors import find_metric, read_metrics, read_series
from kaireon.platform.pictures import Chart, Sparkline, draw_chart, draw_sparkline, thin

# A rule that is new, or was not ticked for long, shows its metric's history instead of a few dots.
ENOUGH_POINTS = 12
CHART_POINTS = 288
UPWARD = (Operator.GT, Operator.GTE, Operator.EQ)


def draw_rules(overviews: Sequence[RuleOverview], now: datetime) -> dict[uuid.UUID, Sparkline]:
    """Return the last 24 hours of each rule with its threshold and firings; one query, and a handful for new rules."""
    values = {each.rule.pk: each.sparkline for each in overviews}
    sparse = [each.rule for each in overviews if sum(value is not None for value in each.sparkline) < ENOUGH_POINTS]
    values |= _history(sparse, now)
    fired = _fired_positions([each.rule for each in overviews], now)
    return {
        each.rule.pk: draw_sparkline(values[each.rule.pk], each.rule.threshold, fired=fired.get(each.rule.pk, ()))
        for each in overviews
    }


def _history(rules: Sequence[AlertRule], now: datetime) -> dict[uuid.UUID, list[float | None]]:
    known = [rule for rule in rules if find_metric(rule.metric) is not None]
    # Full minutes, so that rules of one width share their windows.
    end = now.replace(second=0, microsecond=0)
    instants = [end - SPARKLINE_STEP * back for back in reversed(range(SPARKLINE_POINTS))]
    requests = {
        rule.pk: [
            MetricRequest(rule.tenant_id, rule.metric, at - timedelta(minutes=rule.window_minutes), at)
            for at in instants
        ]
        for rule in known
    }
    values = read_metrics({request for each in requests.values() for request in each})
    return {rule_id: [values[request] for request in each] for rule_id, each in requests.items()}


def _fired_positions(rules: Sequence[AlertRule], now: datetime) -> dict[uuid.UUID, set[int]]:
    since = now - SPARKLINE_STEP * SPARKLINE_POINTS
    positions: dict[uuid.UUID, set[int]] = {}
    if not rules:
        return positions
    fired = Transition.objects.for_tenant(rules[0].tenant_id).filter(
        rule_id__in=[rule.pk for rule in rules], kind=TransitionKind.FIRED, at__gt=since
    )
    for rule_id, at in fired.values_list("rule_id", "at"):
        position = SPARKLINE_POINTS - 1 - int((now - at) / SPARKLINE_STEP)
        positions.setdefault(rule_id, set()).add(min(max(position, 0), SPARKLINE_POINTS - 1))
    return positions


def draw_day(rule: AlertRule, now: datetime) -> Chart:
    """Return the rule's last 24 hours in steps of five minutes; one statement, and one for the firings."""
    end = now.replace(second=0, microsecond=0)
    instants = [end - timedelta(minutes=5) * back for back in reversed(range(CHART_POINTS + 1))]
    values: dict[datetime, float | None] = dict.fromkeys(instants)
    if find_metric(rule.metric) is not None:
        width = timedelta(minutes=rule.window_minutes)
        values = read_series(tenant_id=rule.tenant_id, metric=rule.metric, width=width, instants=instants)
    fired = Transition.objects.for_tenant(rule.tenant_id).filter(
        rule=rule, kind=TransitionKind.FIRED, at__gte=instants[0]
    )
    return draw_chart(sorted(values.items()), rule.threshold, fired=list(fired.values_list("at", "observed")[:100]))


def draw_points(
    points: Sequence[tuple[datetime, float | None]],
    *,
    threshold: float,
    operator: str,
    fired: Sequence[tuple[datetime, float | None]],
) -> Chart:
    """Return the picture of a backtest: of each stretch the value nearest to a breach, and every firing."""
    return draw_chart(thin(points, CHART_POINTS, is_upward=operator in UPWARD), threshold, fired=fired)
