"""`EVENT_PUBLISHER=redis`: one entry per event in the stream of its topic."""

import re
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from redis import ConnectionPool
from redis import exceptions as errors
from redis.backoff import NoBackoff
from redis.retry import Retry

from outbox.decisions.outcomes import NOT_SENT, Failed, Outcome, Sent
from outbox.publishers.base import CONTENT_TYPE, SOURCE, BackendDown, Event, TimeLeft
from outbox.publishers.waves import keep_order

_SOCKET_SECONDS: Final = 5.0
_SLICE_SECONDS: Final = 0.1
# One call is one script run, and Redis serves nobody else meanwhile.
_CALL_EVENTS: Final = 1000
_CALL_BYTES: Final = 4 * 1024 * 1024

# Redis has no transaction that stops at an error, so a later event of the key could overtake one that was refused: the
# script knows which keys failed. KEYS are the streams; ARGV begins with the limit and the two constant fields, then
# each event brings its stream's number, its key and six values. It returns an entry id, an error, or '' for left out.
_SCRIPT: Final = """
local limit, source, content = ARGV[1], ARGV[2], ARGV[3]
local failed, answers = {}, {}
for i = 4, #ARGV, 7 do
  local whose = ARGV[i + 5] .. ' ' .. ARGV[i + 6]
  local answer = ''
  if not failed[whose] then
    local stream = KEYS[tonumber(ARGV[i])]
    if limit == '0' then
      answer = redis.pcall('XADD', stream, '*', 'id', ARGV[i + 1], 'type', ARGV[i + 2], 'time', ARGV[i + 3],
        'tenantid', ARGV[i + 5], 'partitionkey', ARGV[i + 6], 'data', ARGV[i + 4],
        'specversion', '1.0', 'source', source, 'datacontenttype', content)
    else
      answer = redis.pcall('XADD', stream, 'MAXLEN', '~', limit, '*', 'id', ARGV[i + 1], 'type', ARGV[i + 2],
        'time', ARGV[i + 3], 'tenantid', ARGV[i + 5], 'partitionkey', ARGV[i + 6], 'data', ARGV[i + 4],
        'specversion', '1.0', 'source', source, 'datacontenttype', content)
    end
    if type(answer) == 'table' then failed[whose] = true; answer = '-' .. answer.err end
  end
  answers[#answers + 1] = answer
end
return answers
"""
# The first word of an error that is about the server, not about one stream.
_DOWN_WORDS: Final = frozenset({"OOM", "READONLY", "MASTERDOWN", "MISCONF", "NOREPLICAS", "LOADING", "BUSY"})
# What an address may carry after `?`; anything else would change how this class reads answers.
_FILES: Final = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
_OPTIONS: Final = _FILES | {
    "client_name", "db", "health_check_interval", "max_connections", "socket_connect_timeout", "socket_keepalive",
    "socket_timeout", "ssl_cert_reqs", "ssl_check_hostname",
}  # fmt: skip
# What else the server says of itself; any other refusal of the call (rights, a Redis without scripts) wants a hand.
_PASSING: Final = (errors.OutOfMemoryError, errors.ReadOnlyError, errors.ClusterDownError, errors.TryAgainError)


class RedisAddressError(ValueError):
    """What is wrong with the address, in words that do not repeat it."""


