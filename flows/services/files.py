"""The files in a run's hands: a row before each move, the move, the row after it.

So whoever finds a run dead knows of every file where it may be, and calls the same move again: a store finishes what
an earlier call began. The unique index on open rows keeps a version of a file out of two runs' hands.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from flows.decisions.vocabulary import FileState
from flows.models import PipelineRun, RunFile
from flows.services.claims import Claim, LeaseLost, fence
from flows.services.sourcing import OpenSource
from flows.storage.base import FileGone, PlaceTaken, StorageError, StoredFile
from flows.storage.folders import failure_key, restored_key, staged_key, success_key
from kaireon.platform.ids import new_id
from kaireon.platform.notifications.services.dispatch import Clock
from kaireon.platform.tenancy.scoping import TenantQuerySet

logger = logging.getLogger(__name__)

MOST_PLACES: Final = 1_000
OPEN: Final = [state for state in FileState if state.is_open]
GONE: Final = "It was gone when the run came to move it."
REPLACED: Final = "It was never taken, and another file has come in its place or it is gone."
# Stores list and show times with more or fewer digits.
CLOSE: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Hand:
    """Takes and gives back the files of one run; every row it writes is the run's."""

    claim: Claim
    run: PipelineRun
    clock: Clock
    # Called between two files; raises when the run is to stop.
    check: Callable[[], None]

    def take(self, source: OpenSource, files: Sequence[StoredFile]) -> list[RunFile]:
        """Claim files and move them to the staging folder, before a byte of them is read; return what was taken.

        Left out is what another run has in its hands, and what somebody moved away meanwhile. Raises StorageError,
        LeaseLost.
        """
        rows = self._claim(source, files, is_control=False)
        return [row for row in rows if self._stage(source, row)]

    def claim_control(self, source: OpenSource, file: StoredFile) -> list[RunFile]:
        """Claim the control file of a run that ends, where it lies; return it, or nothing if another run has it."""
        return self._claim(source, [file], is_control=True)

    def put_back(self, source: OpenSource, rows: Sequence[RunFile]) -> None:
        """Move files back to where they lay, or beside what has come there since. Raises StorageError."""
        self._carry_all(source, rows, FileState.RESTORED, lambda row, attempt: (
            row.key if attempt == 1 else restored_key(source.folder, _name(row), attempt=attempt)
        ))  # fmt: skip

    def archive(self, source: OpenSource, rows: Sequence[RunFile], *, at: datetime) -> None:
        """Move files whose rows are committed to the success folder. Raises StorageError."""
        folder = source.node.config.atomicity.success_folder
        self._carry_all(source, rows, FileState.ARCHIVED, lambda row, attempt: (
            success_key(source.folder, folder, _name(row), now=at, attempt=attempt)
        ))  # fmt: skip

    def set_aside(self, source: OpenSource, rows: Sequence[RunFile], *, at: datetime) -> None:
        """Move the files of a run that failed to the failure folder. Raises StorageError."""
        folder = source.node.config.atomicity.failure_folder
        self._carry_all(source, rows, FileState.FAILED, lambda row, attempt: (
            failure_key(source.folder, folder, _name(row), now=at, attempt=attempt)
        ))  # fmt: skip

    def _claim(self, source: OpenSource, files: Sequence[StoredFile], *, is_control: bool) -> list[RunFile]:
        now = self.clock()
        # A microsecond apart, so that they keep their order.
        times = (now + timedelta(microseconds=number) for number in range(len(files)))
        rows = [self._row(source, file, at, is_control=is_control) for file, at in zip(files, times, strict=True)]
        with transaction.atomic():
            fence(self.claim)
            RunFile.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1_000)
        ids = [row.pk for row in rows]
        taken = set(RunFile.objects.for_tenant(self.run.tenant_id).filter(pk__in=ids).values_list("pk", flat=True))
        return [row for row in rows if row.pk in taken]

    def _row(self, source: OpenSource, file: StoredFile, now: datetime, *, is_control: bool) -> RunFile:
        row = RunFile(
            id=new_id(), tenant_id=self.run.tenant_id, run=self.run, pipeline_id=self.run.pipeline_id,
            node_id=source.node.id, store=file.store, key=file.key, identity=file.identity, size_bytes=file.size,
            modified_at=file.modified_at, is_control=is_control, created_at=now, updated_at=now,
        )  # fmt: skip
        if source.store.can_move:
            folder = source.node.config.atomicity.staging_folder
            # The end of a UUIDv7 is what differs between two of one moment.
            row.staged_key = staged_key(source.folder, folder, file.name, token=row.pk.hex[-12:], now=now)
        return row

    def _stage(self, source: OpenSource, row: RunFile) -> bool:
        self.check()
        if not source.store.can_move:
            return True
        try:
            source.store.move(row.key, row.staged_key)
        except FileGone:
            self._set(row, FileState.LEFT, error=GONE)
            return False
        try:
            self._set(row, FileState.STAGED)
        except LeaseLost:
            # Somebody took the run over while this process slept, and has put the file back, as he believes.
            self._return(source, row)
            raise
        return True

    def _return(self, source: OpenSource, row: RunFile) -> None:
        """Move a file out of the staging folder again of which no row speaks any more."""
        places = (restored_key(source.folder, _name(row), attempt=attempt) for attempt in range(2, MOST_PLACES))
        for place in (row.key, *places):
            try:
                source.store.move(row.staged_key, place)
            except PlaceTaken:
                continue
            except FileGone:
                logger.warning("staged file gone", extra={"event": "flows.staged_gone", "runId": str(self.run.pk)})
            return

    def _carry_all(
        self, source: OpenSource, rows: Sequence[RunFile], state: FileState, place: Callable[[RunFile, int], str]
    ) -> None:
        for row in rows:
            self.check()
            if not source.store.can_move:
                self._set(row, FileState.LEFT)
            else:
                self._carry(source, row, state, place)

    def _carry(self, source: OpenSource, row: RunFile, state: FileState, place: Callable[[RunFile, int], str]) -> None:
        here = self._where(source, row)
        if here == row.key and state is FileState.RESTORED:
            self._set(row, state, final_key=row.key)
            return
        if here == row.key and not _is_same(row, source.store.stat(here)):
            self._set(row, FileState.LEFT, error=REPLACED)
            return
        for attempt in range(1, MOST_PLACES):
            # What an earlier try began is finished first.
            target = row.final_key if attempt == 1 and row.final_key else place(row, attempt)
            if target != row.final_key:
                self._set(row, FileState(row.state), final_key=target)
            try:
                source.store.move(here, target)
            except PlaceTaken:
                continue
            except FileGone:
                seen = _seen_as(source, state, target)
                is_there = bool(seen) or source.store.stat(target) is not None
                self._set(row, state if is_there else FileState.LEFT, error="" if is_there else GONE, **seen)
                return
            self._set(row, state, **_seen_as(source, state, target))
            return
        raise StorageError(f"No place is free for {row.key}: {MOST_PLACES} files of that name are there already.")

    def _where(self, source: OpenSource, row: RunFile) -> str:
        """Return where the file lies: of one that was claimed only, nobody knows whether it has been moved."""
        if row.state != FileState.CLAIMED:
            return row.staged_key
        if source.store.stat(row.staged_key) is None:
            return row.key
        try:
            # A copy whose original was not removed yet.
            source.store.move(row.key, row.staged_key)
        except (FileGone, PlaceTaken):
            # It was moved whole; what lies in its old place came later.
            logger.info("staged whole", extra={"event": "flows.staged_whole", "runId": str(self.run.pk)})
        return row.staged_key

    def _set(self, row: RunFile, state: FileState, **changes: str) -> None:
        """Write a row that is still open; raise LeaseLost when somebody has closed it: the run is his."""
        rows: TenantQuerySet[RunFile] = RunFile.objects.for_tenant(self.run.tenant_id)
        changes_of = {"state": state, "updated_at": self.clock(), **changes}
        if not rows.filter(pk=row.pk, state__in=OPEN).update(**changes_of):
            raise LeaseLost
        for name, value in changes_of.items():
            setattr(row, name, value)


def open_files(run: PipelineRun) -> list[RunFile]:
    """Return the files that are still in the run's hands, in the order in which it took them."""
    rows = RunFile.objects.for_tenant(run.tenant_id).filter(run=run, state__in=OPEN)
    return list(rows.order_by("created_at", "pk"))


def _name(row: RunFile) -> str:
    return row.key.rpartition("/")[2]


def _seen_as(source: OpenSource, state: FileState, key: str) -> dict[str, str]:
    """Return as what a file is seen that was put back: some stores make a new version of it, which is no news."""
    found = source.store.stat(key) if state is FileState.RESTORED else None
    return {} if found is None else {"identity": found.identity}


def _is_same(row: RunFile, found: StoredFile | None) -> bool:
    """Tell whether a file is the one that was claimed."""
    if found is None or found.size != row.size_bytes:
        return False
    if found.modified_at is None or row.modified_at is None:
        return True
    return abs(found.modified_at - row.modified_at) < CLOSE
