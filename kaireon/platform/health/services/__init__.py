"""What system health does: raise and resolve, read, pin and delete."""

from kaireon.platform.health.decisions import HealthAlert
from kaireon.platform.health.services.raising import raise_alert, raise_many, resolve, resolve_many
from kaireon.platform.health.services.reading import (
    delete_alert,
    mark_all_read,
    mark_read,
    pin_alert,
    purge_alerts,
    resolve_alert,
)

__all__ = [
    "HealthAlert",
    "delete_alert",
    "mark_all_read",
    "mark_read",
    "pin_alert",
    "purge_alerts",
    "raise_alert",
    "raise_many",
    "resolve",
    "resolve_alert",
    "resolve_many",
]
