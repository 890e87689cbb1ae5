"""The alerts app."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Alert rules, incidents and their evaluations."""

    name = "alerts"
    verbose_name = "Alerts"
    default_auto_field = "django.db.models.BigAutoField"
