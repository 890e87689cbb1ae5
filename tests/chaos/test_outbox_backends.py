"""Publisher processes whose broker goes away and comes back: everything arrives in order, and no attempt is burnt."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from outbox.models import DeadLetter, OutboxEvent
from tests.chaos.publishers import TOPIC, Arrivals, PublisherProcess, Writer, count_left, publishing, wait_until
from tests.outbox.brokers import PRODUCE, KafkaCluster, RedisServer, kafka_cluster, redis_server

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400), pytest.mark.django_db(transaction=True)]
TENANT = uuid.UUID(int=7)
NOT_ENOUGH_REPLICAS = 19


def refusals(publisher: PublisherProcess) -> list[bool]:
    """Return the transience of each turn that the back end refused."""
    failed = publisher.entries("loop.failed")
    assert {entry["message"] for entry in failed} <= {"outbox-publisher tick failed"}
    assert all(entry["errorId"] for entry in failed)
    return [entry["isTransient"] for entry in failed]


def assert_nothing_is_burnt() -> None:
    """Assert that what waits has no attempt against it, holds nothing and is not dead."""
    attempts = set(OutboxEvent.objects.across_tenants().values_list("attempts", "is_held"))
    assert attempts == {(0, False)}
    assert not DeadLetter.objects.across_tenants().exists()


def arrived_in_redis(server: RedisServer) -> Arrivals:
    """Return what the topic's stream has."""
    with server.client as client:
        entries = [fields for _, fields in client.xrange(f"kaireon:{TOPIC}")]
    return Arrivals(
        (each["id"], each["partitionkey"], json.loads(each["data"])["payload"]["number"]) for each in entries
    )


def arrived_in_kafka(cluster: KafkaCluster, count: int) -> Arrivals:
    """Return what the topic has, when so many messages are expected at least."""
    events = []
    messages: list[Any] = cluster.read(TOPIC, count=count, timeout=20)
    for message in messages:
        event_id = dict(message.headers())["ce_id"].decode()
        events.append((event_id, message.key().decode(), json.loads(message.value())["payload"]["number"]))
    return Arrivals(events)


def test_redis_that_is_killed_and_started_again_gets_everything(tmp_path: Path) -> None:
    writer = Writer(TENANT)
    with (
        redis_server("--appendonly", "yes", "--appendfsync", "always") as server,
        publishing(tmp_path, 2, EVENT_PUBLISHER="redis", REDIS_URL=server.url) as publishers,
    ):
        writer.write(50)
        wait_until(lambda: count_left() == 0)
        server.stop()
        writer.write(50)
        wait_until(lambda: all(len(refusals(each)) >= 2 for each in publishers))
        assert_nothing_is_burnt()
        assert count_left() == 50
        server.start()
        wait_until(lambda: count_left() == 0)
        arrivals = arrived_in_redis(server)

        assert [each.process.poll() for each in publishers] == [None, None]
        assert all(all(refusals(each)) for each in publishers)
    arrivals.assert_complete(writer)


def test_kafka_that_goes_down_and_comes_up_gets_everything(tmp_path: Path) -> None:
    writer = Writer(TENANT)
    with (
        kafka_cluster() as cluster,
        publishing(
            tmp_path, EVENT_PUBLISHER="kafka", KAFKA_BOOTSTRAP_SERVERS=cluster.bootstrap, KAFKA_DELIVERY_TIMEOUT_MS=1000
        ) as (publisher,),
    ):
        writer.write(50)
        wait_until(lambda: count_left() == 0)
        cluster.tell("down")
        writer.write(50)
        wait_until(lambda: len(refusals(publisher)) >= 2)
        assert_nothing_is_burnt()
        assert count_left() == 50
        cluster.tell("up")
        wait_until(lambda: count_left() == 0)
        arrivals = arrived_in_kafka(cluster, writer.total)

        assert publisher.process.poll() is None
        assert all(refusals(publisher))
    arrivals.assert_complete(writer)


def test_kafka_that_refuses_for_a_while_gets_everything_in_order(tmp_path: Path) -> None:
    writer = Writer(TENANT)
    with kafka_cluster() as cluster:
        cluster.tell("errors", PRODUCE, NOT_ENOUGH_REPLICAS, 5)
        with publishing(tmp_path, 2, EVENT_PUBLISHER="kafka", KAFKA_BOOTSTRAP_SERVERS=cluster.bootstrap):
            writer.write(60)
            wait_until(lambda: count_left() == 0)
        arrivals = arrived_in_kafka(cluster, writer.total)

    arrivals.assert_complete(writer)
    assert not DeadLetter.objects.across_tenants().exists()
