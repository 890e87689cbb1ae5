"""Small middlewares: the short way of hot paths, the slash form, and plain answers for what cannot be read."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, is_valid_path, resolve

from kaireon.platform.envelope import UNREADABLE, json_error
from kaireon.platform.tenancy.authentication import sent_key

NextHandler = Callable[[HttpRequest], HttpResponse]


class DirectRoutesMiddleware:
    """Call the view of a hot path at once where a machine calls it by API key: settings.DIRECT_ROUTES.

    What is passed by serves browsers: session, messages, CSRF, frames, static files. It costs as much as all that
    Django does besides. The host is checked and the security headers are set here as there; a call that must be sent
    to HTTPS goes the long way, which does so.
    """

    def __init__(self, get_response: NextHandler) -> None:
        self.get_response = get_response
        self._security = SecurityMiddleware(get_response)
        self._frames = XFrameOptionsMiddleware(get_response)
        self._matches: dict[str, ResolverMatch] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Call the view, or pass the request on."""
        path = request.path_info
        if request.method != "POST" or path not in settings.DIRECT_ROUTES or sent_key(request) is None:
            return self.get_response(request)
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            return self.get_response(request)
        try:
            request.get_host()
        except DisallowedHost:
            return self.get_response(request)
        match = request.resolver_match = self._matches.get(path) or self._matches.setdefault(path, resolve(path))
        response: HttpResponse = match.func(request)
        response.headers["Content-Length"] = str(len(response.content))
        self._security.process_response(request, response)
        self._frames.process_response(request, response)
        return response


class TrailingSlashMiddleware:
    """Serve `/api/v1/alerts/` as `/api/v1/alerts`: routes are declared without the slash and work with it."""

    def __init__(self, get_response: NextHandler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Strip the slash where the form without it is a route."""
        path = request.path_info
        if len(path) > 1 and path.endswith("/") and is_valid_path(path[:-1]):
            request.path_info = path[:-1]
        return self.get_response(request)


class BadRequestMiddleware:
    """Refuse NUL, which PostgreSQL's text cannot hold, wherever it hides; answer unreadable requests plainly."""

    def __init__(self, get_response: NextHandler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Check the address and the cookies, then pass the request on."""
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return self._answer(request, 400, "The address holds a NUL character.")
        # A quoted cookie writes it as \000, and the session's key goes to the database.
        if any("\0" in value for value in request.COOKIES.values()):
            return self._answer(request, 400, "A cookie holds a NUL character.")
        return _enveloped(request, self.get_response(request))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer what Django found unreadable, before it became a view's matter."""
        if isinstance(error, RequestDataTooBig):
            return self._answer(request, 413, "The body is too large.")
        if isinstance(error, UNREADABLE):
            return self._answer(request, 400, "The request cannot be read.")
        return None

    def _answer(self, request: HttpRequest, status: int, message: str) -> HttpResponse:
        if request.path.startswith("/api/"):
            return json_error(request, status, message)
        return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")


def _enveloped(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Put an error of a plain view under /api/, such as a probe's 405, into the envelope; its headers stay."""
    is_bare = response.status_code >= 400 and response.headers.get("Content-Type") != "application/json"
    if not (is_bare and request.path.startswith("/api/")):
        return response
    answer = json_error(request, response.status_code, f"{response.reason_phrase}.")
    answer.headers["Content-Length"] = str(len(answer.content))
    for name, value in response.headers.items():
        answer.headers.setdefault(name, value)
    return answer
