"""The notifications app."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Hold destinations of messages, and the ledger of every delivery to them."""

    name = "kaireon.platform.notifications"
    label = "notifications"
    verbose_name = "Notifications"
