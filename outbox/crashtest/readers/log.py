"""Read the event log back: the lines that were appended since the test began."""

from collections.abc import Iterator
from pathlib import Path

from outbox.crashtest.judging import Delivered
from outbox.crashtest.readers.base import BackendUnreadable, from_structured


class LogReader:
    """The file; its lines stay in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = 0

    def begin(self, topic: str) -> None:
        """Note where the file ends now."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                self._start = file.tell() if self._path.is_file() else -1
        except OSError as error:
            raise BackendUnreadable(f"The event log {self._path} cannot be written: {error.strerror}.") from None
        if self._start < 0:
            raise BackendUnreadable(f"{self._path} is no regular file and cannot be read back; set OUTBOX_LOG_FILE.")

    def read(self, topic: str) -> Iterator[Delivered]:
        """Yield the events of the lines since then."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._start)
                for line in file:
                    if event := from_structured(line.decode("utf-8", errors="replace"), topic):
                        yield event
        except OSError as error:
            raise BackendUnreadable(f"The event log {self._path} cannot be read: {error.strerror}.") from None

    def end(self, topic: str) -> None:
        """Leave the lines where they are: other publishers append to the file."""
