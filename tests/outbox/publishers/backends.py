"""Each back end as the contract's tests see it: a publisher, what arrived, and the same publisher facing nobody."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from kaireon.platform.env import MountedSecretsEnv
from outbox.publishers.base import Publisher
from outbox.publishers.registry import make_publisher
from tests.outbox.brokers import KafkaCluster, RedisServer
from tests.servers import unused_port

REGION = "eu-central-1"
BUS, STREAM = "events", "events"
NOBODY = "127.0.0.1"


class Arrived(NamedTuple):
    """An event as a reader finds it: its CloudEvents attributes, the envelope, and its key at the back end."""

    attributes: dict[str, str]
    data: dict[str, Any]
    key: str


class Backend(ABC):
    """A back end that runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    @abstractmethod
    def variables(self) -> dict[str, str]:
        """Return what the operator sets."""

    @property
    @abstractmethod
    def unreachable(self) -> dict[str, str]:
        """Return the variables that lead to nobody."""

    @abstractmethod
    def read(self, topics: Sequence[str], count: int) -> list[Arrived]:
        """Return what arrived under the topics, up to `count`; in order within a key."""

    def publisher(self, **changed: str) -> Publisher:
        """Make a publisher from the variables."""
        return make_publisher(MountedSecretsEnv({**self.variables, **changed}), self.folder)


class Log(Backend):
    """The file."""

    @property
    def variables(self) -> dict[str, str]:
        """Return what the operator sets."""
        return {"EVENT_PUBLISHER": "log"}

    @property
    def unreachable(self) -> dict[str, str]:
        """Return the variables that lead to nobody."""
        (self.folder / "file").touch()
        return {"OUTBOX_LOG_FILE": str(self.folder / "file" / "events.jsonl")}

    def read(self, topics: Sequence[str], count: int) -> list[Arrived]:
        """Return what arrived under the topics."""
        path = self.folder / "events.jsonl"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return [arrived for line in lines if (arrived := structured(line)).attributes["type"] in topics]


class Redis(Backend):
    """Streams."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        super().__init__(folder)
        self.server = server

    @property
    def variables(self) -> dict[str, str]:
        """Return what the operator sets."""
        return {"EVENT_PUBLISHER": "redis", "REDIS_URL": self.server.url}

    @property
    def unreachable(self) -> dict[str, str]:
        """Return the variables that lead to nobody."""
        return {"REDIS_URL": f"redis://:s3cret@{NOBODY}:{unused_port()}/0"}

    def read(self, topics: Sequence[str], count: int) -> list[Arrived]:
        """Return what arrived under the topics."""
        found = []
        with self.server.client as client:
            for topic in topics:
                for _, fields in client.xrange(f"kaireon:{topic}"):
                    data = json.loads(fields.pop("data"))
                    found.append(Arrived(fields, data, fields["partitionkey"]))
        return found


class Kafka(Backend):
    """Topics."""

    def __init__(self, folder: Path, cluster: KafkaCluster) -> None:
        super().__init__(folder)
        self.cluster = cluster

    @property
    def variables(self) -> dict[str, str]:
        """Return what the operator sets."""
        return {"EVENT_PUBLISHER": "kafka", "KAFKA_BOOTSTRAP_SERVERS": self.cluster.bootstrap}

    @property
    def unreachable(self) -> dict[str, str]:
        """Return the variables that lead to nobody."""
        servers = f"{NOBODY}:{unused_port()}"
        return {"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_DELIVERY_TIMEOUT_MS": "300"}

    def read(self, topics: Sequence[str], count: int) -> list[Arrived]:
        """Return what arrived under the topics."""
        found = []
        for message in self.cluster.read(*topics, count=count, timeout=10 if count else 0.5):
            headers = {name: value.decode() for name, value in _pairs(message)}
            assert headers.pop("content-type") == "application/json"
            attributes = {name.removeprefix("ce_"): value for name, value in headers.items()}
            key, value = message.key(), message.value()
            assert key is not None
            assert value is not None
            found.append(Arrived(attributes | {"datacontenttype": "application/json"}, json.loads(value), key.decode()))
        return found


class Aws(Backend):
    """Moto's AWS."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self.url = url

    @property
    def variables(self) -> dict[str, str]:
        """Return what the operator sets."""
        names = {"EVENTBRIDGE_BUS_NAME": BUS, "KINESIS_STREAM_NAME": STREAM}
        return {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION, **names}

    @property
    def unreachable(self) -> dict[str, str]:
        """Return the variables that lead to nobody."""
        return {"AWS_ENDPOINT_URL": f"http://{NOBODY}:{unused_port()}"}

    def client(self, service: str) -> Any:
        """Return a client of the service."""
        return boto3.client(service, region_name=REGION, endpoint_url=self.url)


class EventBridge(Aws):
    """A bus whose one rule sends everything to one queue, from which each test reads and keeps what is its own."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder, url)
        events, queues = self.client("events"), self.client("sqs")
        self.queue = queues.create_queue(QueueName=BUS)["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        if BUS not in {bus["Name"] for bus in events.list_event_buses()["EventBuses"]}:
            events.create_event_bus(Name=BUS)
        events.put_rule(Name=BUS, EventBusName=BUS, EventPattern=json.dumps({"source": ["kaireon"]}))
        events.put_targets(Rule=BUS, EventBusName=BUS, Targets=[{"Id": "queue", "Arn": arn}])

    @property
    def variables(self) -> dict[str, str]:
        """Return what the operator sets."""
        return super().variables | {"EVENT_PUBLISHER": "eventbridge"}

    def read(self, topics: Sequence[str], count: int) -> list[Arrived]:
        """Return what arrived under the topics."""
        queues = self.client("sqs")
        found: list[Arrived] = []
        while messages := queues.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                body = json.loads(message["Body"])
                assert body["source"] == "kaireon"
                arrived = structured(json.dumps(body["detail"]))
                assert body["detail-type"] == arrived.attributes["type"]
                assert body["time"] == arrived.attributes["time"][:19] + "Z"
                found.append(arrived)
                queues.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [arrived for arrived in found if arrived.attributes["type"] in topics]


class Kinesis(Aws):
    """A stream with two shards."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder, url)
        client = self.client("kinesis")
        if STREAM not in client.list_streams()["StreamNames"]:
            client.create_stream(StreamName=STREAM, ShardCount=2)
            client.get_waiter("stream_exists").wait(StreamName=STREAM)

    @property
    def variables(self) -> dict[str, str]:
        """Return what the operator sets."""
        return super().variables | {"EVENT_PUBLISHER": "kinesis"}

    def read(self, topics: Sequence[str], count: int) -> list[Arrived]:
        """Return what arrived under the topics."""
        client = self.client("kinesis")
        found = []
        for shard in client.list_shards(StreamName=STREAM)["Shards"]:
            place = client.get_shard_iterator(
                StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]  # fmt: skip
            for record in client.get_records(ShardIterator=place)["Records"]:
                arrived = structured(record["Data"].decode())
                assert record["PartitionKey"] == arrived.key
                found.append(arrived)
        return [arrived for arrived in found if arrived.attributes["type"] in topics]


def _pairs(message: Any) -> list[tuple[str, bytes]]:
    return list(message.headers() or [])


def structured(text: str) -> Arrived:
    """Take a CloudEvent in structured mode apart."""
    attributes = json.loads(text)
    data = attributes.pop("data")
    return Arrived(attributes, data, attributes["partitionkey"])
