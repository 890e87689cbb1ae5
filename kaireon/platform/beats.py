"""Do something again and again beside a piece of work, in a thread of its own: renew its lease, say how far it is."""

import threading
from types import TracebackType
from typing import Final, Self

PATIENCE_SECONDS: Final = 5.0


class Beats:
    """Calls `beat` every few seconds for the length of a `with` block, until it says that there is no more to do.

    The thread dies with its process, and so does what it keeps alive.
    """

    def __init__(self, *, name: str, every_seconds: float) -> None:
        self._every = every_seconds
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        # A beat that waits for a database that does not answer is left behind: its token is worth nothing by then.
        self._thread.join(PATIENCE_SECONDS)

    def beat(self) -> bool:
        """Do it once; return whether to go on."""
        raise NotImplementedError

    def end(self) -> None:
        """Let go, in the thread, of what it holds."""

    def _run(self) -> None:
        try:
            while not self._is_over.wait(self._every) and self.beat():
                continue
        finally:
            self.end()
