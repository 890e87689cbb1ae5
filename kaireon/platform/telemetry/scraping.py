"""Answer scrapes on a port of its own, for processes that serve nothing else; and who may scrape, wherever it is."""

import hmac
import socket
import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def may_scrape(authorization: str, token: str) -> bool:
    """Tell whether the header `Authorization` carries the metrics token; without a token everybody may."""
    scheme, _, sent = authorization.partition(" ")
    return not token or (scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), token.encode()))


def serve_scrapes(collector: Collector, *, host: str, port: int, token: str) -> None:
    """Answer scrapes until the process ends, each in a thread; raises OSError when nothing can listen there."""

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    app = _guarded(make_wsgi_app(collector), token)
    server = make_server(host, port, app, server_class=Server, handler_class=_QuietHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _guarded(metrics: "WSGIApplication", token: str) -> "WSGIApplication":
    def answer(request: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if may_scrape(request.get("HTTP_AUTHORIZATION", ""), token):
            return metrics(request, start_response)
        start_response("401 Unauthorized", [("Content-Type", "text/plain"), ("WWW-Authenticate", "Bearer")])
        return [b"This port needs the metrics token.\n"]

    return answer


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing: a scrape comes every few seconds."""
