"""Where a file lies while it is read, after success and after failure. Pure: names only.

Every folder is relative to the source's own and stays below it. A name is never used twice: the staged one carries
the run's token, an archived one gets `-2`, `-3`, … when its place is taken.
"""

import re
from datetime import UTC, datetime
from typing import Final

from flows.storage.base import StorageError
from flows.storage.keys import LONGEST_PART, shown, split_key

_TOKENS: Final = {
    "{YYYY-MM-DD}": "%Y-%m-%d",
    "{YYYYMMDD}": "%Y%m%d",
    "{YYYY}": "%Y",
    "{MM}": "%m",
    "{DD}": "%d",
    "{HH}": "%H",
    "{mm}": "%M",
    "{ss}": "%S",
}
_TOKEN: Final = re.compile("|".join(re.escape(token) for token in _TOKENS))


def expand_tokens(template: str, at: datetime) -> str:
    """Return a template with its date tokens as they read at a moment, in that moment's own time zone."""
    return _TOKEN.sub(lambda found: at.strftime(_TOKENS[found[0]]), template)


def staged_key(folder: str, staging_folder: str, name: str, *, token: str, now: datetime) -> str:
    """Return where a file waits while it is read. `token` tells this claim from every other, so the place is free."""
    return _below(folder, staging_folder, _cut(f"{_plain(token)}-", _plain(name)), now)


def success_key(folder: str, success_folder: str, name: str, *, now: datetime, attempt: int = 1) -> str:
    """Return where a file is archived; `attempt` counts up while the place is taken. Date tokens are read in UTC."""
    return _below(folder, success_folder, _numbered(_plain(name), attempt), now)


def failure_key(folder: str, failure_folder: str, name: str, *, now: datetime, attempt: int = 1) -> str:
    """Return where a file of a failed run goes; `attempt` counts up while the place is taken."""
    return _below(folder, failure_folder, _numbered(_plain(name), attempt), now)


def restored_key(folder: str, name: str, *, attempt: int = 1) -> str:
    """Return where a staged file goes back to: its own place, and a numbered one once that is taken."""
    return _joined(folder, [_numbered(_plain(name), attempt)])


def _below(folder: str, template: str, name: str, now: datetime) -> str:
    if template.startswith("/"):
        raise StorageError(f"The folder {shown(template)} must be relative to the source's path.")
    parts = split_key(expand_tokens(template, now.astimezone(UTC)))
    if not parts:
        raise StorageError("A folder for files that were read must have a name.")
    return _joined(folder, [*parts, name])


def _joined(folder: str, parts: list[str]) -> str:
    base = "/".join(split_key(folder))
    start = "/" if folder.startswith("/") else ""
    return start + "/".join([base, *parts] if base else parts)


def _plain(name: str) -> str:
    if "/" in name or name in {"", ".", ".."} or not split_key(name):
        raise StorageError(f"{shown(name)} is no name of a file.")
    return name


def _numbered(name: str, attempt: int) -> str:
    """Return `orders-2.csv.gz` for the second attempt: the number stands before the first ending."""
    if attempt <= 1:
        return name
    stem, dot, ending = name[1:].partition(".")
    return _cut("", f"{name[0]}{stem}-{attempt}{dot}{ending}")


def _cut(start: str, name: str) -> str:
    """Return a start and a name in at most 255 bytes; the name loses at its front, since its ending says what it is."""
    while len((start + name).encode()) > LONGEST_PART:
        name = name[1:]
    return start + name
