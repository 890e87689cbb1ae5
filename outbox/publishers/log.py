"""`EVENT_PUBLISHER=log`: one JSON line per event, appended to a file and synced; the default on one machine."""

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from outbox.decisions.outcomes import NOT_SENT, SENT, Outcome
from outbox.publishers.base import BackendDown, Event, TimeLeft
from outbox.publishers.structured import structured

_LOCK_RETRY_SECONDS: Final = 0.002


class LogPublisher:
    """Append each event as a structured CloudEvent with the envelope as its data.

    Several publishers may append to one file. A path that is no regular file, such as `/dev/stdout`, is written to
    as it is: without lock, repair and sync.
    """

    name = "log"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1
        self._inode = -1
        self._is_regular = True

    def publish(self, events: Sequence[Event], time_left: TimeLeft) -> Sequence[Outcome]:
        """Append the batch whole and sync it, or raise BackendDown and leave the file as it was."""
        if not events or time_left.remaining() <= 0:
            return [NOT_SENT] * len(events)
        try:
            self._append("".join([f"{structured(event)}\n" for event in events]).encode(), time_left)
        except OSError as error:
            self.close()
            raise BackendDown(f"The event log cannot be written: {error.strerror}") from error
        return [SENT] * len(events)

    def close(self) -> None:
        """Close the file; the next batch opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, data: bytes, time_left: TimeLeft) -> None:
        self._open()
        if not self._is_regular:
            _write(self._descriptor, data)
            return
        with _locked(self._descriptor, time_left):
            before = os.fstat(self._descriptor).st_size
            # Whoever was killed half-way through a line must not spoil the next one.
            is_whole = before == 0 or os.pread(self._descriptor, 1, before - 1) == b"\n"
            try:
                _write(self._descriptor, data if is_whole else b"\n" + data)
            except OSError:
                # The disk is full: what fitted would be there twice after the next attempt.
                os.ftruncate(self._descriptor, before)
                raise
        os.fdatasync(self._descriptor)

    def _open(self) -> None:
        if self._descriptor >= 0 and self._is_moved_away():
            self.close()
        if self._descriptor >= 0:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        self._is_regular = is_new or self.path.is_file()
        access = os.O_RDWR if self._is_regular else os.O_WRONLY
        self._descriptor = os.open(self.path, access | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        status = os.fstat(self._descriptor)
        self._inode, self._is_regular = status.st_ino, stat.S_ISREG(status.st_mode)
        if is_new:
            _sync_folder(self.path.parent)

    def _is_moved_away(self) -> bool:
        try:
            return self._is_regular and self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True


@contextlib.contextmanager
def _locked(descriptor: int, time_left: TimeLeft) -> Iterator[None]:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time_left.remaining() <= 0:
                raise
            time.sleep(_LOCK_RETRY_SECONDS)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    # A new file's name is in its folder, which is synced apart from the file.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
