"""The one outbound HTTP client.

`tenant_session()` is for every address that a tenant typed: HTTPS only, public addresses only, checked on the numbers
that the socket then connects to, so that a name cannot change its mind in between. `operator_session()` is for
addresses from the environment: private ones are allowed. Neither follows redirects, reads proxy settings, or waits
longer than its deadline. An error's text names the host at most: a webhook's URL is its credential.
"""

import functools
import http.client
import socket
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from kaireon.platform.addresses import (
    AddressRefusedError,
    Target,
    is_private_host,
    is_public,
    parse_url,
)
from kaireon.platform.deadline import Deadline
from kaireon.platform.downloads import BodyRefused, write_body
from kaireon.platform.patience import call_within

TOTAL_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 5.0  # per address, so that a dead first one leaves time for the second
MAX_ANSWER_BYTES: Final = 64 * 1024
USER_AGENT: Final = "Kaireon/1"

Resolver = Callable[[str, int], Sequence[str]]


class OutboundError(Exception):
    """The request got no answer; `is_sent` says whether it had left, `is_refused` whether we would not send it."""

    def __init__(self, message: str, *, is_sent: bool = False, is_refused: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_sent = is_sent
        self.is_refused = is_refused


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said: header names in lower case, the body cut at MAX_ANSWER_BYTES."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the numeric addresses of a name, in the order to try them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class OutboundSession:
    """Send single requests under one set of rules. Safe to share between threads: it keeps no connection."""

    def __init__(
        self,
        *,
        is_strict: bool = True,
        allowed_places: Collection[str] = (),
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._is_strict = is_strict
        self._allowed_places = frozenset(place.lower() for place in allowed_places)
        self._resolver = resolver
        self._tls = tls
        self._total_seconds = total_seconds

    def check(self, url: str) -> Target:
        """Return where the URL leads; raise AddressRefusedError for one that this session would never call.

        Looks at the text only. What a name stands for is checked when the socket opens.
        """
        target = parse_url(url)
        if target.scheme != "https" and not self._is_exempt(target):
            raise AddressRefusedError("Must be an https:// address.")
        return self._checked(target)

    def check_host(self, host: str, port: int) -> Target:
        """Return where a host's port is, as `check` does for a URL."""
        return self._checked(Target("tcp", host.lower(), port, ""))

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        seconds: float | None = None, max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:  # fmt: skip
        """Send one request and return the answer, whatever its status. Raises OutboundError."""
        with self._asking(method, url, headers, body, seconds) as (connection, target, deadline):
            return _receive(connection, target, deadline, max_bytes)

    @contextmanager
    def _asking(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes, seconds: float | None
    ) -> Iterator[tuple[http.client.HTTPConnection, Target, Deadline]]:
        """Send a request and keep the connection open for its answer."""
        try:
            target = self.check(url)
        except AddressRefusedError as refusal:
            raise OutboundError(f"Not sent: {refusal}", is_refused=True) from None
        sent_headers = {**_standing_headers(target), **(headers or {})}
        with Deadline(seconds or self._total_seconds) as deadline:
            connection = http.client.HTTPConnection(target.host, target.port)
            connection.sock = self._connect(target, deadline)
            try:
                _send(connection, target, deadline, method, body, sent_headers)
                yield connection, target, deadline
            finally:
                connection.close()

    def download(
        self, url: str, into: Path, *, headers: Mapping[str, str] | None = None, seconds: float, max_bytes: int,
    ) -> Answer:  # fmt: skip
        """Write what a URL answers with 200 into a new file, as it comes; the answer has no body then.

        Raises OutboundError, also for an answer that is cut short or has more than `max_bytes`; the file is removed.
        """
        with self._asking("GET", url, headers, b"", seconds) as (connection, target, deadline):
            return _receive_file(connection, target, deadline, into, max_bytes)

    def connect(self, host: str, port: int, *, seconds: float | None = None) -> socket.socket:
        """Return a socket to a host under the same rules, for protocols that are not HTTP. Raises OutboundError."""
        try:
            target = self.check_host(host, port)
        except AddressRefusedError:
            reason = f"{host} is a private, local or reserved address; it is not called."
            raise OutboundError(reason, is_refused=True) from None
        with Deadline(seconds or self._total_seconds) as deadline:
            return self._connect(target, deadline)

    def _connect(self, target: Target, deadline: Deadline) -> socket.socket:
        failure = f"{target.place} could not be reached"
        for address in self._addresses(target, deadline):
            try:
                plain = socket.create_connection(
                    (address, target.port), timeout=min(CONNECT_SECONDS, deadline.remaining())
                )
            except OSError as error:
                failure = f"{target.place} could not be reached: {_reason(error)}"
                if deadline.has_passed:
                    break
                continue
            deadline.watch(plain)
            return self._secure(plain, target, deadline) if target.scheme == "https" else plain
        raise OutboundError(f"{failure}.")

    def _addresses(self, target: Target, deadline: Deadline) -> Sequence[str]:
        addresses = _resolve_within(self._resolver, target, deadline.remaining())
        if not self._is_exempt(target) and not all(map(is_public, addresses)):
            # One private address is enough: a name that mixes both is waiting for the right moment.
            reason = f"{target.host} stands for a private, local or reserved address; it is not called."
            raise OutboundError(reason, is_refused=True)
        return addresses

    def _is_exempt(self, target: Target) -> bool:
        return not self._is_strict or target.place in self._allowed_places

    def _checked(self, target: Target) -> Target:
        if not self._is_exempt(target) and is_private_host(target.host):
            raise AddressRefusedError("Must not be a private, local or reserved address.")
        return target

    def _secure(self, plain: socket.socket, target: Target, deadline: Deadline) -> socket.socket:
        try:
            plain.settimeout(deadline.remaining())
            return (self._tls or _default_tls()).wrap_socket(plain, server_hostname=target.host)
        except (OSError, ValueError) as error:
            plain.close()
            reason = "no TLS handshake in time" if deadline.has_passed else _reason(error)
            raise OutboundError(f"{target.place} could not be reached: {reason}.") from None


def tenant_session(*, resolver: Resolver = resolve, tls: ssl.SSLContext | None = None) -> OutboundSession:
    """Return the session for addresses that a tenant typed; NOTIFICATIONS_ALLOWED_HOSTS lists the exceptions."""
    return OutboundSession(allowed_places=settings.NOTIFICATIONS_ALLOWED_HOSTS, resolver=resolver, tls=tls)


def operator_session(*, tls: ssl.SSLContext | None = None, total_seconds: float = TOTAL_SECONDS) -> OutboundSession:
    """Return the session for addresses from the environment: plain HTTP and private addresses are allowed."""
    return OutboundSession(is_strict=False, tls=tls, total_seconds=total_seconds)


def _resolve_within(resolver: Resolver, target: Target, seconds: float) -> Sequence[str]:
    """Ask the resolver: the C library's has no time-out that we could set."""
    errors = (OSError, UnicodeError)
    try:
        addresses = call_within(lambda: resolver(target.host, target.port), seconds=seconds, errors=errors)
    except TimeoutError:
        raise OutboundError(f"The name {target.host} could not be resolved in time.") from None
    except errors:
        addresses = ()
    if not addresses:
        raise OutboundError(f"The name {target.host} could not be resolved.") from None
    return addresses


def _standing_headers(target: Target) -> dict[str, str]:
    return {
        "Host": target.authority,
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def _send(
    connection: http.client.HTTPConnection, target: Target, deadline: Deadline,
    method: str, body: bytes, headers: Mapping[str, str],
) -> None:  # fmt: skip
    if deadline.has_passed:
        raise OutboundError(f"{target.place} could not be reached in time.")
    connection.sock.settimeout(deadline.remaining())
    try:
        connection.request(method, target.path, body=body or None, headers=dict(headers))
    except (BrokenPipeError, ConnectionResetError):
        return  # a server may answer, say 413, and close before it has read everything
    except OSError as error:
        raise _unanswered(target, deadline, error) from None


def _receive(
    connection: http.client.HTTPConnection, target: Target, deadline: Deadline, max_bytes: int
) -> Answer:  # fmt: skip
    try:
        response = connection.getresponse()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unanswered(target, deadline, error) from None
    headers = {name.lower(): value for name, value in response.getheaders()}
    # Closed here: a connection stays open under an answer that is not.
    with response:
        try:
            body = response.read(max_bytes)
        except (OSError, http.client.HTTPException, ValueError):
            body = b""  # the status line is the answer; a torn body does not take it back
    return Answer(response.status, headers, body)


def _receive_file(
    connection: http.client.HTTPConnection, target: Target, deadline: Deadline, into: Path, max_bytes: int
) -> Answer:  # fmt: skip
    try:
        response = connection.getresponse()
        with response:
            if response.status == http.HTTPStatus.OK:
                write_body(response, into, max_bytes=max_bytes)
    except BodyRefused as refusal:
        reason = "the time is up" if deadline.has_passed else str(refusal)
        raise OutboundError(f"{target.place}: {reason}.", is_sent=True) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unanswered(target, deadline, error) from None
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, b"")


def _unanswered(target: Target, deadline: Deadline, error: Exception) -> OutboundError:
    if deadline.has_passed or isinstance(error, TimeoutError):
        reason = "the request was sent, but no answer came in time."
    elif isinstance(error, http.client.HTTPException) and not isinstance(error, ConnectionError):
        reason = "the request was sent, but what came back is no HTTP answer."
    else:
        reason = "the request was sent, but the connection was cut before an answer came."
    return OutboundError(f"{target.place}: {reason}", is_sent=True)


def _reason(error: Exception) -> str:
    """Return the cause in words that hold no address: the system's text, or OpenSSL's verdict on the certificate."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or 'no reason given'})"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    return getattr(error, "strerror", None) or type(error).__name__


@functools.cache
def _default_tls() -> ssl.SSLContext:
    """Trust the system's authorities (and SSL_CERT_FILE), and the bundled ones where a bare machine has none."""
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context
