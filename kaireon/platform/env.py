"""Read configuration from the environment: plain variables, and `X_FILE` for secrets mounted as files."""

import os
import re
from collections.abc import Collection, MutableMapping
from pathlib import Path
from typing import Any

import environ

SWITCHES = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class ConfigurationError(Exception):
    """Say in one line which variable is wrong and what to set; commands exit 2 with it."""


class MountedSecretsEnv(environ.Env):  # type: ignore[misc]
    """Read `X` from the environment, or from the file that `X_FILE` names (Docker and Kubernetes secrets).

    Values are literal: `$ConnectionString` is a user's name of Azure, and `$` begins no other variable's name.
    """

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        super().__init__()
        self.ENVIRON = os.environ if environment is None else environment

    def get_value(
        self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, parse_default: bool = False
    ) -> Any:
        """Return the value of `var` as `cast` says, as environ does, which takes `$X` for the value of X."""
        given = self.ENVIRON.get(var, "")
        if given.startswith("$"):
            return self.parse_value(given, cast)
        return super().get_value(var, cast=cast, default=default, parse_default=parse_default)

    def secret(self, name: str, default: str = "") -> str:
        """Return the value of `name`, or the content of the file `name_FILE`, without surrounding white space.

        Raises ConfigurationError when the file cannot be read, or when both are set: guessing which one
        was meant would start production with the wrong secret.
        """
        value = self.ENVIRON.get(name, "")
        path = self.ENVIRON.get(f"{name}_FILE", "")
        if value and path:
            raise ConfigurationError(f"{name} and {name}_FILE are both set; keep one of them.")
        if not path:
            return value or default
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{name}_FILE names {path}, which cannot be read: {error}") from error

    def number(self, name: str, default: int, *, minimum: int, maximum: int = 2**31 - 1) -> int:
        """Return the whole number in `name`; raise ConfigurationError when it is none or out of bounds."""
        text = self.ENVIRON.get(name, "").strip()
        if not text:
            return default
        try:
            value = int(text)
        except ValueError:
            raise ConfigurationError(f"{name} must be a whole number, not {text!r}.") from None
        if not minimum <= value <= maximum:
            raise ConfigurationError(f"{name} must be between {minimum} and {maximum}, not {value}.")
        return value

    def choice(self, name: str, default: str, *, among: Collection[str]) -> str:
        """Return the word in `name`, in upper case; raise ConfigurationError when it is none of `among`."""
        word = self.ENVIRON.get(name, "").strip().upper() or default
        if word not in among:
            raise ConfigurationError(f"{name} must be one of {', '.join(among)}, not {word!r}.")
        return word

    def switch(self, name: str, *, default: bool) -> bool:
        """Return whether `name` says yes; unset or empty is the default, and another word a ConfigurationError."""
        word = self.ENVIRON.get(name, "").strip().lower()
        if not word:
            return default
        if word not in SWITCHES:
            raise ConfigurationError(f"{name} must be true or false, not {word!r}.")
        return SWITCHES[word]

    def rate(self, name: str, default: str) -> str:
        """Return a rate such as `6000/min`; raise ConfigurationError for another form."""
        rate = self.ENVIRON.get(name, "").strip() or default
        if not re.fullmatch(r"[1-9][0-9]{0,8}/(s|sec|second|m|min|minute|h|hour|d|day)", rate):
            raise ConfigurationError(f"{name} must be like 6000/min or 100/s, not {rate!r}.")
        return rate

    def words(self, name: str) -> list[str]:
        """Return the comma-separated words of `name`, without blanks."""
        return [word.strip() for word in self.ENVIRON.get(name, "").split(",") if word.strip()]
