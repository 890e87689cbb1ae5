"""What a store is: list, look, move, fetch. A store never reads or writes outside of what it was opened for."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


class StorageError(Exception):
    """A store refused, or is away. The message names the key and what to do, never a secret.

    `is_transient`: the same may go well later; else nothing changes until a person changes something.
    """

    def __init__(self, message: str, *, is_transient: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_transient = is_transient


class PlaceTaken(StorageError):
    """Something stands where a file should go; it was left alone. Try the next name."""


class FileGone(StorageError):
    """The file that should be moved or read is not there: somebody else took it."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as a store lists it. `key` is absolute within the store, with `/`; `size` in bytes, the time in UTC.

    `version` is what makes one upload differ from the next: a version id; else etag, or inode with the time in ns.
    """

    store: str
    key: str
    size: int
    modified_at: datetime | None
    version: str

    @property
    def name(self) -> str:
        """Return the last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def identity(self) -> str:
        """Return what is the same only for the same version of the same file (settled 30), 64 hexadecimal digits."""
        when = "" if self.modified_at is None else self.modified_at.isoformat()
        parts = (self.store, self.key, self.version, str(self.size), when)
        return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


class Store(Protocol):
    """One store, opened; `close` when done. Every method raises StorageError."""

    # Without secrets: `local_fs`, `s3://bucket`, `sftp://host:22`.
    name: str
    # Whether files can be moved: `http_pull` cannot.
    can_move: bool

    def list_folder(self, folder: str, *, limit: int) -> Iterator[StoredFile]:
        """Yield the files directly in a folder, never those in folders below it; a folder that is not there has none.

        Raise StorageError beyond `limit` files.
        """
        ...

    def stat(self, key: str) -> StoredFile | None:
        """Return the file, or None when there is none."""
        ...

    def move(self, key: str, to: str) -> None:
        """Move a file within the store, making folders as needed; what stands at `to` is never overwritten.

        Raise FileGone or PlaceTaken. Calling it again after a crash finishes what the first call began.
        """
        ...

    def fetch(self, key: str, into: Path, *, most_bytes: int) -> Path:
        """Return a local path with the file's bytes, a link or a copy in `into`; it is good until the store is closed.

        Raise FileGone, and StorageError beyond `most_bytes`.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
