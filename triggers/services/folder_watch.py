"""Which files appear or change in folders of this machine, as the kernel tells it (inotify, by watchfiles)."""

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from kaireon.platform.loops import StopSignal

logger = logging.getLogger(__name__)

DELETED: Final = 3
# A file is told when nothing has happened for STEP, or BATCH after the first of many.
STEP_MS: Final = 50
BATCH_MS: Final = 400
# Without inotify, folders are looked through so often; and inotify is tried again.
POLL_MS: Final = 3_000
RETRY_SECONDS: Final = 60.0
# The kernel's queue holds 16,384 events, and what does not fit is lost without a word: after so many at once,
# the folder itself is asked.
BURST: Final = 500

# A folder as the file system knows it: one that went and came back is another.
Inode = tuple[int, int]


@dataclass
class Changes:
    """What happened in folders: names of files; `unsure` are folders in which more may have happened than was told."""

    names: dict[str, set[str]] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)


class FolderWatch:
    """Watches folders, not what lies in folders below them. Used by one thread."""

    def __init__(self, *, can_use_inotify: bool = True) -> None:
        self._can_use_inotify = can_use_inotify
        self._watched: Mapping[str, Inode] = {}
        self._notify: RustNotify | None = None
        self._left = Changes()
        self._retry_at: float | None = None

    @property
    def is_polling(self) -> bool:
        """Tell whether folders are looked through instead of watched."""
        return self._retry_at is not None

    def follow(self, folders: Collection[str]) -> set[str]:
        """Watch these folders from now on, and no others; return those in which files may lie already.

        A folder that is not there is watched from the call on that finds it.
        """
        present = {folder: inode for folder in folders if (inode := _inode(folder)) is not None}
        is_time = self._retry_at is not None and time.monotonic() >= self._retry_at
        if present == self._watched and not is_time:
            return set()
        notify = self._open(sorted(present))
        if notify is None and present:
            return set()  # a folder went in this moment: the next call finds out which
        # The new one watches already: nothing falls between the two.
        self._drain()
        was = self._watched
        self._notify, self._watched = notify, present
        return {folder for folder, inode in present.items() if was.get(folder) != inode}

    def wait(self, seconds: float, stopping: StopSignal) -> Changes:
        """Return what happens, as soon as something does, or nothing after so many seconds."""
        left, self._left = self._left, Changes()
        if left.names or left.unsure:
            return left
        if self._notify is None:
            stopping.wait(seconds)
            return Changes()
        return self._read(self._notify, timeout_ms=max(1, round(seconds * 1000)), stopping=stopping)

    def close(self) -> None:
        """Stop watching."""
        if self._notify is not None:
            self._notify.close()
        self._notify, self._watched = None, {}

    def _open(self, folders: list[str]) -> RustNotify | None:
        if not folders:
            return None
        try:
            return self._open_inotify(folders) or _notify(folders, is_polling=True)
        except FileNotFoundError:
            return None

    def _open_inotify(self, folders: list[str]) -> RustNotify | None:
        """Return a watch by inotify; None when the kernel gives none, which is logged once."""
        if not self._can_use_inotify:
            return None
        try:
            notify = _notify(folders, is_polling=False)
        except FileNotFoundError:
            raise
        except (OSError, WatchfilesRustInternalError) as error:
            if self._retry_at is None:
                fields = {"event": "watcher.polling", "reason": str(error), "folders": len(folders)}
                logger.warning("folders cannot be watched by inotify and are looked through instead", extra=fields)
            self._retry_at = time.monotonic() + RETRY_SECONDS
            return None
        if self._retry_at is not None:
            logger.warning("folders are watched by inotify again", extra={"event": "watcher.watching"})
        self._retry_at = None
        return notify

    def _drain(self) -> None:
        """Keep what the old watch knows and nobody has read yet, and let go of it."""
        if self._notify is None:
            return
        last = self._read(self._notify, timeout_ms=1, stopping=None)
        for folder, names in last.names.items():
            self._left.names.setdefault(folder, set()).update(names)
        self._left.unsure |= last.unsure
        self._notify.close()

    def _read(self, notify: RustNotify, *, timeout_ms: int, stopping: StopSignal | None) -> Changes:
        changes = Changes()
        try:
            told = notify.watch(BATCH_MS, STEP_MS, timeout_ms, stopping)
        except WatchfilesRustInternalError as error:
            # A folder that cannot be read, a disk that went. Everything is watched, and looked through, anew.
            self._watched = {}
            logger.warning("a watch of folders broke", extra={"event": "watcher.broke", "reason": str(error)})
            return changes
        if isinstance(told, str):
            return changes
        for kind, path in told:
            folder, _, name = path.rpartition("/")
            if path in self._watched:
                # It went, or was moved away: what has its name from now on is looked at anew.
                self._watched = {each: inode for each, inode in self._watched.items() if each != path}
            elif folder in self._watched and kind != DELETED:
                changes.names.setdefault(folder, set()).add(name)
        changes.unsure = {folder for folder, names in changes.names.items() if len(names) >= BURST}
        return changes


def _notify(folders: list[str], *, is_polling: bool) -> RustNotify:
    return RustNotify(
        watch_paths=folders, debug=False, force_polling=is_polling, poll_delay_ms=POLL_MS, recursive=False,
        ignore_permission_denied=True,
    )  # fmt: skip


def _inode(folder: str) -> Inode | None:
    try:
        found = Path(folder).stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if Path(folder).is_dir() else None
