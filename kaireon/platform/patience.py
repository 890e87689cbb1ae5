"""Wait only so long for a call that has no time-out of its own: a name's resolution, some stores' clients."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_Result = TypeVar("_Result")


def call_within(
    work: Callable[[], _Result], *, seconds: float, errors: tuple[type[Exception], ...]
) -> _Result:  # fmt: skip
    """Return what a call returns, or raise what of `errors` it raises; TimeoutError after so many seconds.

    It is made in a thread of its own; one that comes late is left behind there, and dies with the process.
    """
    return begin_call(work, errors=errors).result(timeout=seconds)


def begin_call(work: Callable[[], _Result], *, errors: tuple[type[Exception], ...]) -> Future[_Result]:
    """Make a call in a thread of its own and return at once; its future has what it returns, or raises of `errors`."""
    future: Future[_Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except errors as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name="call-within").start()
    return future
