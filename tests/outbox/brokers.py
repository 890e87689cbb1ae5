"""Real back ends for tests, each a process of its own on a free port: Kafka's mock cluster, Redis, moto's AWS."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from confluent_kafka import Consumer, Message, TopicPartition

from tests.servers import unused_port

MOCK_KAFKA = Path(__file__).with_name("mock_kafka.py")
START_SECONDS = 20.0
PRODUCE, PRODUCER_ID = 0, 22


class KafkaCluster:
    """A mock cluster in a process of its own; `bootstrap` is what KAFKA_BOOTSTRAP_SERVERS takes."""

    def __init__(self, brokers: int = 1, topics: Sequence[str] = ()) -> None:
        arguments = [f"--topic={topic}" for topic in topics]
        self.process = subprocess.Popen(
            [sys.executable, str(MOCK_KAFKA), f"--brokers={brokers}", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.bootstrap = self._answer()

    def tell(self, *words: object) -> None:
        """Send a command of tests/outbox/mock_kafka.py and wait until it is done."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        assert self._answer() == "ok"

    def read(self, *topics: str, count: int, timeout: float = 20.0) -> list[Message]:
        """Return `count` messages from the beginnings of the topics, in order per partition; fewer when time is up."""
        return list(consume(self.bootstrap, topics, count=count, timeout=timeout))

    def close(self) -> None:
        """End the brokers."""
        self.process.communicate(timeout=10)

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line: str = self.process.stdout.readline().strip()
        assert line, "the mock cluster ended"
        return line


def consume(bootstrap: str, topics: Sequence[str], *, count: int, timeout: float = 20.0) -> Iterator[Message]:
    """Read messages from the beginning of every partition until `count` of them came or the time is up."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "reader", "auto.offset.reset": "earliest", "log_level": 0}
    consumer = Consumer(settings)
    try:
        consumer.assign([place for topic in topics for place in _partitions(consumer, topic)])
        end = time.monotonic() + timeout
        while count > 0 and time.monotonic() < end:
            for message in consumer.consume(num_messages=min(count, 1000), timeout=0.2):
                if message.error() is None:
                    count -= 1
                    yield message
    finally:
        consumer.close()


def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    known = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    return [TopicPartition(topic, partition, 0) for partition in known]


@contextmanager
def kafka_cluster(brokers: int = 1, topics: Sequence[str] = ()) -> Iterator[KafkaCluster]:
    """Run a mock cluster for the length of a block; a topic is `NAME:PARTITIONS`."""
    cluster = KafkaCluster(brokers, topics)
    try:
        yield cluster
    finally:
        cluster.close()


class RedisServer:
    """A Redis server that keeps nothing on disk unless `arguments` say so; it can end and start again on its port."""

    def __init__(self, *arguments: str, password: str = "") -> None:
        self.arguments = [*arguments, *(["--requirepass", password] if password else [])]
        self.port = unused_port()
        self.folder = tempfile.mkdtemp(prefix="kaireon-redis-")
        self.url = f"redis://:{password}@127.0.0.1:{self.port}/0" if password else f"redis://127.0.0.1:{self.port}/0"
        self.start()

    @property
    def client(self) -> "redis.Redis":
        """Return a client that answers with text; use it in a `with`."""
        return redis.Redis.from_url(self.url, decode_responses=True)

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder,
             "--save", "", "--appendonly", "no", *self.arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < end, "redis-server does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        """Kill it: what was not on disk is gone."""
        self.process.kill()
        self.process.wait(10)

    def close(self) -> None:
        """End it and take its folder away."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with self.client as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def redis_server(*arguments: str, password: str = "") -> Iterator[RedisServer]:
    """Run a Redis server for the length of a block; without the program skip and name it, except in CI."""
    if shutil.which("redis-server") is None:
        if os.environ.get("CI"):
            pytest.fail("Debian's redis-server is not installed; .ci/run installs it")
        pytest.skip("needs the program redis-server")
    server = RedisServer(*arguments, password=password)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def aws_server() -> Iterator[str]:
    """Run moto's AWS in a process of its own for the length of a block, and yield what AWS_ENDPOINT_URL takes."""
    port = unused_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(10)


def _wait_for_port(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            assert time.monotonic() < end, "the server does not listen"
            time.sleep(0.05)
