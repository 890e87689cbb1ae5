"""What notifications do: configure destinations, open deliveries, deliver them, send, test and resend."""

from kaireon.platform.notifications.services.carrying import ArtifactKeeper, keep_artifacts_with
from kaireon.platform.notifications.services.destinations import (
    PLACEHOLDER,
    DestinationChange,
    create_destination,
    delete_destination,
    ensure_destination,
    on_destination_broken,
    on_destination_recovered,
    update_destination,
)
from kaireon.platform.notifications.services.dispatch import DeliverySummary, deliver_due
from kaireon.platform.notifications.services.openings import open_deliveries
from kaireon.platform.notifications.services.sending import open_resend, resend_delivery, send_now, send_test
from kaireon.platform.notifications.transports.webhook import generate_secret

__all__ = [
    "PLACEHOLDER",
    "ArtifactKeeper",
    "DeliverySummary",
    "DestinationChange",
    "create_destination",
    "delete_destination",
    "deliver_due",
    "ensure_destination",
    "generate_secret",
    "keep_artifacts_with",
    "on_destination_broken",
    "on_destination_recovered",
    "open_deliveries",
    "open_resend",
    "resend_delivery",
    "send_now",
    "send_test",
    "update_destination",
]
