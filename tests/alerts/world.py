"""The small world of alert tests: a tenant's decisions, its rules, and destinations that really listen."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.models import AlertRule, Incident, Transition
from alerts.services import AlertTick, create_rule, run_tick
from interactions.models import DecisionTrace
from kaireon.platform.budget import Budget
from kaireon.platform.ids import new_id
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.services import create_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.servers import Got, Receiver

NOW = datetime(2026, 4, 17, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def record_traces(tenant: Tenant, at: datetime, *, degraded: int = 0, fine: int = 0, **fields: Any) -> None:
    """Record decisions just before `at`; `degraded` of them were scored by a fallback."""
    plain: dict[str, Any] = {
        "after_qualification": 10, "after_contact_policy": 10, "final_count": 3, "selected_count": 1,
        "total_latency_ms": 20.0,
    }  # fmt: skip
    DecisionTrace.objects.bulk_create(
        DecisionTrace(
            tenant=tenant, idempotency_key=str(new_id()), customer_id="c-1", occurred_at=at - timedelta(seconds=1),
            degraded_scoring=number < degraded, **{**plain, **fields},
        )
        for number in range(degraded + fine)
    )  # fmt: skip


def breach(tenant: Tenant, at: datetime = NOW) -> None:
    """Make three of ten decisions before `at` degraded: 0.3, above the rules' 0.2."""
    record_traces(tenant, at, degraded=3, fine=7)


def calm(tenant: Tenant, at: datetime) -> None:
    """Make none of ten decisions before `at` degraded."""
    record_traces(tenant, at, fine=10)


def make_rule(tenant: Tenant, **changes: Any) -> AlertRule:
    """Create the plain rule: degraded scoring above 0.2 in 5 minutes, cooldown 60, nobody to tell."""
    values: dict[str, Any] = {
        "name": "Degraded scoring", "metric": "degraded_scoring_rate", "operator": "gt", "threshold": 0.2,
        "window_minutes": 5, "channels": [], **changes,
    }  # fmt: skip
    return create_rule(tenant=tenant, values=values, actor=SYSTEM, now=NOW - HOUR)


def make_webhook(tenant: Tenant, receiver: Receiver, name: str = "Pager") -> Destination:
    """Create a webhook destination that is the receiver; the test allows its address."""
    config = {"url": receiver.url(), "secret": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}
    return create_destination(
        tenant_id=tenant.pk, kind="webhook", name=name, config=config, enabled=True, actor=SYSTEM, now=NOW - HOUR
    )  # fmt: skip


def tick(now: datetime = NOW, *, seconds: float = 50, tenant: Tenant | None = None) -> AlertTick:
    """Run one tick."""
    return run_tick(now=now, budget=Budget(seconds), tenant_id=tenant.pk if tenant else None)


def statuses(result: AlertTick) -> list[str]:
    """Return the statuses of a tick's entries, sorted."""
    return sorted(entry.status for entry in result.entries)


def fresh(rule: AlertRule) -> AlertRule:
    """Read the rule again."""
    return AlertRule.objects.for_tenant(rule.tenant_id).get(pk=rule.pk)


def transitions(rule: AlertRule) -> list[tuple[str, int, str]]:
    """Return kind, number and outcome of the rule's transitions, in order."""
    rows = Transition.objects.for_tenant(rule.tenant_id).filter(rule=rule).order_by("at", "number")
    return list(rows.values_list("kind", "number", "outcome"))


def open_incident(rule: AlertRule) -> Incident | None:
    """Return the rule's open incident."""
    return Incident.objects.for_tenant(rule.tenant_id).filter(rule=rule, closed_at=None).first()


def delivery_states(tenant: Tenant) -> list[tuple[str, str]]:
    """Return event type and state of the tenant's deliveries, oldest first."""
    rows = Delivery.objects.for_tenant(tenant).order_by("created_at", "pk")
    return list(rows.values_list("event_type", "state"))


def told(requests: Sequence[Got]) -> list[tuple[str, str, int]]:
    """Return type, rule id and number of what arrived, in order."""
    bodies = [json.loads(got.body) for got in requests]
    return [(body["type"], body["data"].get("ruleId", ""), body["data"].get("number", 0)) for body in bodies]


def stranger_id() -> uuid.UUID:
    """Return an id that nothing has."""
    return uuid.uuid4()
