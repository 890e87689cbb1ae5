"""Post bodies over persistent connections as fast as they are answered, and time each answer.

One thread and epoll: what the generator takes of the processor, it takes from the server beside it. Run as a program
it reads a job as JSON on stdin and writes what it found as JSON on stdout.
"""

import json
import os
import selectors
import socket
import sys
import time
from dataclasses import asdict, dataclass, field

PLACE = b"@@@@@@@@-@@@@-4@@@-8@@@-@@@@@@@@@@@@"
HEADER_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Job:
    """What to send and for how long; in `body` the mark PLACE stands for a key of 36 random characters."""

    port: int
    path: str
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    connections: int = 16
    seconds: float = 5.0


@dataclass(frozen=True)
class Found:
    """Latencies of all answers in milliseconds, the wall time, and how many answers had which status."""

    milliseconds: list[float]
    seconds: float
    statuses: dict[str, int]


class _Connection:
    """One persistent connection: a request at a time."""

    def __init__(self, job: Job, head: bytes, tail: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", job.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head, self._tail = head, tail
        self._received = b""
        self.sent_at = 0.0

    def send(self) -> None:
        random = os.urandom(16).hex()
        key = f"{random[:8]}-{random[8:12]}-4{random[13:16]}-8{random[17:20]}-{random[20:]}"
        self.sent_at = time.perf_counter()
        self.socket.sendall(self._head + key.encode() + self._tail)

    def receive(self) -> str | None:
        """Return the status once the answer is whole."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("the server closed a connection")
        self._received += chunk
        head, separator, body = self._received.partition(HEADER_END)
        if not separator or not _is_whole(head.lower(), body):
            return None
        self._received = b""
        return head[9:12].decode()


def _is_whole(head: bytes, body: bytes) -> bool:
    at = head.find(b"content-length:")
    if at < 0:  # chunked: without CommonMiddleware nobody counts the bytes
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(head[at + 15 :].partition(b"\r\n")[0])


def run(job: Job) -> Found:
    """Keep every connection busy until the time is up; what is under way then is still counted."""
    request = _request(job)
    head, _, tail = request.partition(PLACE)
    selector = selectors.DefaultSelector()
    milliseconds: list[float] = []
    statuses: dict[str, int] = {}
    started = time.perf_counter()
    ends = started + job.seconds
    for _ in range(job.connections):
        connection = _Connection(job, head, tail)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send()
    while selector.get_map():
        for key, _ in selector.select():
            connection = key.data
            status = connection.receive()
            if status is None:
                continue
            now = time.perf_counter()
            milliseconds.append((now - connection.sent_at) * 1000)
            statuses[status] = statuses.get(status, 0) + 1
            if now < ends:
                connection.send()
            else:
                selector.unregister(connection.socket)
                connection.socket.close()
    return Found(milliseconds, time.perf_counter() - started, statuses)


def _request(job: Job) -> bytes:
    body = job.body.encode()
    lines = [f"POST {job.path} HTTP/1.1", f"Host: 127.0.0.1:{job.port}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in job.headers.items())]
    return "\r\n".join(lines).encode() + HEADER_END + body


if __name__ == "__main__":
    json.dump(asdict(run(Job(**json.load(sys.stdin)))), sys.stdout)
