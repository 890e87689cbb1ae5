"""System checks of the configuration: production refuses to start without its secrets; each has an id and a hint."""

import base64
import binascii
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from kaireon.environment import is_production

MINIMUM_TOKEN_LENGTH = 32
REQUIRED = {
    "SECRET_KEY": ("kaireon.E001", "signs sessions"),
    "API_KEY_PEPPER": ("kaireon.E002", "keys the hashes of API keys"),
    "CONNECTOR_ENCRYPTION_KEY": ("kaireon.E003", "encrypts the vault"),
    "CRON_TOKEN": ("kaireon.E004", "lets a scheduler call /api/cron/tick"),
    "CRON_SECRET": ("kaireon.E005", "lets a scheduler call /api/v1/cron/*"),
}


@register(Tags.security)
def check_secrets(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse production without a secret (E001-E005) or with a short token (E006); warn of it elsewhere (W006)."""
    found: list[CheckMessage] = []
    for name, (check_id, purpose) in REQUIRED.items():
        value = getattr(settings, name)
        if is_production() and (not value or value.startswith("unset-")):
            found.append(Error(f"{name} is not set: it {purpose}.", hint=f"Set {name} or {name}_FILE.", id=check_id))
    for name in ("CRON_TOKEN", "CRON_SECRET"):
        value = getattr(settings, name)
        if value and not value.startswith("ssm:") and min(map(len, value.split(","))) < MINIMUM_TOKEN_LENGTH:
            found.append(_short_token(name))
    return found


def _short_token(name: str) -> CheckMessage:
    message = f"{name} is shorter than {MINIMUM_TOKEN_LENGTH} characters."
    hint = "Make one with: openssl rand -hex 32"
    if is_production():
        return Error(message, hint=hint, id="kaireon.E006")
    return checks.Warning(message, hint=hint, id="kaireon.W006")


@register(Tags.security)
def check_vault_key(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a vault key that is not 32 bytes in base64 (E007)."""
    found: list[CheckMessage] = []
    for name in ("CONNECTOR_ENCRYPTION_KEY", "CONNECTOR_ENCRYPTION_KEY_PREVIOUS"):
        for text in filter(None, getattr(settings, name).split(",")):
            if not is_vault_key(text.strip()):
                hint = "Make one with: openssl rand -base64 32"
                found.append(Error(f"{name} is not 32 bytes in base64.", hint=hint, id="kaireon.E007"))
    return found


def is_vault_key(text: str) -> bool:
    """Tell whether `text` is 32 bytes in base64, standard or URL-safe."""
    try:
        return len(base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


@register(Tags.security)
def check_public_url(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse production without an https PUBLIC_URL (E008): links in messages and cookies need it."""
    if is_production() and not settings.PUBLIC_URL.startswith("https://"):
        return [Error("PUBLIC_URL is not an https:// address.", hint="Set PUBLIC_URL.", id="kaireon.E008")]
    return []


@register(Tags.database)
def check_database(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse anything but PostgreSQL (E009)."""
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        return [
            Error("DATABASE_URL is not a postgres:// address.", hint="Kaireon needs PostgreSQL.", id="kaireon.E009")
        ]
    return []
