"""Redis streams: refusals in the middle of a batch, a server that is full, away, silent or wants a password."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from outbox.decisions.outcomes import Failed, Sent
from outbox.publishers.base import BackendDown
from outbox.publishers.redis import RedisPublisher
from tests.outbox.brokers import RedisServer, redis_server
from tests.outbox.publishers.world import Seconds, Shortened, event, new_topic, sized, words
from tests.servers import raw_server

PREFIX = "kaireon:"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@contextmanager
def publishing(server: RedisServer, *, max_length: int = 0) -> Iterator[RedisPublisher]:
    with closing(RedisPublisher(server.url, prefix=PREFIX, max_length=max_length)) as publisher:
        yield publisher


def stream(server: RedisServer, topic: str) -> list[tuple[str, dict[str, str]]]:
    with server.client as client:
        return list(client.xrange(PREFIX + topic))


def test_the_receipt_is_the_entry(session_redis: RedisServer) -> None:
    topic = new_topic()

    with publishing(session_redis) as publisher:
        outcomes = publisher.publish([event(topic), event(topic)], Seconds(5))

    assert outcomes == [Sent(entry) for entry, _ in stream(session_redis, topic)]


def test_without_a_limit_nothing_is_trimmed(session_redis: RedisServer) -> None:
    topic = new_topic()

    with publishing(session_redis) as publisher:
        publisher.publish([event(topic, f"c-{at}") for at in range(2500)], Seconds(10))

    assert len(stream(session_redis, topic)) == 2500


def test_a_limit_trims_the_oldest_about_there(session_redis: RedisServer) -> None:
    topic = new_topic()
    events = [event(topic, f"c-{at}") for at in range(2500)]

    with publishing(session_redis, max_length=500) as publisher:
        publisher.publish(events, Seconds(10))

    kept = stream(session_redis, topic)
    assert 500 <= len(kept) <= 700
    assert kept[-1][1]["id"] == events[-1].id


def test_a_stream_that_is_something_else_holds_the_keys_it_has_and_nobody_else(session_redis: RedisServer) -> None:
    good, bad = new_topic(), new_topic()
    with session_redis.client as client:
        client.set(PREFIX + bad, "a string")
    events = [event(good, "a"), event(bad, "b"), event(good, "b"), event(good, "c"), event(bad, "b"), event(good, "a")]

    with publishing(session_redis) as publisher:
        outcomes = publisher.publish(events, Seconds(5))

    assert words(outcomes) == ["sent", "transient", "not sent", "sent", "not sent", "sent"]
    assert isinstance(outcomes[1], Failed)
    assert outcomes[1].reason.startswith("Redis: WRONGTYPE ")
    assert [fields["id"] for _, fields in stream(session_redis, good)] == [events[0].id, events[3].id, events[5].id]


def test_a_key_that_failed_is_held_back_in_the_calls_that_follow(session_redis: RedisServer) -> None:
    good, bad = new_topic(), new_topic()
    with session_redis.client as client:
        client.set(PREFIX + bad, "a string")
    # More than one call takes.
    events = [event(bad, "b"), *(event(good, f"c-{at}") for at in range(1200)), event(good, "b"), event(good, "c-0")]

    with publishing(session_redis) as publisher:
        outcomes = publisher.publish(events, Seconds(10))

    assert words(outcomes) == ["transient", *["sent"] * 1200, "not sent", "sent"]


def test_a_batch_of_large_payloads_goes_in_several_calls(session_redis: RedisServer) -> None:
    topic = new_topic()

    with publishing(session_redis) as publisher:
        outcomes = publisher.publish([sized(topic, "c-1", 240_000) for _ in range(60)], Seconds(20))

    assert words(outcomes) == ["sent"] * 60
    with session_redis.client as client:
        client.delete(PREFIX + topic)


def test_a_server_that_is_full_is_down_and_takes_nothing(server: RedisServer) -> None:
    topic = new_topic()
    with publishing(server) as publisher, server.client as client:
        client.config_set("maxmemory", 1)
        with pytest.raises(BackendDown, match="OOM") as down:
            publisher.publish([event(topic, "a"), event(topic, "b")], Seconds(5))
        client.config_set("maxmemory", 0)
        outcomes = publisher.publish([event(topic, "a"), event(topic, "b")], Seconds(5))

    assert down.value.is_transient
    assert words(outcomes) == ["sent", "sent"]
    assert len(stream(server, topic)) == 2


def test_a_batch_that_fills_the_server_keeps_what_was_taken_and_the_next_call_says_down() -> None:
    topic = new_topic()
    with redis_server("--maxmemory", "12mb", "--maxmemory-policy", "noeviction") as server:
        with publishing(server) as publisher:
            events = [sized(topic, f"c-{at}", 250_000) for at in range(80)]
            outcomes = publisher.publish(events, Seconds(20))
            with pytest.raises(BackendDown, match="OOM"):
                publisher.publish(events, Seconds(5))
        arrived = len(stream(server, topic))

    assert words(outcomes) == [*["sent"] * arrived, *["not sent"] * (80 - arrived)]
    assert 0 < arrived < 80


def test_a_server_that_restarts_between_two_batches_costs_nothing(server: RedisServer) -> None:
    topic = new_topic()
    with publishing(server) as publisher:
        publisher.publish([event(topic)], Seconds(5))
        server.stop()
        server.start()

        outcomes = publisher.publish([event(topic)], Seconds(5))

    assert words(outcomes) == ["sent"]


def test_a_server_that_is_away_is_down_until_it_is_back(server: RedisServer) -> None:
    topic = new_topic()
    with publishing(server) as publisher:
        publisher.publish([event(topic)], Seconds(5))
        server.stop()
        for _ in range(2):
            with pytest.raises(BackendDown) as down:
                publisher.publish([event(topic)], Seconds(5))
            assert down.value.is_transient
        server.start()

        assert words(publisher.publish([event(topic)], Seconds(5))) == ["sent"]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:{port}/0", "redis://:wr0ng-password@127.0.0.1:{port}/0"])
def test_refused_credentials_want_an_operator_and_are_not_told(url: str) -> None:
    with redis_server(password="r1ght-password") as server:
        publisher = RedisPublisher(url.format(port=server.port), prefix=PREFIX)
        with closing(publisher), pytest.raises(BackendDown) as down:
            publisher.publish([event(new_topic())], Seconds(5))

    assert not down.value.is_transient
    for secret in ("password", "127.0.0.1", str(server.port)):
        assert secret not in str(down.value).replace("NOAUTH", "")


def test_the_right_password_is_taken() -> None:
    with redis_server(password="r1ght-password") as server, publishing(server) as publisher:
        assert words(publisher.publish([event(new_topic())], Seconds(5))) == ["sent"]


def test_a_user_without_the_right_to_scripts_wants_an_operator(server: RedisServer) -> None:
    with server.client as client:
        client.execute_command("ACL", "SETUSER", "writer", "on", ">pw", "~*", "+@all", "-@scripting")
    publisher = RedisPublisher(f"redis://writer:pw@127.0.0.1:{server.port}/0", prefix=PREFIX)

    with closing(publisher), pytest.raises(BackendDown) as down:
        publisher.publish([event(new_topic())], Seconds(5))

    assert not down.value.is_transient


def test_a_replica_is_down_until_it_is_promoted(server: RedisServer) -> None:
    topic = new_topic()
    with publishing(server) as publisher, server.client as client:
        client.replicaof("127.0.0.1", "1")
        with pytest.raises(BackendDown, match="read only") as down:
            publisher.publish([event(topic)], Seconds(5))
        client.replicaof("NO", "ONE")

        assert down.value.is_transient
        assert words(publisher.publish([event(topic)], Seconds(5))) == ["sent"]


@pytest.mark.parametrize("time_left", [Seconds, Shortened], ids=["the time is up", "the process is stopped"])
def test_a_server_that_does_not_answer_is_left_when_the_time_is_up(
    server: RedisServer, time_left: type[Seconds]
) -> None:
    topic = new_topic()
    with publishing(server) as publisher, server.client as client:
        publisher.publish([event(topic)], Seconds(5))
        client.execute_command("CLIENT", "PAUSE", "3000", "ALL")
        began = time.monotonic()

        with pytest.raises(BackendDown) as down:
            publisher.publish([event(topic)], Shortened(looks=8) if time_left is Shortened else Seconds(0.5))

        assert time.monotonic() - began < 2
        assert down.value.is_transient


def test_an_answer_that_comes_late_is_not_taken_for_the_next_one(server: RedisServer) -> None:
    topic = new_topic()
    late, next_one = event(topic, number=1), event(topic, number=2)
    with publishing(server) as publisher, server.client as client:
        publisher.publish([event(topic)], Seconds(5))
        client.execute_command("CLIENT", "PAUSE", "600", "ALL")
        with pytest.raises(BackendDown):
            publisher.publish([late], Seconds(0.2))

        (outcome,) = publisher.publish([next_one], Seconds(10))

    assert isinstance(outcome, Sent)
    assert {fields["id"] for entry, fields in stream(server, topic) if entry == outcome.receipt} == {next_one.id}


def test_a_server_that_hangs_up_instead_of_answering_is_down() -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.recv(100)

    with raw_server(hang_up) as port:
        publisher = RedisPublisher(f"redis://127.0.0.1:{port}/0", prefix=PREFIX)
        with closing(publisher), pytest.raises(BackendDown) as down:
            publisher.publish([event(new_topic())], Seconds(5))

    assert down.value.is_transient
    assert str(port) not in str(down.value)
