"""The vault app."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """Hold secrets encrypted; the one module that decrypts."""

    name = "kaireon.platform.vault"
    label = "vault"
    verbose_name = "Vault"
