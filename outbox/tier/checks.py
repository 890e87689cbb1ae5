"""What is proved before a publisher starts, so that a wrong setting ends it with its name and not with a loop."""

import re
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from kaireon.platform.env import ConfigurationError, MountedSecretsEnv
from outbox.tier.settings import TierSettings

_WRONG_ADDRESS: Final = (
    "OUTBOX_LISTEN_URL is no address of a PostgreSQL server. It is like postgres://user:password@host:5432/name,"
    " with %40 and %2F for @ and / in the password."
)
# As libpq reads it: user and password end at the first @, the server at the first / after it, the name at a ?.
_PARTS: Final = re.compile(r"[^:]*://(?:[^@/]*@)?(?P<server>[^/?]*)(?P<path>[^?]*)")


def check_startup(settings: TierSettings, env: MountedSecretsEnv) -> None:
    """Raise ConfigurationError that names the variable; an address is never repeated, for its password's sake."""
    address = env.secret("OUTBOX_LISTEN_URL")
    if address and not is_sound_address(address):
        raise ConfigurationError(_WRONG_ADDRESS)
    if settings.liveness_file is not None:
        _require_writable(settings.liveness_file)


def is_sound_address(address: str) -> bool:
    """Tell whether `address` is read as it was meant: the driver prints what it takes for a host or a port.

    In postgres://kai:pa/ss@db/kaireon it takes `pa` for the port of the host `kai`.
    """
    try:
        parts = conninfo_to_dict(address)
    except psycopg.Error:
        return False
    places = _PARTS.match(address)
    is_split_well = places is None or "@" not in places["server"] + places["path"]
    ports = str(parts.get("port") or "").split(",")
    return bool(parts) and is_split_well and all(not port or port.isdecimal() for port in ports)


def _require_writable(liveness_file: Path) -> None:
    try:
        liveness_file.touch()
    except OSError as error:
        raise ConfigurationError(f"OUTBOX_LIVENESS_FILE {liveness_file} cannot be written: {error.strerror}.") from None
