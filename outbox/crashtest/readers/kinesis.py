"""Read a Kinesis stream back: every shard, from the moment when the test began."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from outbox.crashtest.judging import Delivered
from outbox.crashtest.readers.base import BackendUnreadable, from_structured

# AWS answers five reads per second and shard.
_READ_EVERY_SECONDS: Final = 0.2
_MOST_RECORDS: Final = 10_000
_EARLIER: Final = timedelta(seconds=60)
_CONFIG: Final = Config(connect_timeout=5, read_timeout=20)


class KinesisReader:
    """The operator's stream; records end with its retention."""

    def __init__(self, *, stream: str, region: str, endpoint_url: str | None) -> None:
        self._stream = stream
        self._client: Any = boto3.client("kinesis", region_name=region, endpoint_url=endpoint_url, config=_CONFIG)
        self._since = datetime.now(UTC)

    def begin(self, topic: str) -> None:
        """Ask for the stream."""
        self._since = datetime.now(UTC) - _EARLIER
        self._ask("describe_stream_summary", StreamName=self._stream)

    def read(self, topic: str) -> Iterator[Delivered]:
        """Yield the topic's records of each shard."""
        for shard in self._ask("list_shards", StreamName=self._stream)["Shards"]:
            place = self._ask(
                "get_shard_iterator", StreamName=self._stream, ShardId=shard["ShardId"],
                ShardIteratorType="AT_TIMESTAMP", Timestamp=self._since,
            )["ShardIterator"]  # fmt: skip
            while place:
                page = self._ask("get_records", ShardIterator=place, Limit=_MOST_RECORDS)
                for record in page["Records"]:
                    if event := from_structured(record["Data"].decode("utf-8", errors="replace"), topic):
                        yield event
                place = page.get("NextShardIterator") if page["MillisBehindLatest"] or page["Records"] else None
                time.sleep(_READ_EVERY_SECONDS)

    def end(self, topic: str) -> None:
        """Leave the records: nobody deletes from a stream."""
        self._client.close()

    def _ask(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, operation)(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "Unknown")
            raise BackendUnreadable(f"Kinesis refuses: {code}.") from None
        except BotoCoreError as error:
            # The library's text names the address.
            raise BackendUnreadable(f"Kinesis does not answer: {type(error).__name__}.") from None
