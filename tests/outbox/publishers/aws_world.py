"""EventBridge and Kinesis as a server that answers as told."""

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from outbox.publishers.aws import AwsPublisher
from outbox.publishers.eventbridge import EventBridgePublisher
from outbox.publishers.kinesis import KinesisPublisher
from tests.servers import Got, Receiver, Reply

REGION = "eu-central-1"
# What an entry's key meets: an error code, or nothing.
Errors = dict[str, str]


class Service(NamedTuple):
    """One of the two, against a receiver."""

    publisher: AwsPublisher
    receiver: Receiver
    data_of: Callable[[Got], list[dict[str, Any]]]

    @property
    def calls(self) -> list[list[str]]:
        """Return the keys of each call's entries."""
        return [self.keys_of(got) for got in self.receiver.got]

    @property
    def numbers(self) -> list[list[int]]:
        """Return the numbers in the payloads of each call's entries."""
        return [[one["data"]["payload"]["number"] for one in self.data_of(got)] for got in self.receiver.got]

    def keys_of(self, got: Got) -> list[str]:
        """Return the keys of a call's entries."""
        return [one["partitionkey"] for one in self.data_of(got)]

    def refuse(self, errors: Errors) -> None:
        """Answer the entries of these keys with their errors and take the others."""
        self.receiver.script = lambda got: answer(self.keys_of(got), errors, self.publisher.service)


def answer(keys: list[str], errors: Errors, service: str) -> Reply:
    """Take the entries of a call, except those whose key has an error."""
    taken = {"EventId": "e", "ShardId": "s", "SequenceNumber": "1"}
    entries = [
        {"ErrorCode": errors[key], "ErrorMessage": "arn:aws:secret"} if key in errors else taken for key in keys
    ]  # fmt: skip
    failed = sum(key in errors for key in keys)
    if service == "events":
        return as_json(200, {"FailedEntryCount": failed, "Entries": entries})
    return as_json(200, {"FailedRecordCount": failed, "Records": entries})


def as_json(status: int, body: Any) -> Reply:
    """Return a reply of AWS's JSON."""
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/x-amz-json-1.1"})


def refusal(code: str, status: int = 400) -> Reply:
    """Refuse a call as a whole."""
    return as_json(status, {"__type": code, "message": "for arn:aws:iam::123456789012:user/secret"})


def _bridge_data(got: Got) -> list[dict[str, Any]]:
    return [json.loads(entry["Detail"]) for entry in json.loads(got.body)["Entries"]]


def _kinesis_data(got: Got) -> list[dict[str, Any]]:
    records = json.loads(got.body)["Records"]
    data = [json.loads(base64.b64decode(record["Data"])) for record in records]
    assert [one["partitionkey"] for one in data] == [record["PartitionKey"] for record in records]
    return data


def made_service(name: str, receiver: Receiver) -> Service:
    """Make one of the two against a receiver, which takes everything until it is told otherwise."""
    url = receiver.url("/")
    publisher: AwsPublisher
    if name == "eventbridge":
        publisher = EventBridgePublisher(bus="events", region=REGION, endpoint_url=url)
        service = Service(publisher, receiver, _bridge_data)
    else:
        publisher = KinesisPublisher(stream="events", region=REGION, endpoint_url=url)
        service = Service(publisher, receiver, _kinesis_data)
    publisher.throttle_seconds = 0.4
    service.refuse({})
    return service
