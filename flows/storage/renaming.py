"""Rename a file so that nothing is ever overwritten, in one step of the kernel's where there is one."""

import ctypes
import errno
import functools
import os
from collections.abc import Callable
from typing import Final

from flows.storage.base import PlaceTaken

_NOREPLACE: Final = 1
_UNSUPPORTED: Final = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


def rename_into_free_place(source: int, name: str, target: int, to_name: str, *, shown_as: str) -> None:
    """Rename between two opened folders. Raise PlaceTaken where something stands, else OSError.

    Linux does it at once (renameat2 with RENAME_NOREPLACE). Elsewhere a second name is made, which fails where there is
    one already, and then the first is removed; a crash in between leaves both names of one file, and the next call
    removes the first.
    """
    if not _rename_at_once(source, name, target, to_name, shown_as):
        link_into_free_place(source, name, target, to_name, shown_as=shown_as)


def link_into_free_place(source: int, name: str, target: int, to_name: str, *, shown_as: str) -> None:
    """Do the same in two steps, for systems and disks that know no other way."""
    try:
        os.link(name, to_name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        if not _is_same(source, name, target, to_name):
            raise PlaceTaken(f"{shown_as} is taken.") from None
    os.unlink(name, dir_fd=source)


def _rename_at_once(source: int, name: str, target: int, to_name: str, shown_as: str) -> bool:
    rename = _renameat2()
    if rename is None:
        return False
    if rename(source, os.fsencode(name), target, os.fsencode(to_name), _NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    if code == errno.EEXIST:
        if not _is_same(source, name, target, to_name):
            raise PlaceTaken(f"{shown_as} is taken.")
        return False
    raise OSError(code, os.strerror(code))


def _is_same(source: int, name: str, target: int, to_name: str) -> bool:
    """Tell whether both names mean one file, by two names in different places."""
    if (name, os.fstat(source).st_ino) == (to_name, os.fstat(target).st_ino):
        return False
    one = os.stat(name, dir_fd=source, follow_symlinks=False)
    return os.path.samestat(one, os.stat(to_name, dir_fd=target, follow_symlinks=False))


@functools.cache
def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    """Return the C library's renameat2, if it has one."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    function.restype = ctypes.c_int
    call: Callable[[int, bytes, int, bytes, int], int] = function
    return call
