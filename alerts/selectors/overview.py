"""The answers of the alerts page: what is firing, since when, who was told; and every rule with its last day."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from alerts.decisions import Status, TransitionKind, describe_condition, next_possible_at
from alerts.models import AlertRule, Evaluation, Incident, Transition
from alerts.selectors.deliveries import DeliveryLine, deliveries_by_transition
from alerts.selectors.snapshots import snapshot_of
from interactions.selectors import find_metric
from kaireon.platform.errors import NotFound
from kaireon.platform.tenancy.models import Tenant

SPARKLINE_POINTS = 48
SPARKLINE_STEP = timedelta(minutes=30)
PAGE_SIZE = 50
FIRING_LIMIT = 100

# One index probe per rule and point, however often the rule was evaluated in between.
_SPARKLINES = f"""
SELECT r.id, p.number, e.observed
FROM unnest(%s::uuid[]) AS r (id)
CROSS JOIN unnest(%s::timestamptz[]) WITH ORDINALITY AS p (at, number)
CROSS JOIN LATERAL (
    SELECT observed FROM {Evaluation._meta.db_table}
    WHERE rule_id = r.id AND at <= p.at AND at > p.at - %s::interval
    ORDER BY at DESC LIMIT 1
) AS e
"""  # noqa: S608 - the table's name is a constant


@dataclass(frozen=True, slots=True)
class FiringNow:
    """A rule with an open incident; `number` counts its messages, `told` are the destinations of the last one."""

    rule: AlertRule
    incident: Incident
    number: int
    last_told_at: datetime | None
    told: list[DeliveryLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RuleOverview:
    """A rule as the list shows it. `sparkline` holds one value per half hour, oldest first; None is no data.

    `next_possible_at` is None while only a person, or a delivery on its way, can free the next firing.
    """

    rule: AlertRule
    condition: str
    unit: str
    metric_label: str
    next_possible_at: datetime | None
    sparkline: list[float | None]

    @property
    def is_muted(self) -> bool:
        """Tell whether the last evaluation found the rule silenced by a person."""
        return self.rule.status == Status.MUTED


def list_rules(tenant: Tenant) -> list[AlertRule]:
    """Return all rules of a tenant, oldest first; the tenant's cap bounds them."""
    return list(AlertRule.objects.for_tenant(tenant).order_by("created_at", "id"))


def count_rules(tenant: Tenant | uuid.UUID) -> int:
    """Count the rules of a tenant, given as a row or by its id."""
    return AlertRule.objects.for_tenant(tenant).count()


def find_rule(tenant: Tenant, rule_id: uuid.UUID) -> AlertRule:
    """Return one rule; raise NotFound for an id that is not the tenant's."""
    rule = AlertRule.objects.for_tenant(tenant).filter(pk=rule_id).first()
    if rule is None:
        raise NotFound("There is no such alert rule for this tenant.")
    return rule


def firing_now(tenant: Tenant) -> list[FiringNow]:
    """Return the open incidents, longest first, with who was told last; three queries."""
    incidents = list(
        Incident.objects.for_tenant(tenant)
        .filter(closed_at=None)
        .select_related("rule")
        .order_by("opened_at")[:FIRING_LIMIT]
    )
    ids = [incident.pk for incident in incidents]
    fired = Transition.objects.for_tenant(tenant).filter(incident_id__in=ids, kind=TransitionKind.FIRED)
    last = {row.incident_id: row for row in fired.order_by("number")}
    deliveries = deliveries_by_transition((row.pk, row.delivery_ids) for row in last.values())
    return [
        FiringNow(incident.rule, incident, row.number, row.at, deliveries[row.pk])
        if (row := last.get(incident.pk))
        else FiringNow(incident.rule, incident, 0, None)
        for incident in incidents
    ]


def rule_overviews(
    tenant: Tenant, *, now: datetime, after: tuple[datetime, uuid.UUID] | None = None, limit: int = PAGE_SIZE,
    text: str = "",
) -> list[RuleOverview]:  # fmt: skip
    """Return a page of rules, oldest first; `after` is the key `(created_at, id)` of the last one shown. 2 queries.

    `text` keeps the rules whose name or metric holds it.
    """
    rules = AlertRule.objects.for_tenant(tenant)
    if text:
        rules = rules.filter(Q(name__icontains=text) | Q(metric__icontains=text))
    if after is not None:
        created_at, rule_id = after
        rules = rules.filter(Q(created_at__gt=created_at) | Q(created_at=created_at, pk__gt=rule_id))
    return _overviews(list(rules.order_by("created_at", "id")[:limit]), now)


def rule_overview(tenant: Tenant, rule_id: uuid.UUID, *, now: datetime) -> RuleOverview:
    """Return one rule as the list shows it; raise NotFound."""
    return _overviews([find_rule(tenant, rule_id)], now)[0]


def _overviews(rules: Sequence[AlertRule], now: datetime) -> list[RuleOverview]:
    sparklines = _sparklines([rule.pk for rule in rules], now)
    overviews = []
    for rule in rules:
        snapshot, metric = snapshot_of(rule), find_metric(rule.metric)
        condition = describe_condition(rule.metric, snapshot.operator, rule.threshold, rule.window_minutes)
        overviews.append(
            RuleOverview(
                rule, condition, metric.unit if metric else "", metric.title if metric else rule.metric,
                next_possible_at(snapshot, now), sparklines[rule.pk],
            )
        )  # fmt: skip
    return overviews


def _sparklines(rule_ids: list[uuid.UUID], now: datetime) -> dict[uuid.UUID, list[float | None]]:
    points = [now - SPARKLINE_STEP * back for back in reversed(range(SPARKLINE_POINTS))]
    lines: dict[uuid.UUID, list[float | None]] = defaultdict(lambda: [None] * SPARKLINE_POINTS)
    with connection.cursor() as cursor:
        cursor.execute(_SPARKLINES, [rule_ids, points, f"{SPARKLINE_STEP.total_seconds()} seconds"])
        for rule_id, number, observed in cursor.fetchall():
            lines[rule_id][number - 1] = observed
    return lines
