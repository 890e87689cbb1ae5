"""Prepare a process's environment before Django reads it: the data folder, generated secrets, the embedded database.

`manage.py`, the WSGI module and `kaireon.launch` call `prepare()` first; `settings.py` then reads plain variables.
Production (`KAIREON_ENV=production`) generates nothing: a missing secret stays missing and a system check refuses it.
"""

import base64
import fcntl
import os
import secrets
import tempfile
from pathlib import Path

from kaireon.platform.embedded_postgres import EmbeddedServer
from kaireon.platform.env import ConfigurationError

PRODUCTION, DEVELOPMENT = "production", "development"
SECRETS_FILE = "secrets.env"
ADMIN_PASSWORD = "KAIREON_ADMIN_PASSWORD"  # noqa: S105 - the variable's name
DEMO_API_KEY = "KAIREON_API_KEY"


def _token() -> str:
    return secrets.token_urlsafe(36)


def _vault_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _api_key() -> str:
    return "krn_" + secrets.token_urlsafe(32)


def _password() -> str:
    return secrets.token_urlsafe(12)


GENERATED = {
    "SECRET_KEY": _token,
    "API_KEY_PEPPER": _token,
    "CONNECTOR_ENCRYPTION_KEY": _vault_key,
    "CRON_TOKEN": _token,
    "CRON_SECRET": _token,
    ADMIN_PASSWORD: _password,
    DEMO_API_KEY: _api_key,
}


MAY_BE_EMPTY = {"CRON_TOKEN", "CRON_SECRET"}


def is_production() -> bool:
    """Tell whether this process runs with KAIREON_ENV=production.

    Raises ConfigurationError for a word that is neither: `prod` must not start with development's manners.
    """
    word = os.environ.get("KAIREON_ENV", "").strip().lower() or DEVELOPMENT
    if word not in {PRODUCTION, DEVELOPMENT}:
        raise ConfigurationError(f"KAIREON_ENV must be {PRODUCTION} or {DEVELOPMENT}, not {word!r}.")
    return word == PRODUCTION


def data_folder() -> Path:
    """Return the absolute data folder, from KAIREON_DATA_DIR (`.kaireon` in the working folder by default)."""
    return Path(os.environ.get("KAIREON_DATA_DIR") or ".kaireon").absolute()


def prepare() -> EmbeddedServer | None:
    """Fill in what the environment leaves unset and return the embedded server, or None with DATABASE_URL.

    Development secrets are generated once and kept in the data folder with mode 600. Raises ConfigurationError.
    """
    if is_production():
        return None
    folder = data_folder()
    make_data_folder(folder)
    for name, value in load_or_generate_secrets(folder).items():
        if not _is_chosen(name):
            os.environ[name] = value
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        return None
    server = EmbeddedServer(folder / "postgres")
    os.environ["DATABASE_URL"] = server.start()
    return server


def _is_chosen(name: str) -> bool:
    # Empty means "off" for the cron routes alone; nothing runs without the other secrets.
    if name in MAY_BE_EMPTY:
        return name in os.environ or f"{name}_FILE" in os.environ
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def make_data_folder(folder: Path) -> None:
    """Create the data folder and prove that it can be written; raise ConfigurationError when it cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A file of this process alone: others may start in the same moment.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {folder} cannot be written: {error.strerror}. Set KAIREON_DATA_DIR to one that can."
        ) from error


def load_or_generate_secrets(folder: Path) -> dict[str, str]:
    """Return the development secrets kept in `folder`, adding those that are missing; the file has mode 600."""
    path = folder / SECRETS_FILE
    try:
        # Two processes may start together; the second one finds what the first one wrote.
        with (folder / ".secrets.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = _read(path)
            missing = {name: make() for name, make in GENERATED.items() if name not in kept}
            if missing:
                _write(path, kept | missing)
            return kept | missing
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read or written: {error}") from error


def _write(path: Path, pairs: dict[str, str]) -> None:
    # A file that replaces the old one whole: a process killed here leaves no half a secret.
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in pairs.items())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    pairs: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator:
            pairs.setdefault(name.strip(), value.strip())
    return pairs
