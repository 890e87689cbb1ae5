"""Claim: the Kafka and the Redis publisher reach 0.8 of the bare client that sends the same messages, or more.

Beside them, in turns in one run: confluent-kafka's `produce` and `flush`, and a pipeline of XADD with redis-py. A batch
is 500 events of 500 bytes; `--rounds 5` is quicker. Kafka is librdkafka's mock cluster, as in the tests.
"""

import argparse
import importlib.metadata
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import redis  # noqa: E402 - the path first
from confluent_kafka import Producer  # noqa: E402

from kaireon.platform.env import MountedSecretsEnv  # noqa: E402
from outbox.decisions.outcomes import Sent  # noqa: E402
from outbox.publishers.base import Event, Publisher  # noqa: E402
from outbox.publishers.registry import make_publisher  # noqa: E402
from tests.outbox.brokers import kafka_cluster, redis_server  # noqa: E402

BATCH: Final = 500
KEYS: Final = 10_000
TOPIC, PARTITIONS = "interaction.recorded.v1", 4
PAYLOAD_BYTES: Final = 500
MARK: Final = 0.8

Send = Callable[[Sequence[Event]], None]


class Plenty:
    """Time that does not end."""

    def remaining(self) -> float:
        """Return a minute."""
        return 60.0


class Contender(NamedTuple):
    """One way to send a batch; `close` lets go of it. `rates` are events/s, a figure per round."""

    name: str
    send: Send
    close: Callable[[], None]
    rates: list[float]


def main() -> None:
    """Measure both back ends and print a table."""
    options = _options()
    print(_versions(), flush=True)
    print(f"{'':58}{'events/s':>10}{'least':>10}{'most':>10}")
    is_good = True
    with kafka_cluster(topics=[f"{TOPIC}:{PARTITIONS}"]) as cluster:
        is_good &= _compete(_kafka(cluster.bootstrap), options)
    if shutil.which("redis-server") is None:
        print("redis-server is not installed: Redis is left out")
    else:
        with redis_server() as server:
            is_good &= _compete(_redis(server.url), options)
    sys.exit(0 if is_good or not options.strict else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="rounds; every contender sends in each, in turn")
    parser.add_argument("--seconds", type=float, default=0.5, help="how long a contender sends in a round")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a mark is missed")
    return parser.parse_args()


def _versions() -> str:
    names = ("confluent-kafka", "redis")
    clients = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return f"Python {platform.python_version()}, {clients}, {os.cpu_count()} CPUs; batches of {BATCH}"


def _compete(contenders: Sequence[Contender], options: argparse.Namespace) -> bool:
    """Let the contenders send in turns; print them, and the first one's share of each of the others'."""
    batches = [[_event(at * BATCH + number) for number in range(BATCH)] for at in range(20)]
    for contender in contenders:
        contender.send(batches[0])
    for _ in range(options.rounds):
        for contender in contenders:
            contender.rates.append(_rate(contender.send, batches, options.seconds))
    for contender in contenders:
        contender.close()
        least, most = min(contender.rates), max(contender.rates)
        print(f"{contender.name:58}{statistics.median(contender.rates):10,.0f}{least:10,.0f}{most:10,.0f}")
    ours, bare = contenders[0], contenders[1]
    share = statistics.median(mine / other for mine, other in zip(ours.rates, bare.rates, strict=True))
    print(f"{ours.name}: {share:.2f} of {bare.name} (mark: at least {MARK})\n", flush=True)
    return share >= MARK


def _rate(send: Send, batches: Sequence[Sequence[Event]], seconds: float) -> float:
    began, sent = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        send(batches[sent // BATCH % len(batches)])
        sent += BATCH
    return sent / spent


def _event(number: int) -> Event:
    head = f'{{"customerId":"customer-{number % KEYS}","number":{number},"text":"'
    payload = head + "x" * (PAYLOAD_BYTES - len(head) - 2) + '"}'
    return Event(str(uuid.uuid4()), str(uuid.uuid4()), TOPIC, f"customer-{number % KEYS}", payload,
                 "2026-03-01T12:00:00.123Z")  # fmt: skip


def _ours(name: str, **variables: str) -> Contender:
    folder = Path(tempfile.mkdtemp(prefix="kaireon-bench-"))
    publisher: Publisher = make_publisher(MountedSecretsEnv(variables), folder)

    def send(events: Sequence[Event]) -> None:
        outcomes = publisher.publish(events, Plenty())
        assert all(isinstance(outcome, Sent) for outcome in outcomes)

    def close() -> None:
        publisher.close()
        shutil.rmtree(folder, ignore_errors=True)

    return Contender(name, send, close, [])


# --- Kafka


def _kafka(bootstrap: str) -> list[Contender]:
    ours = _ours("ours to Kafka", EVENT_PUBLISHER="kafka", KAFKA_BOOTSTRAP_SERVERS=bootstrap)
    same = _bare_kafka("bare produce + flush, the same messages", bootstrap, _headers)
    plain = _bare_kafka("bare produce + flush, without headers", bootstrap, _no_headers)
    return [ours, same, plain]


def _bare_kafka(name: str, bootstrap: str, headers: Callable[[Event], Any]) -> Contender:
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 1, "log_level": 0}
    )

    def send(events: Sequence[Event]) -> None:
        receipts: list[Any] = []

        def note(error: Any, message: Any) -> None:
            assert error is None
            receipts.append(message.offset())

        for event in events:
            producer.produce(event.topic, event.body, event.key, on_delivery=note, headers=headers(event))
        producer.flush()
        assert len(receipts) == len(events)

    return Contender(name, send, lambda: None, [])


def _headers(event: Event) -> list[tuple[str, str]]:
    return [
        ("ce_specversion", "1.0"), ("ce_source", "kaireon"), ("content-type", "application/json"), ("ce_id", event.id),
        ("ce_type", event.topic), ("ce_time", event.timestamp), ("ce_tenantid", event.tenant_id),
        ("ce_partitionkey", event.key),
    ]  # fmt: skip


def _no_headers(_: Event) -> list[tuple[str, str]]:
    return []


# --- Redis

# Streams of both, trimmed, so that the server's memory is no part of it.
MAX_LENGTH: Final = 10_000


def _redis(url: str) -> list[Contender]:
    ours = _ours("ours to Redis", EVENT_PUBLISHER="redis", REDIS_URL=url, OUTBOX_REDIS_MAXLEN=str(MAX_LENGTH))
    client = redis.Redis.from_url(url, decode_responses=True, protocol=2)

    def send(events: Sequence[Event]) -> None:
        pipeline = client.pipeline(transaction=False)
        for event in events:
            pipeline.xadd(f"bare:{event.topic}", _fields(event), maxlen=MAX_LENGTH)
        assert len(pipeline.execute()) == len(events)

    return [ours, Contender("bare pipeline of XADD, the same entries", send, client.close, [])]


def _fields(event: Event) -> Any:
    return {
        "id": event.id, "type": event.topic, "time": event.timestamp, "tenantid": event.tenant_id,
        "partitionkey": event.key, "data": event.body, "specversion": "1.0", "source": "kaireon",
        "datacontenttype": "application/json",
    }  # fmt: skip


if __name__ == "__main__":
    main()
