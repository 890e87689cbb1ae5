"""Write the body of an HTTP answer to a file as it comes, whole or not at all."""

import http.client
from pathlib import Path
from typing import Final

_CHUNK: Final = 256 * 1024


class BodyRefused(Exception):
    """The body is too large, or ends before its own length; the message says which."""


def write_body(response: http.client.HTTPResponse, into: Path, *, max_bytes: int) -> int:
    """Write a body to a new file and return its length; the file is removed when anything goes wrong.

    Raises BodyRefused, OSError and http.client.HTTPException.
    """
    stated = response.length
    if stated is not None and stated > max_bytes:
        raise BodyRefused(f"the file is larger than {max_bytes:,} bytes")
    total = 0
    is_whole = False
    file = into.open("xb")  # where something stands, it stays
    try:
        with file:
            while chunk := response.read(_CHUNK):
                total += len(chunk)
                if total > max_bytes:
                    raise BodyRefused(f"the file is larger than {max_bytes:,} bytes")
                file.write(chunk)
        is_whole = stated is None or total == stated
    finally:
        if not is_whole:
            into.unlink(missing_ok=True)
    if not is_whole:
        raise BodyRefused(f"only {total:,} of {stated:,} bytes came")
    return total
