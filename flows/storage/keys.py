"""What a key may be: parts between slashes, none of which leads elsewhere."""

import re
from typing import Final

from flows.storage.base import StorageError

LONGEST_KEY: Final = 1_024
LONGEST_PART: Final = 255
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def split_key(key: str) -> list[str]:
    """Return the parts of a key. Raise StorageError for `..`, control characters, and what no store could keep."""
    problem = key_problem(key)
    if problem:
        raise StorageError(f"{shown(key)} is no name for a file: {problem}.")
    return [part for part in key.split("/") if part]


def key_problem(key: str) -> str:
    """Return why a key is refused, or nothing."""
    if _CONTROL.search(key):
        return "it holds a control character"
    if not _is_text(key):
        return "it is no valid UTF-8"
    if len(key.encode()) > LONGEST_KEY:
        return f"it is longer than {LONGEST_KEY} bytes"
    parts = [part for part in key.split("/") if part]
    if any(part in {".", ".."} for part in parts):
        return "`.` and `..` are not followed"
    if any(len(part.encode()) > LONGEST_PART for part in parts):
        return f"a part of it is longer than {LONGEST_PART} bytes"
    return ""


def folder_key(folder: str) -> str:
    """Return a folder's key as stores of objects take it: parts with a `/` after each; the top is empty."""
    parts = split_key(folder)
    return "".join(f"{part}/" for part in parts)


def shown(key: str) -> str:
    """Return a key as a message may hold it: printable, cut."""
    text = key if len(key) <= 200 else f"{key[:200]}…"
    return text.encode("unicode_escape").decode() if not text.isprintable() else text


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
