"""The flows app."""

from django.apps import AppConfig


class FlowsConfig(AppConfig):
    """Pipelines, connectors, schemas and runs."""

    name = "flows"
    verbose_name = "Flows"
    default_auto_field = "django.db.models.BigAutoField"
