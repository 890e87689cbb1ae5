"""API keys: `krn_` and 43 random characters; stored as HMAC-SHA256 with the pepper API_KEY_PEPPER."""

import hashlib
import hmac
import secrets

from django.conf import settings

PREFIX = "krn_"
SHOWN_LENGTH = 12


def generate_key() -> str:
    """Return a fresh key with 256 bits of randomness."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """Return the hex HMAC under which a key is stored; a stolen table is useless without the pepper."""
    return hmac.new(settings.API_KEY_PEPPER.encode(), key.encode(), hashlib.sha256).hexdigest()


def shown_prefix(key: str) -> str:
    """Return the part of a key that pages show, enough to tell keys apart."""
    return key[:SHOWN_LENGTH]
