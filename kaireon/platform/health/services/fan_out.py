"""Take an alert outside: error and critical ones become deliveries to the tenant's people-facing destinations."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from kaireon.platform.health.decisions import HealthAlert, Severity, Source, is_told_outside
from kaireon.platform.notifications.decisions import DeliveryRequest, DestinationState, Message
from kaireon.platform.notifications.selectors import list_destinations
from kaireon.platform.notifications.services import open_deliveries

# Webhooks are for machines that asked for events of their own; the documented fan-out is to people.
KINDS: Final = frozenset({"slack", "teams", "ops_email"})
EVENT_TYPE: Final = "notification"


@dataclass(frozen=True, slots=True)
class News:
    """An alert that is new, or got worse, under the id of its row."""

    alert_id: uuid.UUID
    alert: HealthAlert


def tell_outside(news: Sequence[News], *, now: datetime) -> int:
    """Open a delivery for each severe alert and each destination that may carry it; return how many were asked for.

    The alert about a broken destination never goes to a broken destination, so no alert raises itself: what is
    broken is left out here, and `not_through` says so again. One key per alert, severity and destination: however
    often an alert is raised, a destination gets it once for each severity.
    """
    by_tenant: dict[uuid.UUID, list[News]] = defaultdict(list)
    for item in news:
        if _goes_outside(item.alert):
            by_tenant[item.alert.tenant_id].append(item)
    requests = []
    for tenant_id, items in by_tenant.items():
        destinations = _reachable(tenant_id)
        requests += [_request(item, provider, now) for item in items for provider in _carriers(item, destinations)]
    if requests:
        open_deliveries(requests, now=now)
    return len(requests)


def _goes_outside(alert: HealthAlert) -> bool:
    return alert.fan_out and alert.user_id is None and is_told_outside(Severity(alert.severity))


def _reachable(tenant_id: uuid.UUID) -> list[uuid.UUID]:
    rows = [overview.destination for overview in list_destinations(tenant_id)]
    return [row.pk for row in rows if row.enabled and row.kind in KINDS and row.state != DestinationState.BROKEN]


def _carriers(item: News, destinations: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    return [provider_id for provider_id in destinations if provider_id not in item.alert.not_through]


def _request(item: News, provider_id: uuid.UUID, now: datetime) -> DeliveryRequest:
    alert = item.alert
    severity = Severity(alert.severity).value
    message = Message(
        event_type=EVENT_TYPE, subject=alert.title, message=alert.message, timestamp=now, severity=severity,
        link=f"{settings.PUBLIC_URL}{alert.link or '/system-health'}", data=_data(item),
    )  # fmt: skip
    key = f"health:{item.alert_id}:{severity}:{provider_id}"
    return DeliveryRequest(tenant_id=alert.tenant_id, provider_id=provider_id, dedupe_key=key, message=message)


def _data(item: News) -> Mapping[str, Any]:
    return {
        "systemHealthAlertId": str(item.alert_id),
        "source": Source(item.alert.source).value,
        "name": item.alert.title,
    }
