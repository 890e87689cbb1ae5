"""Check the text of one variable of a back end and say what is wrong with it."""

import re

from kaireon.platform.env import ConfigurationError


def required(name: str, value: str, pattern: str, meaning: str) -> str:
    """Return the value; raise ConfigurationError when it is missing or not of the form. `meaning` ends the line."""
    if not value.strip():
        raise ConfigurationError(f"{name} is missing; set it to {meaning}.")
    return matching(name, value, pattern, meaning)


def matching(name: str, value: str, pattern: str, meaning: str, *, default: str = "") -> str:
    """Return the value, or the default without one; raise ConfigurationError when it is not of the form.

    The value is not repeated: an address may hold a password.
    """
    value = value.strip()
    if not value:
        return default
    if not re.fullmatch(pattern, value):
        raise ConfigurationError(f"{name} must be {meaning}.")
    return value
