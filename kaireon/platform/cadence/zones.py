"""Time zones by their IANA name."""

from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from kaireon.platform.cadence.cron import CadenceError

# Files that stand beside the zones in some systems' databases; they mean something else on every machine.
_NO_ZONES: Final = ("posix/", "right/", "localtime", "posixrules", "Factory", "leapseconds")


@cache
def _names() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if not name.startswith(_NO_ZONES))


def zone_names() -> list[str]:
    """Return the name of every zone, sorted."""
    return sorted(_names())


def load_zone(name: str) -> ZoneInfo:
    """Return the zone, such as `Europe/Berlin` or `UTC`; raise CadenceError naming `timezone` for anything else."""
    if name not in _names():
        shown = name if len(name) <= 64 and name.isprintable() else f"{name[:32]!r}…"
        raise CadenceError("timezone", f"There is no time zone {shown}. Give an IANA name such as Europe/Berlin.")
    return ZoneInfo(name)