class RedisPublisher:
    """Add a batch with one script call, so that a refusal in the middle holds back its own key and nobody else."""

    name = "redis"

    def __init__(self, url: str, *, prefix: str, max_length: int = 0) -> None:
        """Take the address apart without connecting. Raises ValueError, or RedisAddressError that may be told."""
        self._prefix = prefix
        self._max_length = max_length
        check_address(url)
        # The tier tries again, and it knows when; a client that retries would add the batch twice.
        self._pool = ConnectionPool.from_url(
            url, socket_connect_timeout=_SOCKET_SECONDS, socket_timeout=_SOCKET_SECONDS, protocol=2,
            retry=Retry(NoBackoff(), 0), decode_responses=True, max_connections=1,
        )  # fmt: skip
        try:
            self._pool.connection_class(**self._pool.connection_kwargs)
        except errors.RedisError as error:
            raise RedisAddressError(_words(error)) from None

    def publish(self, events: Sequence[Event], time_left: TimeLeft) -> Sequence[Outcome]:
        """Add the events, some hundreds per call; raise BackendDown when Redis took none and answered for none."""
        outcomes: list[Outcome | None] = [None] * len(events)
        failed: set[tuple[str, str]] = set()
        try:
            for places in _calls(events):
                if time_left.remaining() <= 0:
                    break
                going = [place for place in places if (events[place].tenant_id, events[place].key) not in failed]
                for place, outcome in zip(going, self._call([events[at] for at in going], time_left), strict=True):
                    outcomes[place] = outcome
                    if not isinstance(outcome, Sent):
                        failed.add((events[place].tenant_id, events[place].key))
        except BackendDown:
            if not any(outcomes):
                raise
        return keep_order(events, outcomes)

    def close(self) -> None:
        """Close the connection; the next batch opens another one."""
        self._pool.disconnect()

    def _call(self, events: Sequence[Event], time_left: TimeLeft) -> list[Outcome]:
        if not events:
            return []
        try:
            answers = self._run(self._command(events), time_left)
        except errors.ResponseError as error:
            raise BackendDown(f"Redis: {_words(error)}", is_transient=_is_passing(error)) from None
        except errors.AuthenticationError:
            raise BackendDown("Redis refuses the credentials", is_transient=False) from None
        except errors.RedisError as error:
            if isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError):
                raise BackendDown("Redis shows a certificate that is not trusted", is_transient=False) from None
            # The library's text names the address.
            raise BackendDown(f"Redis does not answer: {type(error).__name__}") from None
        outcomes = [_outcome(answer) for answer in answers]
        if not any(isinstance(outcome, Sent | Failed) for outcome in outcomes):
            raise BackendDown(f"Redis: {answers[0][1:]}")
        return outcomes

    def _run(self, command: Sequence[Any], time_left: TimeLeft) -> list[str]:
        connection: Any = self._pool.get_connection()
        answers: list[str] | None = None
        try:
            connection.send_command(*command, check_health=False)
            while not connection.can_read(timeout=min(_SLICE_SECONDS, time_left.remaining())):
                if time_left.remaining() <= 0:
                    raise errors.TimeoutError
            answers = connection.read_response()
        finally:
            if answers is None:
                # An answer that comes later must not be taken for the next one's.
                connection.disconnect()
            self._pool.release(connection)
        return answers

    def _command(self, events: Sequence[Event]) -> list[Any]:
        streams = {topic: number for number, topic in enumerate(dict.fromkeys(event.topic for event in events), 1)}
        command: list[Any] = ["EVAL", _SCRIPT, len(streams), *(self._prefix + topic for topic in streams)]
        command += [self._max_length, SOURCE, CONTENT_TYPE]
        for event in events:
            command += (
                streams[event.topic], event.id, event.topic, event.timestamp, event.body, event.tenant_id, event.key,
            )  # fmt: skip
        return command


def check_address(url: str) -> None:
    """Raise RedisAddressError for a database that is no number, an unknown option, a file that is not there.

    The library passes over the first, and stumbles over the others when it connects.
    """
    parts = urlsplit(url)
    if parts.scheme != "unix" and not re.fullmatch(r"/?|/[0-9]+/?", parts.path):
        raise RedisAddressError("the database after the host is a number")
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in _OPTIONS:
            raise RedisAddressError(f"it takes no option {name[:40]!r}, only {', '.join(sorted(_OPTIONS))}")
        if name in _FILES and not Path(value).is_file():
            raise RedisAddressError(f"its {name} is not a file")


def _calls(events: Sequence[Event]) -> Iterator[range]:
    start = size = 0
    for place, event in enumerate(events):
        if place > start and (place - start == _CALL_EVENTS or size + len(event.payload) > _CALL_BYTES):
            yield range(start, place)
            start, size = place, 0
        size += len(event.payload)
    if start < len(events):
        yield range(start, len(events))


def _outcome(answer: str) -> Outcome:
    if not answer.startswith("-"):
        return Sent(answer) if answer else NOT_SENT
    if answer[1:].split(" ", 1)[0] in _DOWN_WORDS:
        return NOT_SENT
    # Nothing is wrong with the event: its stream is of another type, or closed to us.
    return Failed(f"Redis: {answer[1:200]}", is_transient=True)


def _is_passing(error: errors.ResponseError) -> bool:
    return isinstance(error, _PASSING) or _words(error).split(" ", 1)[0] in _DOWN_WORDS


def _words(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__
