"""Kafka: what arrives, what the cluster refuses, and whom a refusal holds."""

import socket
from contextlib import closing

import pytest
from confluent_kafka import KafkaError

from outbox.decisions.outcomes import Failed, Sent
from outbox.publishers.base import BackendDown
from outbox.publishers.kafka import KafkaPublisher
from tests.outbox.brokers import PRODUCE, PRODUCER_ID, KafkaCluster
from tests.outbox.publishers.kafka_world import TRANSPORT, ids, numbered, publishing
from tests.outbox.publishers.world import GLOBEX, Seconds, event, new_topic, sized, words
from tests.servers import new_authority, raw_server


def test_the_topic_is_prefixed_and_a_key_stays_on_one_partition(cluster: KafkaCluster) -> None:
    topic = new_topic()
    cluster.tell("topic", f"shop.{topic}", 8)

    with publishing(cluster, prefix="shop.") as publisher:
        publisher.publish(numbered(topic, 40, keys=5), Seconds(10))

    places = {(message.key(), message.partition()) for message in cluster.read(f"shop.{topic}", count=40)}
    assert len(places) == 5


def test_a_customer_has_one_partition_whatever_the_tenant(cluster: KafkaCluster) -> None:
    topic = new_topic()
    cluster.tell("topic", topic, 8)

    with publishing(cluster) as publisher:
        publisher.publish([event(topic, "c-1"), event(topic, "c-1", tenant=GLOBEX)], Seconds(10))

    assert len({message.partition() for message in cluster.read(topic, count=2)}) == 1


def test_the_receipt_is_partition_and_offset(cluster: KafkaCluster) -> None:
    topic = new_topic()
    cluster.tell("topic", topic, 1)

    with publishing(cluster) as publisher:
        outcomes = publisher.publish(numbered(topic, 2), Seconds(10))

    assert outcomes == [Sent("0-0"), Sent("0-1")]


def test_a_message_too_large_for_the_client_is_permanent_and_holds_its_key(cluster: KafkaCluster) -> None:
    topic, other = new_topic(), new_topic()
    events = [event(topic, "a"), sized(topic, "b", 1_100_000), event(topic, "b"), event(other, "b"), event(topic, "a")]

    with publishing(cluster) as publisher:
        outcomes = publisher.publish(events, Seconds(10))

    assert words(outcomes) == ["sent", "permanent", "not sent", "not sent", "sent"]
    assert outcomes[1] == Failed("Kafka: Broker: Message size too large", is_transient=False)
    assert ids(cluster, topic, count=3, timeout=1) == [events[0].id, events[4].id]


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE, KafkaError.INVALID_RECORD,
        KafkaError.POLICY_VIOLATION,
    ],
)  # fmt: skip
def test_a_refused_batch_is_sent_again_one_by_one_and_nobody_suffers_for_another(
    cluster: KafkaCluster, code: int
) -> None:
    topic = new_topic()
    cluster.tell("topic", topic, 1)
    events = numbered(topic, 20, keys=4)
    with publishing(cluster) as publisher:
        publisher.publish([event(topic, "warm")], Seconds(10))
        # The batch, and then the first message that goes alone.
        cluster.tell("errors", PRODUCE, code, 2)

        outcomes = publisher.publish(events, Seconds(20))

    assert words(outcomes) == ["permanent" if at == 0 else "not sent" if at % 4 == 0 else "sent" for at in range(20)]
    arrived = ids(cluster, topic, count=17, timeout=2)
    assert sorted(arrived[1:]) == sorted(one.id for one in events if one.key != "c-0")
    for key in range(1, 4):
        mine = [one.id for one in events if one.key == f"c-{key}"]
        assert [one for one in arrived if one in mine] == mine


def test_a_refusal_that_does_not_repeat_costs_nobody_anything(cluster: KafkaCluster) -> None:
    topic = new_topic()
    events = numbered(topic, 30, keys=3)
    with publishing(cluster) as publisher:
        cluster.tell("errors", PRODUCE, KafkaError.INVALID_RECORD, 1)

        outcomes = publisher.publish(events, Seconds(20))

    assert words(outcomes) == ["sent"] * 30
    assert len(set(ids(cluster, topic, count=30))) == 30


@pytest.mark.parametrize("code", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART])
def test_a_topic_that_cannot_be_written_holds_the_keys_it_has_and_nobody_else(cluster: KafkaCluster, code: int) -> None:
    good, bad = new_topic(), new_topic()
    cluster.tell("refuse", bad, code)
    events = [event(good, "a"), event(bad, "b"), event(good, "c"), event(good, "b"), event(bad, "b")]

    with publishing(cluster) as publisher:
        outcomes = publisher.publish(events, Seconds(20))
        again = publisher.publish([event(good, "d"), event(bad, "e")], Seconds(20))

    assert words(outcomes) == ["sent", "transient", "sent", "not sent", "not sent"]
    assert words(again) == ["sent", "transient"]
    assert len(ids(cluster, good, count=4, timeout=1)) == 3


