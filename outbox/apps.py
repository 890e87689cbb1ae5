"""The outbox app."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """Events on their way out, and those that could not leave."""

    name = "outbox"
    verbose_name = "Outbox"
    default_auto_field = "django.db.models.BigAutoField"
