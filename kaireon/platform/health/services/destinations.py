"""Say that a destination broke, and take it back when it works again; registered with notifications by the wiring."""

from datetime import datetime

from kaireon.platform.health.decisions import Severity, Source
from kaireon.platform.health.services.raising import raise_alert, resolve
from kaireon.platform.notifications.services import DestinationChange


def raise_destination_broken(change: DestinationChange, now: datetime) -> None:
    """Raise one error alert per broken destination, told through the tenant's other destinations."""
    raise_alert(
        tenant_id=change.tenant_id, severity=Severity.ERROR, source=Source.NOTIFICATIONS,
        title=f"Destination {change.name} is broken",
        message=f"{change.reason} Nothing is sent to it until its Test succeeds or its configuration is changed.",
        link="/settings/integrations", metadata={"providerId": str(change.destination_id), "kind": change.kind},
        dedupe_key=_key(change), not_through=[change.destination_id], now=now,
    )  # fmt: skip


def resolve_destination_broken(change: DestinationChange, now: datetime) -> None:
    """Resolve that alert: the destination took a message."""
    resolve(tenant_id=change.tenant_id, dedupe_key=_key(change), now=now)


def _key(change: DestinationChange) -> str:
    return f"destination:{change.destination_id}:broken"