def test_a_topic_refused_by_the_partition_itself_is_transient(cluster: KafkaCluster) -> None:
    topic = new_topic()
    with publishing(cluster) as publisher:
        publisher.publish([event(topic, "warm")], Seconds(10))
        cluster.tell("errors", PRODUCE, KafkaError.TOPIC_AUTHORIZATION_FAILED, 10)

        outcomes = publisher.publish([event(topic, "a"), event(topic, "a")], Seconds(10))

    assert words(outcomes) == ["transient", "not sent"]
    assert outcomes[0] == Failed("Kafka: Broker: Topic authorization failed", is_transient=True)


@pytest.mark.parametrize(
    "code", [KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.UNKNOWN_PRODUCER_ID]
)
def test_a_fenced_producer_is_made_anew(cluster: KafkaCluster, code: int) -> None:
    topic = new_topic()
    cluster.tell("topic", topic, 1)
    first, second, third = (numbered(topic, 5) for _ in range(3))
    with publishing(cluster) as publisher:
        publisher.publish(first, Seconds(10))
        cluster.tell("errors", PRODUCE, code, 1)

        outcomes = [*publisher.publish(second, Seconds(20)), *publisher.publish(third, Seconds(20))]

    assert words(outcomes) == ["sent"] * 10
    assert ids(cluster, topic, count=15) == [one.id for one in (*first, *second, *third)]


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NOT_ENOUGH_REPLICAS, KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND, TRANSPORT,
    ],
)  # fmt: skip
def test_what_the_client_can_repeat_by_itself_is_no_failure(cluster: KafkaCluster, code: int) -> None:
    topic = new_topic()
    cluster.tell("topic", topic, 1)
    events = numbered(topic, 10)
    with publishing(cluster) as publisher:
        publisher.publish([event(topic, "warm")], Seconds(10))
        cluster.tell("errors", PRODUCE, code, 2)

        outcomes = publisher.publish(events, Seconds(20))

    assert words(outcomes) == ["sent"] * 10
    # Ten of one key, with as many requests in flight as the client likes: none overtakes another.
    arrived = ids(cluster, topic, count=11)[1:]
    assert list(dict.fromkeys(arrived)) == [one.id for one in events]


def test_a_client_that_may_not_produce_at_all_wants_an_operator(cluster: KafkaCluster) -> None:
    cluster.tell("errors", PRODUCER_ID, KafkaError.CLUSTER_AUTHORIZATION_FAILED, 5)

    with publishing(cluster) as publisher, pytest.raises(BackendDown, match="Cluster authorization failed") as down:
        publisher.publish([event(new_topic())], Seconds(10))

    assert not down.value.is_transient


def test_right_given_later_is_used_without_a_restart(cluster: KafkaCluster) -> None:
    topic = new_topic()
    cluster.tell("errors", PRODUCER_ID, KafkaError.CLUSTER_AUTHORIZATION_FAILED, 1)
    with publishing(cluster) as publisher:
        with pytest.raises(BackendDown):
            publisher.publish([event(topic)], Seconds(10))

        assert words(publisher.publish([event(topic)], Seconds(10))) == ["sent"]


def test_settings_that_the_client_does_not_take_are_told_without_their_values(cluster: KafkaCluster) -> None:
    settings = {"bootstrap.servers": cluster.bootstrap, "security.protocol": "SSL", "ssl.ca.location": "/dev/null"}
    publisher = KafkaPublisher(settings, prefix="")

    with pytest.raises(BackendDown) as down:
        publisher.publish([event(new_topic())], Seconds(5))

    assert not down.value.is_transient
    assert "/dev/null" not in str(down.value)


def test_a_certificate_that_nobody_vouches_for_wants_an_operator() -> None:
    context = new_authority().server_context("127.0.0.1")

    def shake_hands(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(100)

    with raw_server(shake_hands) as port:
        settings = {"bootstrap.servers": f"127.0.0.1:{port}", "security.protocol": "SSL"}
        publisher = KafkaPublisher(settings, prefix="", delivery_seconds=1)
        with closing(publisher), pytest.raises(BackendDown, match="SSL") as down:
            publisher.publish([event(new_topic())], Seconds(5))

    assert not down.value.is_transient
    assert str(port) not in str(down.value)
