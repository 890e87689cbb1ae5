"""System checks of the configuration: production refuses to start without its secrets; each has an id and a hint."""

import base64
import binascii
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from flows.executors import CELERY
from kaireon.environment import is_production
from kaireon.platform.addresses import AddressRefusedError, parse_url
from kaireon.platform.env import ConfigurationError

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
    """Refuse production without a secret (E001-E005) or with a short one (E006); warn of that elsewhere (W006)."""
    found: list[CheckMessage] = []
    for name, (check_id, purpose) in REQUIRED.items():
        value = getattr(settings, name)
        if is_production() and (not value or value.startswith("unset-")):
            found.append(Error(f"{name} is not set: it {purpose}.", hint=f"Set {name} or {name}_FILE.", id=check_id))
    # Only the cron secrets are lists, for rotation; a comma in the others is a character like any other.
    tokens = {name: getattr(settings, name).split(",") for name in ("CRON_TOKEN", "CRON_SECRET")}
    tokens |= {name: [getattr(settings, name)] for name in ("SECRET_KEY", "API_KEY_PEPPER")}
    found += [_short_token(name) for name, words in tokens.items() if any(map(_is_short, words))]
    return found


def _is_short(token: str) -> bool:
    """Tell whether a token that is there can be guessed; one that AWS keeps is not looked at here."""
    text = token.strip()
    return 0 < len(text) < MINIMUM_TOKEN_LENGTH and not text.startswith("ssm:")


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
    current, previous = settings.CONNECTOR_ENCRYPTION_KEY, settings.CONNECTOR_ENCRYPTION_KEY_PREVIOUS
    # One key encrypts; only the previous ones are a list.
    texts = {"CONNECTOR_ENCRYPTION_KEY": [current], "CONNECTOR_ENCRYPTION_KEY_PREVIOUS": previous.split(",")}
    for name, keys in texts.items():
        if not all(is_vault_key(text.strip()) for text in keys if text.strip()):
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


@register(Tags.security)
def check_database(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse anything but PostgreSQL (E009)."""
    if settings.DATABASES["default"].get("ENGINE") != "django.db.backends.postgresql":
        return [
            Error("DATABASE_URL is not a postgres:// address.", hint="Kaireon needs PostgreSQL.", id="kaireon.E009")
        ]
    return []


@register(Tags.security)
def check_executor(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse Celery without a broker (E010): no run would ever begin."""
    if settings.RUN_EXECUTOR == CELERY and not settings.CELERY_BROKER_URL:
        hint = "Set CELERY_BROKER_URL to a redis:// or amqp:// address, or RUN_EXECUTOR=local."
        return [Error("RUN_EXECUTOR is celery and CELERY_BROKER_URL is not set.", hint=hint, id="kaireon.E010")]
    return []


@register(Tags.security)
def check_scheduler_address(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse an address to which no tick could be sent (E011)."""
    try:
        parse_url(settings.FLOW_INTERNAL_SCHEDULER_BASE_URL)
    except AddressRefusedError:
        message = "FLOW_INTERNAL_SCHEDULER_BASE_URL must be an http:// or https:// address."
        hint = "Leave it unset for http://127.0.0.1 at PORT."
        return [Error(message, hint=hint, id="kaireon.E011")]
    return []


def require_sound_configuration() -> None:
    """Raise ConfigurationError with the first error of the checks above: a server does not run Django's checks itself.

    Without this a production server would sign sessions with a key that everybody can read here.
    """
    errors = [message for message in checks.run_checks(tags=[Tags.security]) if message.is_serious()]
    if errors:
        raise ConfigurationError(f"{errors[0].msg} {errors[0].hint or ''} ({errors[0].id})".replace("  ", " "))
