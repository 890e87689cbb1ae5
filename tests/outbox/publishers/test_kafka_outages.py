"""Kafka away, silent, half dead or moody: nothing is lost, nothing burnt for nothing, and keys stay in order."""

import random
import time

import pytest
from confluent_kafka import KafkaError

from outbox.decisions.outcomes import Failed
from outbox.publishers.base import BackendDown, Event
from outbox.publishers.kafka import KafkaPublisher
from tests.outbox.brokers import PRODUCE, KafkaCluster, kafka_cluster
from tests.outbox.publishers.kafka_world import TRANSPORT, ids, numbered, publishing, until_taken
from tests.outbox.publishers.world import Seconds, Shortened, event, new_topic, sized, words


def test_a_cluster_that_went_away_is_down_until_it_is_back(cluster: KafkaCluster) -> None:
    topic = new_topic()
    events = numbered(topic, 3)
    with publishing(cluster, delivery_seconds=1.5) as publisher:
        publisher.publish([event(topic, "warm")], Seconds(10))
        cluster.tell("down")
        for _ in range(2):
            with pytest.raises(BackendDown, match="Kafka") as down:
                publisher.publish(events, Seconds(10))
            assert down.value.is_transient
        cluster.tell("up")

        outcomes = until_taken(publisher, events)

    assert words(outcomes) == ["sent"] * 3
    arrived = ids(cluster, topic, count=5, timeout=2)
    assert [one for one in arrived if one in {sent.id for sent in events}] == [one.id for one in events]


def test_what_was_called_back_never_leaves_behind_the_tiers_back(cluster: KafkaCluster) -> None:
    topic = new_topic()
    warm, later = event(topic, "warm"), event(topic, "later")
    with publishing(cluster, delivery_seconds=1.5) as publisher:
        publisher.publish([warm], Seconds(10))
        cluster.tell("down")
        with pytest.raises(BackendDown):
            publisher.publish(numbered(topic, 10), Seconds(10))
        cluster.tell("up")

        until_taken(publisher, [later])

        assert set(ids(cluster, topic, count=12, timeout=2)) == {warm.id, later.id}


@pytest.mark.parametrize("time_left", [Seconds, Shortened], ids=["the time is up", "the process is stopped"])
def test_a_cluster_that_does_not_answer_is_left_when_the_time_is_up(
    cluster: KafkaCluster, time_left: type[Seconds]
) -> None:
    topic = new_topic()
    with publishing(cluster) as publisher:
        publisher.publish([event(topic, "warm")], Seconds(10))
        cluster.tell("rtt", 6000)
        began = time.monotonic()

        with pytest.raises(BackendDown, match="did not acknowledge"):
            publisher.publish([event(topic)], Shortened(looks=20) if time_left is Shortened else Seconds(1))

    assert time.monotonic() - began < 3


def test_an_event_whose_answer_was_lost_is_sent_again_in_order(cluster: KafkaCluster) -> None:
    topic = new_topic()
    cluster.tell("topic", topic, 1)
    events = numbered(topic, 3)
    with publishing(cluster) as publisher:
        publisher.publish([event(topic, "warm")], Seconds(10))
        cluster.tell("rtt", 2000)
        with pytest.raises(BackendDown):
            publisher.publish(events, Seconds(0.5))
        cluster.tell("rtt", 0)

        outcomes = until_taken(publisher, events)

    assert words(outcomes) == ["sent"] * 3
    arrived = ids(cluster, topic, count=10, timeout=2)[1:]
    assert list(dict.fromkeys(arrived)) == [one.id for one in events]


