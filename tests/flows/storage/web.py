"""A web server that answers HEAD and GET as told, over TLS or without."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """An answer; `stated` is its Content-Length where that is a lie."""

    status: int = 200
    body: bytes = b"a,b\n1,2\n"
    headers: dict[str, str] = field(default_factory=dict)
    stated: int | None = None
    allows_head: bool = True


@dataclass
class Web:
    """The server's address and what was asked of it: method, path and headers."""

    port: int
    scheme: str
    asked: list[tuple[str, str, dict[str, str]]]

    @property
    def place(self) -> str:
        """Return it as NOTIFICATIONS_ALLOWED_HOSTS names it."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        """Return an address on it."""
        return f"{self.scheme}://{self.place}{path}"


@contextmanager
def web_server(page_of: Callable[[str], Page], tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Run the server for the length of a block."""
    asked: list[tuple[str, str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
            page = page_of(self.path)
            is_head = self.command == "HEAD"
            self.send_response(405 if is_head and not page.allows_head else page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(page.body) if page.stated is None else page.stated))
            self.end_headers()
            if not is_head:
                self.wfile.write(page.body)

        do_HEAD = do_GET  # noqa: N815 - the base class's name

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing: a client that gave up is what these tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield Web(int(server.server_address[1]), "http" if tls is None else "https", asked)
    finally:
        server.shutdown()
        server.server_close()
