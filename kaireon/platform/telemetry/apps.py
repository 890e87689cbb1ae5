"""The telemetry app."""

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    """Metrics, request ids, error ids and JSON logs."""

    name = "kaireon.platform.telemetry"
    label = "telemetry"
    verbose_name = "Telemetry"
