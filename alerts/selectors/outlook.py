"""What the overview asks of alerting: is anything evaluating, what may happen next, what happened today."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from alerts.decisions import Status, next_possible_at
from alerts.models import AlertRule, Transition
from alerts.selectors.deliveries import DeliveryLine, deliveries_by_transition
from alerts.selectors.snapshots import snapshot_of
from kaireon.platform.tenancy.models import Tenant

OUTLOOK_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Tally:
    """The tenant's rules in a few numbers; `last_tick_at` is None before the first evaluation."""

    rules: int
    enabled: int
    in_breach: int
    last_tick_at: datetime | None


@dataclass(frozen=True, slots=True)
class Upcoming:
    """Something that may happen to a rule at a known time."""

    at: datetime
    rule_id: uuid.UUID
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Happened:
    """A firing or a resolve notice, with who was told."""

    transition: Transition
    deliveries: list[DeliveryLine]


def tally(tenant: Tenant) -> Tally:
    """Count the tenant's rules; one query."""
    row = AlertRule.objects.for_tenant(tenant).aggregate(
        rules=Count("pk"),
        on=Count("pk", filter=Q(enabled=True)),
        in_breach=Count("pk", filter=Q(open_incident_id__isnull=False)),
        last_tick_at=Max("last_evaluated_at", filter=Q(enabled=True)),
    )
    return Tally(row["rules"], row["on"], row["in_breach"], row["last_tick_at"])


def upcoming(tenant: Tenant, *, now: datetime, span: timedelta) -> list[Upcoming]:
    """Return what may happen to rules within the span, soonest first; one query."""
    end = now + span
    held = Q(open_incident_id__isnull=False) | Q(status=Status.PENDING) | Q(muted_until__gt=now, muted_until__lt=end)
    rules = AlertRule.objects.for_tenant(tenant).filter(held, enabled=True).order_by("pk")[:OUTLOOK_LIMIT]
    found = [each for rule in rules if (each := _next_of(rule, now)) is not None and now < each.at <= end]
    return sorted(found, key=lambda each: each.at)


def _next_of(rule: AlertRule, now: datetime) -> Upcoming | None:
    if rule.status == Status.PENDING and rule.pending_since is not None:
        at = rule.pending_since + timedelta(minutes=rule.pending_minutes)
        return Upcoming(at, rule.pk, rule.name, "fires if it is still in breach")
    if rule.muted_until is not None and rule.muted_until > now:
        return Upcoming(rule.muted_until, rule.pk, rule.name, "is no longer muted")
    possible = next_possible_at(snapshot_of(rule), now)
    return Upcoming(possible, rule.pk, rule.name, "fires again if it is still in breach") if possible else None


def happened_since(tenant: Tenant, since: datetime, limit: int) -> list[Happened]:
    """Return the newest firings and resolve notices since then; two queries."""
    rows = Transition.objects.for_tenant(tenant).filter(at__gte=since, rule__tenant=tenant).select_related("rule")
    newest = list(rows.order_by("-at", "-pk")[:limit])
    deliveries = deliveries_by_transition((row.pk, row.delivery_ids) for row in newest)
    return [Happened(row, deliveries[row.pk]) for row in newest]
