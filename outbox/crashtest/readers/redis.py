"""Read a Redis stream back."""

from collections.abc import Iterator
from typing import Any, Final

import redis

from outbox.crashtest.judging import Delivered
from outbox.crashtest.readers.base import BackendUnreadable, delivered

_PAGE: Final = 1000
_SECONDS: Final = 10.0


class RedisReader:
    """The stream of the topic, which is deleted in the end."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self._prefix = prefix
        self._client: Any = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS
        )

    def begin(self, topic: str) -> None:
        """Ask whether Redis answers."""
        self._ask("ping")

    def read(self, topic: str) -> Iterator[Delivered]:
        """Yield the stream's entries."""
        start = "-"
        while page := self._ask("xrange", self._prefix + topic, start, "+", _PAGE):
            for _, fields in page:
                yield delivered(fields["id"], fields["partitionkey"], fields["data"])
            start = f"({page[-1][0]}"

    def end(self, topic: str) -> None:
        """Delete the stream and close the connection."""
        self._ask("delete", self._prefix + topic)
        self._client.close()

    def _ask(self, command: str, *arguments: object) -> Any:
        try:
            return getattr(self._client, command)(*arguments)
        except redis.RedisError as error:
            # The library's text names the address.
            raise BackendUnreadable(f"Redis does not answer: {type(error).__name__}.") from None
