"""The tenancy app."""

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    """Hold users, tenants, memberships and API keys."""

    name = "kaireon.platform.tenancy"
    label = "tenancy"
    verbose_name = "People and access"
