"""Folders of this machine, confined to the roots that its operator named.

Every key is walked from its root by descriptors, a part at a time, without following any link: what was checked is
what is opened, whoever swaps folders meanwhile. Links below a root are refused, also those that stay inside.
"""

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from flows.storage.base import FileGone, StorageError, StoredFile
from flows.storage.keys import key_problem, shown, split_key
from flows.storage.renaming import rename_into_free_place

NAME: Final = "local_fs"
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe that nobody writes to would hold the opening up for ever.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LocalStore:
    """The folders below the roots; keys are absolute paths."""

    name = NAME
    can_move = True

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = [str(Path(root).resolve()) for root in roots]
        self._held: list[int] = []

    def list_folder(self, folder: str, *, limit: int) -> Iterator[StoredFile]:
        """Yield the regular files of a folder; links, pipes and names that no store could keep are left out."""
        with self._folder(folder) as opened:
            if opened is None:
                return
            place = "/" + "/".join(split_key(folder))
            for count, (name, found) in enumerate(_regular_files(opened)):
                if count >= limit:
                    raise StorageError(f"{shown(folder)} holds more than {limit} files; archive some of them.")
                yield _stored(f"{place}/{name}", found)

    def stat(self, key: str) -> StoredFile | None:
        """Return the file, or None when there is none."""
        folder, name = self._split(key)
        with self._folder(folder) as opened:
            if opened is None:
                return None
            try:
                found = os.stat(name, dir_fd=opened, follow_symlinks=False)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise _failed(key, error) from None
            return _stored("/" + "/".join(split_key(key)), found) if stat.S_ISREG(found.st_mode) else None

    def move(self, key: str, to: str) -> None:
        """Rename a file into a free place, and keep it there through a power cut. Raises FileGone and PlaceTaken."""
        (folder, name), (to_folder, to_name) = self._split(key), self._split(to)
        with self._folder(folder) as source, self._folder(to_folder, make=True) as target:
            if source is None or target is None:
                raise FileGone(f"{shown(key)} is not there.")
            _check_regular(source, name, key)
            try:
                rename_into_free_place(source, name, target, to_name, shown_as=shown(to))
                for changed in (target, source):
                    os.fsync(changed)
            except FileNotFoundError:
                raise FileGone(f"{shown(key)} is not there.") from None
            except OSError as error:
                raise _failed(key, error) from None

    def fetch(self, key: str, into: Path, *, most_bytes: int) -> Path:
        """Return a hard link in `into` to the very file that was checked; where none can be made, its descriptor."""
        folder, name = self._split(key)
        with self._folder(folder) as opened:
            if opened is None:
                raise FileGone(f"{shown(key)} is not there.")
            descriptor = _open_regular(opened, name, key)
            self._held.append(descriptor)
            if os.fstat(descriptor).st_size > most_bytes:
                raise StorageError(f"{shown(key)} is larger than {most_bytes:,} bytes.")
            linked = _link(opened, name, descriptor, into / uuid4().hex)
            if linked is not None:
                os.close(self._held.pop())
            return linked or _handed(descriptor, into)

    def close(self) -> None:
        """Close the descriptors of fetched files that could not be linked."""
        while self._held:
            os.close(self._held.pop())

    def _split(self, key: str) -> tuple[str, str]:
        parts = split_key(key)
        if not parts:
            raise StorageError("A file must have a name.")
        return "/" + "/".join(parts[:-1]), parts[-1]

    @contextmanager
    def _folder(self, folder: str, *, make: bool = False) -> Iterator[int | None]:
        """Open a folder, walking down from its root; None when it is not there."""
        path = "/" + "/".join(split_key(folder))
        root = next((root for root in self._roots if path == root or path.startswith(f"{root.rstrip('/')}/")), None)
        if root is None:
            raise StorageError(f"{shown(folder)} is outside of the folders that FLOW_LOCAL_FS_ROOTS allows.")
        opened = _walk(root, split_key(path[len(root) :]), folder, make=make)
        try:
            yield opened
        finally:
            if opened is not None:
                os.close(opened)


def _walk(root: str, parts: list[str], folder: str, *, make: bool) -> int | None:
    """Return a descriptor of the folder, or None; make the folders that are missing when asked to."""
    try:
        current = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _failed(folder, error) from None
    for part in parts:
        try:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o770, dir_fd=current)
            following = os.open(part, _FOLDER, dir_fd=current)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(folder, error) from None
        finally:
            os.close(current)
        current = following
    return current


def _regular_files(folder: int) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if key_problem(entry.name) or not entry.is_file(follow_symlinks=False):
                continue
            with suppress(FileNotFoundError):  # moved while we looked
                yield entry.name, entry.stat(follow_symlinks=False)


def _open_regular(folder: int, name: str, key: str) -> int:
    try:
        descriptor = os.open(name, _FILE, dir_fd=folder)
    except FileNotFoundError:
        raise FileGone(f"{shown(key)} is not there.") from None
    except OSError as error:
        raise _failed(key, error) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StorageError(f"{shown(key)} is no regular file.")
    return descriptor


def _check_regular(folder: int, name: str, key: str) -> None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return  # the move says so, or finishes what an earlier one began
    if not stat.S_ISREG(found.st_mode):
        raise StorageError(f"{shown(key)} is no regular file.")


def _link(folder: int, name: str, descriptor: int, place: Path) -> Path | None:
    """Return a second name of the opened file, unless it lies on another disk or the name means another file now."""
    try:
        os.link(name, place, src_dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    if os.path.samestat(place.lstat(), os.fstat(descriptor)):
        return place
    place.unlink()
    return None


def _handed(descriptor: int, into: Path) -> Path:
    """Return a path that opens the descriptor's own file; a copy where the system has no such paths."""
    path = Path(f"/proc/{os.getpid()}/fd/{descriptor}")
    if path.exists():
        return path
    copy = into / f"{descriptor:06}.copy"
    with os.fdopen(os.dup(descriptor), "rb") as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
    return copy


def _stored(key: str, found: os.stat_result) -> StoredFile:
    when = datetime.fromtimestamp(found.st_mtime_ns / 1_000_000_000, UTC)
    return StoredFile(NAME, key, found.st_size, when, f"{found.st_ino}-{found.st_mtime_ns}")


def _failed(key: str, error: OSError) -> StorageError:
    reason = error.strerror or type(error).__name__
    if error.errno in {40, 20}:  # ELOOP, ENOTDIR: what O_NOFOLLOW says of a link
        reason = "it is a link or lies behind one, and links are not followed"
    return StorageError(f"{shown(key)}: {reason}.", is_transient=error.errno in {5, 11, 23, 24})
