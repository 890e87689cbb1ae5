"""The Django app of this area."""

from django.apps import AppConfig


class InteractionsConfig(AppConfig):
    """Interactions, decision traces and business metrics."""

    name = "interactions"
    verbose_name = "Interactions"
