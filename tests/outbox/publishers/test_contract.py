"""What every back end owes to the tier."""

import logging
from contextlib import closing

import pytest

from outbox.decisions.events import MAX_PAYLOAD_BYTES
from outbox.publishers.base import BackendDown
from tests.outbox.publishers.backends import Backend
from tests.outbox.publishers.world import ACME, GLOBEX, WHEN, Seconds, event, new_topic, sized, words


def test_an_event_arrives_with_its_attributes_and_its_envelope(backend: Backend) -> None:
    topic = new_topic()
    sent = event(topic, "c-7", payload={"customerId": "c-7", "campaignId": None})

    with closing(backend.publisher()) as publisher:
        outcomes = publisher.publish([sent], Seconds(60))

    assert words(outcomes) == ["sent"]
    (arrived,) = backend.read([topic], 1)
    assert arrived.attributes == {
        "specversion": "1.0", "id": sent.id, "source": "kaireon", "type": topic, "time": WHEN,
        "datacontenttype": "application/json", "tenantid": ACME, "partitionkey": "c-7",
    }  # fmt: skip
    assert arrived.data == {
        "type": topic, "timestamp": WHEN, "payload": {"customerId": "c-7", "campaignId": None},
    }  # fmt: skip
    assert arrived.key == "c-7"


def test_events_of_a_key_arrive_in_order_also_over_several_batches(backend: Backend) -> None:
    topic = new_topic()
    batches = [[event(topic, f"c-{at % 3}", number=batch * 30 + at) for at in range(30)] for batch in range(2)]

    with closing(backend.publisher()) as publisher:
        outcomes = [outcome for batch in batches for outcome in publisher.publish(batch, Seconds(60))]

    assert words(outcomes) == ["sent"] * 60
    arrived = backend.read([topic], 60)
    for key in range(3):
        numbers = [one.data["payload"]["number"] for one in arrived if one.key == f"c-{key}"]
        assert numbers == list(range(key, 60, 3))


def test_a_key_that_goes_through_several_topics_has_an_outcome_for_each(backend: Backend) -> None:
    topics = [new_topic(), new_topic()]
    events = [event(topics[at % 2], "c-1", number=at) for at in range(6)]

    with closing(backend.publisher()) as publisher:
        outcomes = publisher.publish(events, Seconds(60))

    assert words(outcomes) == ["sent"] * 6
    arrived = backend.read(topics, 6)
    for start, topic in enumerate(topics):
        numbers = [one.data["payload"]["number"] for one in arrived if one.attributes["type"] == topic]
        assert numbers == list(range(start, 6, 2))


def test_every_receipt_is_another_one(backend: Backend) -> None:
    topic = new_topic()

    with closing(backend.publisher()) as publisher:
        outcomes = publisher.publish([event(topic, f"c-{at}") for at in range(12)], Seconds(60))

    receipts = {getattr(outcome, "receipt", None) for outcome in outcomes}
    assert receipts == {""} or len(receipts) == 12


def test_an_empty_batch_has_no_outcomes(backend: Backend) -> None:
    with closing(backend.publisher()) as publisher:
        assert list(publisher.publish([], Seconds(5))) == []


@pytest.mark.parametrize("key", ["Zoë", "客户-🎉", 'quote"and\\slash', "two\nlines", " ", "ü" * 255, "\u2028"])
def test_a_key_may_be_any_text(backend: Backend, key: str) -> None:
    topic = new_topic()

    with closing(backend.publisher()) as publisher:
        outcomes = publisher.publish([event(topic, key, payload={"name": key})], Seconds(60))

    assert words(outcomes) == ["sent"]
    (arrived,) = backend.read([topic], 1)
    assert arrived.key == arrived.attributes["partitionkey"] == arrived.data["payload"]["name"] == key


def test_the_largest_payload_arrives_among_small_ones(backend: Backend) -> None:
    topic = new_topic()
    events = [event(topic, "a"), sized(topic, "b", MAX_PAYLOAD_BYTES), event(topic, "c"), event(topic, "b")]

    with closing(backend.publisher()) as publisher:
        outcomes = publisher.publish(events, Seconds(60))

    assert words(outcomes) == ["sent"] * 4
    arrived = backend.read([topic], 4)
    assert {one.attributes["id"] for one in arrived} == {one.id for one in events}


def test_two_tenants_may_use_the_same_key(backend: Backend) -> None:
    topic = new_topic()
    events = [event(topic, "c-1", tenant=tenant, number=at) for at in range(3) for tenant in (ACME, GLOBEX)]

    with closing(backend.publisher()) as publisher:
        outcomes = publisher.publish(events, Seconds(60))

    assert words(outcomes) == ["sent"] * 6
    arrived = backend.read([topic], 6)
    for tenant in (ACME, GLOBEX):
        numbers = [one.data["payload"]["number"] for one in arrived if one.attributes["tenantid"] == tenant]
        assert numbers == [0, 1, 2]


def test_without_time_nothing_is_tried(backend: Backend) -> None:
    topic = new_topic()

    with closing(backend.publisher()) as publisher:
        publisher.publish([event(topic, "first")], Seconds(60))
        outcomes = publisher.publish([event(topic, "c-1"), event(topic, "c-2")], Seconds(0))

    assert words(outcomes) == ["not sent"] * 2
    assert [one.key for one in backend.read([topic], 1)] == ["first"]


def test_after_a_close_the_next_batch_connects_again(backend: Backend) -> None:
    topic = new_topic()
    publisher = backend.publisher()

    first = publisher.publish([event(topic, number=1)], Seconds(60))
    publisher.close()
    publisher.close()
    second = publisher.publish([event(topic, number=2)], Seconds(60))
    publisher.close()

    assert words([*first, *second]) == ["sent", "sent"]
    assert [one.data["payload"]["number"] for one in backend.read([topic], 2)] == [1, 2]


def test_closing_what_was_never_used_is_nothing(backend: Backend) -> None:
    publisher = backend.publisher()

    publisher.close()
    publisher.close()


def test_a_back_end_that_is_not_there_is_down_and_says_nothing_secret(
    backend: Backend, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "outbox")
    unreachable = backend.unreachable

    with closing(backend.publisher(**unreachable)) as publisher, pytest.raises(BackendDown) as down:
        publisher.publish([event(new_topic(), payload={"secret": "of-the-payload"})], Seconds(3))

    assert down.value.is_transient
    output = capfd.readouterr()
    said = f"{down.value} {caplog.text} {output.out} {output.err}"
    for secret in ("of-the-payload", "s3cret", "127.0.0.1", *unreachable.values()):
        assert secret not in said
