"""Fire what waits for files in folders of this machine, within a second of their arrival.

The kernel says which names changed, the store is asked what they are, and the files go the way of every other file:
`arrive`. What the kernel forgets to say, the tick's poll finds.
"""

import logging
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from flows.services.placing import open_watched
from flows.storage.base import StorageError, Store, StoredFile
from kaireon.platform.loops import StopSignal
from triggers.decisions.vocabulary import TriggerState, Via
from triggers.models import FileTrigger, WatchedFolder
from triggers.services.arriving import arrive
from triggers.services.folder_watch import Changes, FolderWatch
from triggers.services.matching import files_by_trigger

logger = logging.getLogger(__name__)

LOCAL: Final = "local_fs"
# How long a saved trigger, or a folder that has come to be, waits until it is watched.
FOLLOW_SECONDS: Final = 2.0
FAILED_SECONDS: Final = 5.0
# More names than that, and reading the folder once costs less than asking for each.
MANY_NAMES: Final = 200
MOST_FILES: Final = 1_000_000


class Pending:
    """What is to be looked at: names in folders, or None for a folder as a whole; in the order in which it came."""

    def __init__(self) -> None:
        self._folders: dict[str, set[str] | None] = {}

    def add(self, changes: Changes) -> None:
        """Take over what was told."""
        for folder, names in changes.names.items():
            known = self._folders.setdefault(folder, set())
            if known is not None:
                known |= names
                self._folders[folder] = known if len(known) <= MANY_NAMES else None
        self.add_whole(changes.unsure)

    def add_whole(self, folders: Iterable[str]) -> None:
        """Have folders looked through."""
        self._folders |= dict.fromkeys(folders)

    @contextmanager
    def first(self) -> Iterator[tuple[str, set[str] | None] | None]:
        """Yield what is next and forget it, unless the block fails: then it stands at the end of the line."""
        folder = next(iter(self._folders), None)
        if folder is None:
            yield None
            return
        names = self._folders.pop(folder)
        try:
            yield folder, names
        except BaseException:
            self._folders[folder] = names
            raise


class Watcher:
    """Looks at what the kernel tells; a step handles all that was told, a pause waits for more."""

    def __init__(self, *, watch: FolderWatch, stopping: StopSignal, clock: Callable[[], datetime]) -> None:
        self._watch = watch
        self._stopping = stopping
        self._clock = clock
        self._pending = Pending()
        self._follow_at = 0.0

    def step(self) -> bool:
        """Follow what is to be watched, and take in what has come; never tells that there is more to do."""
        if time.monotonic() >= self._follow_at:
            folders = WatchedFolder.objects.across_tenants().filter(kind=LOCAL)
            self._pending.add_whole(self._watch.follow(set(folders.values_list("folder", flat=True))))
            self._follow_at = time.monotonic() + FOLLOW_SECONDS
        while self._take_next():
            continue
        return False

    def pause(self, has_failed: bool) -> None:
        """Wait until something happens, and not longer than until it is time to follow again."""
        if has_failed:
            self._stopping.wait(FAILED_SECONDS)
        seconds = max(0.0, self._follow_at - time.monotonic())
        self._pending.add(self._watch.wait(min(seconds, FOLLOW_SECONDS), self._stopping))

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    def _take_next(self) -> bool:
        # A database that is away must not make anybody forget a file.
        with self._pending.first() as found:
            if found is None or self._stopping.is_set():
                return False
            take_in(*found, now=self._clock())
            return True


def take_in(folder: str, names: Collection[str] | None, *, now: datetime) -> None:
    """Look at files of a folder of this machine, at all of them for None, and fire what waits for them.

    A folder that cannot be read is left to the tick's poll, which tells of it.
    """
    triggers = FileTrigger.objects.across_tenants().filter(
        folder__kind=LOCAL, folder__folder=folder, state=TriggerState.ACTIVE
    )
    by_folder: dict[uuid.UUID, list[FileTrigger]] = {}
    for trigger in triggers.select_related("folder").order_by("pk"):
        # With whose rights it is read is the folder's matter, not the path's.
        by_folder.setdefault(trigger.folder_id or trigger.pk, []).append(trigger)
    for watching in by_folder.values():
        try:
            _take_in(watching, folder, names, now)
        except StorageError as error:
            fields = {"event": "watcher.unreadable", "folder": folder, "reason": error.message}
            logger.info("a watched folder cannot be read", extra=fields)


def _take_in(watching: list[FileTrigger], folder: str, names: Collection[str] | None, now: datetime) -> None:
    with open_watched(watching[0].pipeline_id) as opened:
        if names is None:
            files = list(opened.store.list_folder(folder, limit=MOST_FILES))
        else:
            files = list(_stat(opened.store, folder, names))
    # A folder that is looked through shows what was seen before too, as a poll does.
    via = Via.POLL if names is None else Via.INOTIFY
    for trigger, meant in files_by_trigger(watching, files, now=now):
        arrive(trigger_id=trigger.pk, files=meant, via=via, now=now)


def _stat(store: Store, folder: str, names: Iterable[str]) -> Iterator[StoredFile]:
    for name in sorted(names):
        found = store.stat(f"{folder.rstrip('/')}/{name}")
        if found is not None:
            yield found
