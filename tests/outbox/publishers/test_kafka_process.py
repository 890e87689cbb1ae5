"""What the C library behind the Kafka publisher does to its process: its log, its threads, its end, its secrets."""

import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from outbox.publishers.base import BackendDown
from outbox.publishers.kafka import KafkaPublisher
from tests.chaos.processes import frozen
from tests.outbox.brokers import KafkaCluster
from tests.outbox.publishers.kafka_world import ids, numbered, publishing, until_taken
from tests.outbox.publishers.world import Seconds, event, new_topic, words
from tests.servers import raw_server, unused_port

PROGRAM = """
import json, sys, time
from outbox.publishers.base import BackendDown
from outbox.publishers.kafka import KafkaPublisher
from tests.outbox.publishers.world import Seconds, event
settings = json.loads(sys.argv[1])
publisher = KafkaPublisher(settings, prefix="", delivery_seconds=1)
said = []
for _ in range(2):
    try:
        publisher.publish([event("order.paid", payload={"secret": "of-the-payload"})], Seconds(2))
    except BackendDown as down:
        said.append([str(down), down.is_transient])
began = time.monotonic()
if "close" in sys.argv:
    publisher.close()
print(json.dumps({"said": said, "closed_in": time.monotonic() - began}))
"""


def run(settings: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Publish from a process of its own, and wait for its end."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(settings), *words], cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip


VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36
WRONG_PASSWORD = 58


def refuse_login(connection: socket.socket) -> None:
    """Speak as much of Kafka's protocol as a login needs, and say that it is wrong."""
    versions = b"".join(struct.pack(">hhhB", *each, 0) for each in ((HANDSHAKE, 0, 1), (AUTHENTICATE, 0, 0)))
    said = b"Authentication failed for kaireon-user"
    answers = {
        VERSIONS: struct.pack(">hB", 0, 3) + versions + struct.pack(">iB", 0, 0),
        HANDSHAKE: struct.pack(">hih", 0, 1, 5) + b"PLAIN",
        AUTHENTICATE: struct.pack(">hh", WRONG_PASSWORD, len(said)) + said + struct.pack(">i", 0),
    }
    while request := connection.recv(1000):
        correlation = request[8:12]
        answer = correlation + answers[struct.unpack(">h", request[4:6])[0]]
        connection.sendall(struct.pack(">i", len(answer)) + answer)


@pytest.mark.parametrize("manner", ["close", "leave"])
def test_a_process_without_a_broker_ends_at_once_and_prints_nothing_of_the_library(manner: str) -> None:
    ended = run({"bootstrap.servers": f"127.0.0.1:{unused_port()}"}, manner)

    (line,) = ended.stdout.splitlines()
    told = json.loads(line)
    assert [is_transient for _, is_transient in told["said"]] == [True, True]
    assert told["closed_in"] < 5
    assert ended.stderr == ""


def test_a_login_that_fails_wants_an_operator_and_tells_no_secret_on_any_output() -> None:
    with raw_server(refuse_login) as port:
        settings = {
            "bootstrap.servers": f"127.0.0.1:{port}", "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
            "sasl.username": "kaireon-user", "sasl.password": "s3cret-of-sasl",
        }  # fmt: skip
        ended = run(settings, "close")

    assert json.loads(ended.stdout)["said"] == [["Kafka: Local: Authentication failure", False]] * 2
    assert ended.stderr == ""
    for secret in ("s3cret-of-sasl", "kaireon-user", "of-the-payload", str(port)):
        assert secret not in ended.stdout


def test_a_broker_that_hangs_is_left_in_time_and_used_again_when_it_goes_on(cluster: KafkaCluster) -> None:
    topic = new_topic()
    events = numbered(topic, 3)
    with publishing(cluster, delivery_seconds=3) as publisher:
        until_taken(publisher, [event(topic, "warm")])
        with frozen(cluster.process.pid):
            began = time.monotonic()
            with pytest.raises(BackendDown, match="did not acknowledge") as down:
                publisher.publish(events, Seconds(30))
            took = time.monotonic() - began

        assert down.value.is_transient
        assert took < 15
        assert words(until_taken(publisher, events)) == ["sent"] * 3
    arrived = ids(cluster, topic, count=8, timeout=2)
    assert [one for one in dict.fromkeys(arrived) if one in {sent.id for sent in events}] == [one.id for one in events]


def test_closing_while_a_broker_hangs_does_not_hang(cluster: KafkaCluster) -> None:
    topic = new_topic()
    publisher = KafkaPublisher({"bootstrap.servers": cluster.bootstrap}, prefix="", delivery_seconds=3)
    until_taken(publisher, [event(topic, "warm")])
    with frozen(cluster.process.pid):
        with pytest.raises(BackendDown):
            publisher.publish(numbered(topic, 100), Seconds(30))
        began = time.monotonic()
        publisher.close()
        took = time.monotonic() - began

    assert took < 10


def test_a_publisher_made_before_a_fork_works_on_both_sides(cluster: KafkaCluster) -> None:
    topic = new_topic()
    program = f"""
import os
from outbox.publishers.kafka import KafkaPublisher
from tests.outbox.publishers.world import Seconds, event, words
publisher = KafkaPublisher({{"bootstrap.servers": "{cluster.bootstrap}"}}, prefix="")
child = os.fork()
assert words(publisher.publish([event("{topic}")], Seconds(30))) == ["sent"]
publisher.close()
if child:
    assert os.waitpid(child, 0)[1] == 0
"""

    subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[3], env={**os.environ, "PYTHONPATH": "."},
        check=True, timeout=90,
    )  # fmt: skip

    assert len(ids(cluster, topic, count=2)) == 2
