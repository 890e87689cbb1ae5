"""The one list of plug-ins: who registers what with whom. Consumers own the registries; only this module knows both."""

import uuid
from datetime import datetime

from django.utils import timezone

from alerts.selectors import count_rules
from alerts.services import add_default_rules
from interactions.services import seed_outcome_types
from kaireon.platform.health.services import raise_alert, resolve
from kaireon.platform.notifications.selectors import count_in_cap_window
from kaireon.platform.notifications.services import (
    DestinationChange,
    on_destination_broken,
    on_destination_recovered,
)
from kaireon.platform.tenancy.guardrails import count_usage_with
from kaireon.platform.tenancy.services import on_tenant_created


def connect() -> None:
    """Register every plug-in; called once when Django has loaded all models. Registering twice changes nothing."""
    on_tenant_created(seed_outcome_types)
    on_tenant_created(add_default_rules)
    count_usage_with("max_alert_rules", count_rules)
    count_usage_with("notifications_per_hour", _messages_of_the_last_hour)
    on_destination_broken(_tell_broken)
    on_destination_recovered(_tell_recovered)


def _messages_of_the_last_hour(tenant_id: uuid.UUID) -> int:
    return count_in_cap_window([tenant_id], timezone.now()).get(tenant_id, 0)


def _tell_broken(change: DestinationChange, now: datetime) -> None:
    """Open a system-health alert; it goes to the tenant's other destinations, never to the broken one."""
    raise_alert(
        tenant_id=change.tenant_id,
        severity="error",
        source="system",
        title=f"Destination {change.name} is broken",
        message=f"{change.reason} Messages to it fail until a Test succeeds or its settings change.",
        link="/settings/integrations",
        metadata={"destinationId": str(change.destination_id), "kind": change.kind},
        dedupe_key=_broken_key(change),
        now=now,
    )


def _tell_recovered(change: DestinationChange, now: datetime) -> None:
    resolve(tenant_id=change.tenant_id, dedupe_key=_broken_key(change), now=now)


def _broken_key(change: DestinationChange) -> str:
    return f"destination-broken:{change.destination_id}"
