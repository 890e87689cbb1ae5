"""What the benchmarks end with: a verdict on each mark, and their server stopped."""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import connection


def tell(name: str, found: float, mark: float | None, *, at_most: bool = False) -> None:
    """Print a figure beside its mark and whether that was kept; without a mark, the figure alone."""
    words = ""
    if mark is not None:
        is_kept = found <= mark if at_most else found >= mark
        words = f" (mark: at {'most' if at_most else 'least'} {mark:g}) {'kept' if is_kept else 'MISSED'}"
    print(f"{name}: {found:.2f}{words}", flush=True)


@contextlib.contextmanager
def stopping(server: Any) -> Iterator[None]:
    """Stop the benchmark's own server at the end, if it has one."""
    try:
        yield
    finally:
        if server is not None:
            with contextlib.suppress(Exception):
                connection.close()
            server.stop()
