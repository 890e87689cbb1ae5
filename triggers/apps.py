"""The triggers app."""

from django.apps import AppConfig


class TriggersConfig(AppConfig):
    """Schedules, occurrences, watched folders, trigger secrets, deadlines."""

    name = "triggers"
    verbose_name = "Triggers"
    default_auto_field = "django.db.models.BigAutoField"
