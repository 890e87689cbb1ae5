"""What the tests of system health raise, and whom they tell."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kaireon.platform.health.decisions import HealthAlert, Severity, Source
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.health.services import (
    raise_alert,
)
from kaireon.platform.notifications.models import Destination
from kaireon.platform.notifications.services import create_destination
from kaireon.platform.tenancy.actors import SYSTEM, Actor
from kaireon.platform.tenancy.models import Tenant
from tests.people import Person

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def problem(tenant: Tenant, **deviation: Any) -> HealthAlert:
    values: dict[str, Any] = {
        "tenant_id": tenant.pk, "severity": Severity.WARNING, "source": Source.FLOW,
        "title": "Pipeline source had no files", "message": "No file came.", "link": "/data/flow-runs",
    }  # fmt: skip
    return HealthAlert(**(values | deviation))


def alerts_of(tenant: Tenant) -> list[SystemHealthAlert]:
    return list(SystemHealthAlert.objects.for_tenant(tenant).order_by("created_at", "pk"))


def actor_of(person: Person) -> Actor:
    return Actor(kind="user", name=person.user.email, role=person.role, user_id=person.user.pk)


def destination(tenant: Tenant, kind: str = "slack", *, enabled: bool = True, name: str = "Ops") -> Destination:
    configs: dict[str, dict[str, Any]] = {
        "slack": {"webhookUrl": "https://hooks.slack.com/services/T0/B0/x"},
        "teams": {"webhookUrl": "https://example.webhook.office.com/webhookb2/x"},
        "webhook": {"url": "https://example.org/hook"},
        "ops_email": {"fromEmail": "kaireon@acme.example", "recipients": ["ops@acme.example"]},
    }
    return create_destination(
        tenant_id=tenant.pk, kind=kind, name=name, config=configs[kind], enabled=enabled, actor=SYSTEM, now=NOW
    )  # fmt: skip


def raised(tenant: Tenant, minute: int = 0, **deviation: Any) -> str:
    values: dict[str, Any] = {
        "tenant_id": tenant.pk, "severity": "warning", "source": "flow", "title": f"Problem {minute}", "fan_out": False,
    }  # fmt: skip
    return str(raise_alert(**(values | deviation), now=NOW + timedelta(minutes=minute)))
