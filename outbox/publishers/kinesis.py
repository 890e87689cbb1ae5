"""`EVENT_PUBLISHER=kinesis`: one record per event in a stream; its data is the CloudEvent in structured mode."""

from collections.abc import Mapping, Sequence
from typing import Any

from outbox.decisions.outcomes import Outcome, Sent
from outbox.publishers.aws import AwsPublisher
from outbox.publishers.aws_calls import entry_failure
from outbox.publishers.base import Event
from outbox.publishers.structured import structured


class KinesisPublisher(AwsPublisher):
    """Put records: the partition key is the event's key, so a key is one shard."""

    name = "kinesis"
    service = "kinesis"
    most_entries = 500
    # What every region takes; newer ones take 10 MiB, of one record too.
    most_bytes, most_entry_bytes = 5 * 1024 * 1024, 1024 * 1024

    def __init__(self, *, stream: str, region: str, endpoint_url: str | None = None) -> None:
        super().__init__(region=region, endpoint_url=endpoint_url)
        self._stream = stream

    def entry(self, event: Event) -> tuple[Mapping[str, Any], int]:
        """Return the record and its size as AWS counts it: the data and the partition key."""
        data = structured(event).encode()
        return {"Data": data, "PartitionKey": event.key}, len(data) + len(event.key.encode())

    def call(self, client: Any, entries: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """Put the records; the receipt is the shard and the sequence number."""
        answer = client.put_records(StreamName=self._stream, Records=list(entries))
        return [_outcome(record) for record in answer.get("Records", [])]


def _outcome(record: Mapping[str, str]) -> Outcome:
    if code := record.get("ErrorCode"):
        return entry_failure(code)
    return Sent(f"{record['ShardId']}:{record['SequenceNumber']}")
