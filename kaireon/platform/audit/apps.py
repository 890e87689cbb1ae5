"""The audit app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Record who changed what, in a chain that shows tampering."""

    name = "kaireon.platform.audit"
    label = "audit"
    verbose_name = "Audit"
