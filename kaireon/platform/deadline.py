"""A moment at which a conversation with another machine ends, whatever the other machine does."""

import socket
import threading
import time
from types import TracebackType
from typing import Self


class Deadline:
    """End a conversation at a fixed moment by shutting its socket: a server that drips bytes cannot outlast it."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self.has_passed = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def remaining(self) -> float:
        """Return the seconds left, at least a millisecond: 0 would mean "do not block" to a socket."""
        return max(0.001, self._ends_at - time.monotonic())

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection when time is up. A duplicate is kept: TLS takes the original apart."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = connection.dup()

    def _end(self) -> None:
        self.has_passed = True
        with self._lock:
            if self._socket is not None:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return  # the other side was faster
