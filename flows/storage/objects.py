"""What stores of objects have in common: keys instead of folders, and a move that is a copy and a removal."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol
from uuid import uuid4

from flows.storage.base import FileGone, PlaceTaken, StorageError, StoredFile
from flows.storage.keys import folder_key, key_problem, shown, split_key

CHUNK: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Looked:
    """An object as it is now: `content` is equal for equal bytes, `origin` names what it was copied from."""

    file: StoredFile
    content: str = ""
    origin: str = ""


class Readable(Protocol):
    """Bytes of an object, as they come."""

    def read(self, size: int) -> bytes:
        """Return at most so many bytes, none at the end."""
        ...


class ObjectStore(ABC):
    """The one way to list, move and fetch; a store says how to look, copy, remove and read."""

    name = ""
    can_move = True

    @abstractmethod
    def _entries(self, prefix: str) -> Iterator[StoredFile]:
        """Yield the objects whose key begins with a prefix and has no further `/`. Raises StorageError."""

    @abstractmethod
    def _look(self, key: str) -> Looked | None:
        """Return an object, None when there is none. Raises StorageError."""

    @abstractmethod
    def _copy(self, source: Looked, to: str) -> None:
        """Copy this very version to a free key. Raises PlaceTaken, FileGone and StorageError."""

    @abstractmethod
    def _remove(self, source: Looked) -> None:
        """Remove this very version. Raises StorageError."""

    @abstractmethod
    def _read(self, source: Looked) -> Readable:
        """Return the bytes of this very version. Raises StorageError."""

    def list_folder(self, folder: str, *, limit: int) -> Iterator[StoredFile]:
        """Yield the objects directly in a folder; those whose names no other store could keep are left out."""
        prefix = folder_key(folder)
        found = (file for file in self._entries(prefix) if not key_problem(file.key) and not file.key.endswith("/"))
        for count, file in enumerate(found):
            if count >= limit:
                raise StorageError(f"{shown(folder)} holds more than {limit} files; archive some of them.")
            yield file

    def stat(self, key: str) -> StoredFile | None:
        """Return the object, or None when there is none."""
        found = self._look(_object_key(key))
        return None if found is None else found.file

    def move(self, key: str, to: str) -> None:
        """Copy to a free key and remove the first. A copy that a crash left without its removal is finished.

        Raises FileGone and PlaceTaken.
        """
        source = self._look(_object_key(key))
        if source is None:
            raise FileGone(f"{shown(key)} is not there.")
        target = _object_key(to)
        standing = self._look(target)
        if standing is None:
            self._copy(source, target)
        elif not _is_copy(standing, source):
            raise PlaceTaken(f"{shown(to)} is taken.")
        self._remove(source)

    def fetch(self, key: str, into: Path, *, most_bytes: int) -> Path:
        """Write the object into a new file. Raises FileGone, and StorageError for one too large or cut short."""
        source = self._look(_object_key(key))
        if source is None:
            raise FileGone(f"{shown(key)} is not there.")
        if source.file.size > most_bytes:
            raise StorageError(f"{shown(key)} is larger than {most_bytes:,} bytes.")
        path = into / uuid4().hex
        with path.open("xb") as target:
            self._write(source, target)
        return path

    @abstractmethod
    def close(self) -> None:
        """Let go of connections."""

    def _write(self, source: Looked, target: BinaryIO) -> None:
        body = self._read(source)
        total = 0
        while total <= source.file.size and (chunk := body.read(CHUNK)):
            total += target.write(chunk)
        if total != source.file.size:
            raise StorageError(f"{shown(source.file.key)} changed while it was read.", is_transient=True)


def origin_of(source: Looked) -> str:
    """Return what a copy keeps in its metadata, to be known by when its original is still there."""
    return source.file.identity


def _is_copy(standing: Looked, source: Looked) -> bool:
    if standing.file.size != source.file.size:
        return False
    is_same = bool(source.content) and standing.content == source.content
    return is_same or standing.origin == origin_of(source)


def _object_key(key: str) -> str:
    parts = split_key(key)
    if not parts:
        raise StorageError("A file must have a name.")
    return "/".join(parts)
