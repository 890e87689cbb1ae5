"""The health app."""

from django.apps import AppConfig


class HealthConfig(AppConfig):
    """Collect what needs a person now."""

    name = "kaireon.platform.health"
    label = "health"
    verbose_name = "System health"
