"""Prometheus metrics of the ledger: labels are kinds and states, never names or addresses."""

from typing import Final

from kaireon.platform.telemetry.metrics import counter, histogram

DELIVERIES: Final = counter(
    "kaireon_notification_deliveries_total",
    "Attempts to deliver a message, by kind and what followed",
    ("kind", "state"),
)
DURATION: Final = histogram(
    "kaireon_notification_attempt_seconds", "Seconds from sending a message to its answer", ("kind",)
)