def test_one_dead_broker_holds_its_partitions_only_and_not_for_long() -> None:
    topic = new_topic()
    with kafka_cluster(brokers=2) as cluster:
        cluster.tell("topic", topic, 2)
        for partition in range(2):
            cluster.tell("leader", topic, partition, partition + 1)
        events = numbered(topic, 40, keys=20)
        with publishing(cluster, delivery_seconds=3) as publisher:
            assert words(publisher.publish(events, Seconds(10))) == ["sent"] * 40
            cluster.tell("down", 2)
            began = time.monotonic()

            outcomes = publisher.publish(events, Seconds(20))

    assert time.monotonic() - began < 8
    assert set(words(outcomes[:20])) == {"sent", "transient"}
    assert {tuple(pair) for pair in zip(words(outcomes[:20]), words(outcomes[20:]), strict=True)} == {
        ("sent", "sent"), ("transient", "not sent"),
    }  # fmt: skip
    assert Failed("Kafka did not acknowledge it in time", is_transient=True, is_outage=True) in outcomes


def test_a_local_refusal_while_the_cluster_is_away_is_told_and_the_rest_waits(cluster: KafkaCluster) -> None:
    topic = new_topic()
    with publishing(cluster, delivery_seconds=1.5) as publisher:
        publisher.publish([event(topic, "warm")], Seconds(10))
        cluster.tell("down")

        outcomes = publisher.publish([event(topic, "a"), sized(topic, "b", 1_100_000)], Seconds(5))

        assert words(outcomes) == ["not sent", "permanent"]
        with pytest.raises(BackendDown):
            publisher.publish([event(topic, "a")], Seconds(5))


TROUBLES: list[list[tuple[object, ...]]] = [
    [],
    [],
    [("errors", PRODUCE, KafkaError.MSG_SIZE_TOO_LARGE, 1)],
    [("errors", PRODUCE, KafkaError.INVALID_RECORD, 2)],
    [("errors", PRODUCE, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, 1)],
    [("errors", PRODUCE, KafkaError.NOT_LEADER_FOR_PARTITION, 2)],
    [("errors", PRODUCE, TRANSPORT, 3)],
    [("rtt", 1200)],
    [("down",)],
]
QUIET: list[tuple[object, ...]] = [("up",), ("rtt", 0), ("clear", PRODUCE)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_cluster_does_a_key_arrives_in_order_and_nothing_is_lost(seed: int) -> None:
    chance = random.Random(seed)
    topics = [new_topic(), new_topic()]
    events = [event(chance.choice(topics), f"c-{chance.randrange(12)}", number=at) for at in range(240)]
    waiting, dead = list(events), set[str]()
    with kafka_cluster() as cluster, publishing(cluster, delivery_seconds=0.8) as publisher:
        end = time.monotonic() + 80
        while waiting:
            assert time.monotonic() < end
            _tell(cluster, chance.choice(TROUBLES))
            gone = _publish_some(publisher, waiting[: chance.randrange(20, 80)], chance.choice([0.6, 3, 3]))
            dead |= {one.id for one, word in gone if word == "permanent"}
            for one, _ in gone:
                waiting.remove(one)
            _tell(cluster, QUIET)
        arrived = ids(cluster, *topics, count=len(events) * 10, timeout=3)

    assert {one.id for one in events} - dead <= set(arrived)
    lines: dict[tuple[str, str], list[str]] = {}
    for one in events:
        lines.setdefault((one.topic, one.key), []).append(one.id)
    for line in lines.values():
        assert [one for one in dict.fromkeys(arrived) if one in line and one not in dead] == [
            one for one in line if one not in dead
        ]


def _tell(cluster: KafkaCluster, commands: list[tuple[object, ...]]) -> None:
    for command in commands:
        cluster.tell(*command)


def _publish_some(publisher: KafkaPublisher, batch: list[Event], seconds: float) -> list[tuple[Event, str]]:
    """Return the events that the tier is done with: sent, or dead."""
    try:
        outcomes = words(publisher.publish(batch, Seconds(seconds)))
    except BackendDown:
        return []
    return [(one, word) for one, word in zip(batch, outcomes, strict=True) if word in {"sent", "permanent"}]
