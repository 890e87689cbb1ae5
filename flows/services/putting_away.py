"""Put a control file away that several pipelines' runs have read: no single run has it in its hands."""

from datetime import datetime
from typing import Final

from flows.services.placing import WatchAccess, opened_watched
from flows.storage.base import FileGone, PlaceTaken, StorageError
from flows.storage.folders import failure_key, success_key

MOST_PLACES: Final = 1_000


def put_away(watch: WatchAccess, key: str, identity: str, *, is_failed: bool, at: datetime) -> bool:
    """Move a file to the success or the failure folder of the source that watches for it; no database.

    Return whether it was moved: one that is gone, or another by now, is left alone, and so is what cannot be moved.
    Raises StorageError.
    """
    with opened_watched(watch) as opened:
        found = opened.store.stat(key) if opened.store.can_move else None
        if found is None or found.identity != identity:
            return False
        for attempt in range(1, MOST_PLACES):
            if is_failed:
                to = failure_key(
                    opened.folder, watch.atomicity.failure_folder, found.name, now=at, attempt=attempt
                )  # fmt: skip
            else:
                to = success_key(opened.folder, watch.atomicity.success_folder, found.name, now=at, attempt=attempt)
            try:
                opened.store.move(key, to)
            except PlaceTaken:
                continue
            except FileGone:
                return False
            return True
    raise StorageError(f"No place is free for {key}: {MOST_PLACES} files of that name are there already.")
