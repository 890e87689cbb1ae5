"""The reports app."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Report templates, schedules, runs and dashboards."""

    name = "reports"
    verbose_name = "Reports"
    default_auto_field = "django.db.models.BigAutoField"
