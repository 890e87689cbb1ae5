"""A line to the database that a test can cut at the worst moment: when the commit is done and the answer on its way."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

SOCKET = ".s.PGSQL.5432"


class Line:
    """Passes every byte on between clients and the server's socket."""

    def __init__(self, folder: Path, server: str) -> None:
        self._server = server
        self._losing: bytes | None = None
        self.lost = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_next_answer(self, with_words: bytes = b"") -> None:
        """Drop the server's next answer, or the next with these words, and the connection with it."""
        self._losing = with_words

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_answer: bool = False) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                if is_answer and self._losing is not None and self._losing in chunk:
                    self._losing = None
                    self.lost += 1
                    break
                target.sendall(chunk)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def line_to_the_database(folder: Path) -> Iterator[Line]:
    """Lead this thread's connection over a line for the length of a block."""
    settings = connection.settings_dict
    direct = settings["HOST"]
    line = Line(folder, f"{direct}/{SOCKET}")
    connection.close()
    settings["HOST"] = str(folder)
    try:
        yield line
    finally:
        connection.close()
        settings["HOST"] = direct
        line.close()
