"""Give every request its id and measure it, outermost so that errors carry the id too; let machines in by any name."""

import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from kaireon.platform.telemetry.metrics import counter, histogram
from kaireon.platform.telemetry.services import bound_request_id

HEADER: Final = "x-request-id"
META_NAME: Final = "HTTP_X_REQUEST_ID"  # `request.headers` would parse all of them
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MACHINE_ROUTES: Final = frozenset({"/api/health", "/api/ready", "/api/metrics", "/api/v1/metrics"})
LABELS: Final = ("method", "route", "status")

HTTP_DURATION: Final = histogram(
    "kaireon_http_request_duration_seconds", "Time from the request's arrival to its response.", LABELS
)
API_REQUESTS: Final = counter("kaireon_api_requests_total", "Requests answered under /api/.", LABELS)


class IdentifiedRequest(HttpRequest):
    """A request that knows its id."""

    request_id: str


class MachineRoutesMiddleware:
    """Answer probes and scrapes under any host and over plain HTTP.

    A kubelet, a load balancer and Prometheus call by this machine's own address, which no ALLOWED_HOSTS names: with
    the host checked, production would be restarted for ever while it serves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Call the route's view before any middleware that asks for the host."""
        path = request.path_info.rstrip("/")
        if request.method not in {"GET", "HEAD"} or path not in MACHINE_ROUTES:
            return self.get_response(request)
        match = request.resolver_match = resolve(path)
        response: HttpResponse = match.func(request)
        return response


class RequestTelemetryMiddleware:
    """Keep a sane `x-request-id` or mint one, put it on every log line and on the response, and count the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: IdentifiedRequest) -> HttpResponse:
        """Answer with the id; Django has turned every exception below into a response already."""
        started = time.perf_counter()
        with bound_request_id(request.META.get(META_NAME, "")) as request_id:
            request.request_id = request_id
            response = self.get_response(request)
        response.headers[HEADER] = request_id
        _measure(request, response.status_code, time.perf_counter() - started)
        return response


def _measure(request: HttpRequest, status: int, seconds: float) -> None:
    # The route's pattern, never the path: ids in a label would make a new time series for each.
    match = request.resolver_match
    route = "/" + match.route if match else "unmatched"
    method = request.method if request.method in METHODS else "other"
    labels = (str(method), route, str(status))
    HTTP_DURATION.labels(*labels).observe(seconds)
    if request.path.startswith("/api/"):
        API_REQUESTS.labels(*labels).inc()
