"""EventBridge and Kinesis where they take a part, refuse or stay silent: a server that answers as told."""

import time

import pytest
import trustme

from outbox.decisions.events import MAX_KEY, MAX_PAYLOAD_BYTES, MAX_TOPIC
from outbox.decisions.outcomes import Failed
from outbox.publishers.base import BackendDown
from outbox.publishers.kinesis import KinesisPublisher
from tests.outbox.publishers.aws_world import REGION, Service, answer, as_json, refusal
from tests.outbox.publishers.world import Seconds, Shortened, event, sized, words
from tests.servers import Authority, Got, Reply, receiving

pytestmark = pytest.mark.usefixtures("aws_credentials")


def test_no_call_holds_two_events_of_a_key(service: Service) -> None:
    events = [event("t", key, number=at) for at, key in enumerate("aabacb")]

    outcomes = service.publisher.publish(events, Seconds(10))

    assert words(outcomes) == ["sent"] * 6
    assert sorted(map(sorted, service.calls)) == [["a"], ["a", "b"], ["a", "b", "c"]]


def test_a_call_holds_no_more_entries_than_the_service_takes(service: Service) -> None:
    most = service.publisher.most_entries

    outcomes = service.publisher.publish([event("t", f"c-{at}") for at in range(most * 2 + 3)], Seconds(20))

    assert words(outcomes) == ["sent"] * (most * 2 + 3)
    assert sorted(map(len, service.calls)) == [3, most, most]


def test_a_call_holds_no_more_bytes_than_the_service_takes(service: Service) -> None:
    most = service.publisher.most_bytes
    large = min(200_000, most // 3)

    outcomes = service.publisher.publish([sized("t", f"c-{at}", large) for at in range(30)], Seconds(20))

    assert words(outcomes) == ["sent"] * 30
    assert len(service.calls) > 1
    for got in service.receiver.got:
        sizes = [service.publisher.entry(sized("t", key, large))[1] for key in service.keys_of(got)]
        assert sum(sizes) <= most


def test_calls_with_different_keys_run_at_once(service: Service) -> None:
    def script(got: Got) -> Reply:
        time.sleep(0.2)
        return answer(service.keys_of(got), {}, service.publisher.service)

    service.receiver.script = script
    count = service.publisher.most_entries * 4

    service.publisher.publish([event("t", f"c-{at}") for at in range(count)], Seconds(20))

    assert service.receiver.most_concurrent > 1


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("InternalFailure", "transient"),
        ("InternalException", "transient"),
        ("AccessDeniedException", "transient"),
        ("MalformedDetail", "permanent"),
        ("InvalidArgument", "permanent"),
        ("SomethingNew", "transient"),
    ],
)
def test_an_entry_that_is_refused_holds_its_own_key(service: Service, code: str, word: str) -> None:
    service.refuse({"b": code})

    outcomes = service.publisher.publish([event("t", key) for key in "abcba"], Seconds(10))

    assert words(outcomes) == ["sent", word, "sent", "not sent", "sent"]
    assert "b" not in [key for call in service.calls[1:] for key in call]
    assert isinstance(outcomes[1], Failed)
    assert "arn:" not in outcomes[1].reason


@pytest.mark.parametrize(
    ("reply", "is_transient"),
    [
        (refusal("InternalFailure", 500), True),
        (refusal("ServiceUnavailable", 503), True),
        (Reply(502, b"<html>"), True),
        (None, True),
        (refusal("AccessDeniedException"), False),
        (refusal("UnrecognizedClientException"), False),
        (refusal("ExpiredTokenException"), False),
        (refusal("ResourceNotFoundException"), False),
    ],
    ids=["fault", "unavailable", "bad gateway", "hangs up", "denied", "unknown client", "expired", "not found"],
)
def test_a_service_that_takes_nothing_is_down(service: Service, reply: Reply | None, *, is_transient: bool) -> None:
    service.receiver.script = lambda got: reply

    with pytest.raises(BackendDown) as down:
        service.publisher.publish([event("t", key) for key in "ab"], Seconds(10))

    assert down.value.is_transient is is_transient
    # Nobody repeats the call behind the tier's back.
    assert len(service.calls) == 1
    for secret in ("arn:", "secret", service.receiver.place):
        assert secret not in str(down.value)


def test_a_call_that_is_refused_for_one_entry_is_made_again_for_each(service: Service) -> None:
    def script(got: Got) -> Reply:
        keys = service.keys_of(got)
        return refusal("ValidationException") if "b" in keys else answer(keys, {}, service.publisher.service)

    service.receiver.script = script

    outcomes = service.publisher.publish([event("t", key) for key in "abcb"], Seconds(10))

    assert words(outcomes) == ["sent", "transient", "sent", "not sent"]


def test_an_entry_that_is_too_large_alone_is_permanent(service: Service) -> None:
    def script(got: Got) -> Reply:
        keys = service.keys_of(got)
        return Reply(413, b"") if "b" in keys else answer(keys, {}, service.publisher.service)

    service.receiver.script = script

    outcomes = service.publisher.publish([event("t", key) for key in "abc"], Seconds(10))

    assert words(outcomes) == ["sent", "permanent", "sent"]


@pytest.mark.parametrize("time_left", [Seconds, Shortened], ids=["the time is up", "the process is stopped"])
def test_a_service_that_does_not_answer_is_left_when_the_time_is_up(service: Service, time_left: type[Seconds]) -> None:
    service.publisher.publish([event("t", "warm")], Seconds(10))
    service.receiver.script = lambda got: time.sleep(2)
    began = time.monotonic()

    with pytest.raises(BackendDown, match="in time"):
        service.publisher.publish([event("t", "a")], Shortened(looks=6) if time_left is Shortened else Seconds(0.5))

    assert time.monotonic() - began < 1.5


def test_one_call_without_an_answer_does_not_take_the_others_with_it(service: Service) -> None:
    def script(got: Got) -> Reply | None:
        keys = service.keys_of(got)
        return None if "c-0" in keys else answer(keys, {}, service.publisher.service)

    service.receiver.script = script
    most = service.publisher.most_entries

    outcomes = service.publisher.publish([event("t", f"c-{at}") for at in range(most * 2)], Seconds(10))

    assert words(outcomes) == [*["not sent"] * most, *["sent"] * most]


def test_without_credentials_an_operator_is_needed(monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    with pytest.raises(BackendDown, match="credentials") as down:
        service.publisher.publish([event("t")], Seconds(10))

    assert not down.value.is_transient
    assert service.receiver.got == []


def test_an_event_larger_than_an_entry_is_permanent_and_takes_nobody_with_it(service: Service) -> None:
    most = service.publisher.most_entry_bytes
    events = [event("t", "a"), sized("t", "b", most), event("t", "c"), event("t", "b")]

    outcomes = service.publisher.publish(events, Seconds(10))

    assert words(outcomes) == ["sent", "permanent", "sent", "not sent"]
    assert sorted(key for call in service.calls for key in call) == ["a", "c"]


def test_the_largest_event_that_can_be_enqueued_fits_into_an_entry(service: Service) -> None:
    # A control character of the key is six characters of JSON.
    largest = sized("t" * MAX_TOPIC, "\x01" * MAX_KEY, MAX_PAYLOAD_BYTES)

    assert words(service.publisher.publish([largest], Seconds(10))) == ["sent"]


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "InvalidAccountIdException", "NotAuthorizedForSourceException"]
)
def test_when_every_entry_is_refused_for_its_sender_an_operator_is_needed(service: Service, code: str) -> None:
    service.refuse(dict.fromkeys("ab", code))

    with pytest.raises(BackendDown, match=code) as down:
        service.publisher.publish([event("t", key) for key in "ab"], Seconds(10))

    assert not down.value.is_transient


@pytest.mark.parametrize("body", [{}, {"Entries": [], "Records": []}])
def test_an_answer_that_leaves_entries_out_counts_for_none(service: Service, body: dict[str, object]) -> None:
    service.receiver.script = lambda got: as_json(200, body)

    with pytest.raises(BackendDown, match="0 of 2") as down:
        service.publisher.publish([event("t", key) for key in "ab"], Seconds(10))

    assert down.value.is_transient


def test_credentials_that_were_refused_are_read_anew(monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    service.receiver.script = lambda got: (
        refusal("ExpiredTokenException")
        if "AKIATEST" in got.headers["authorization"]
        else answer(service.keys_of(got), {}, service.publisher.service)
    )
    with pytest.raises(BackendDown):
        service.publisher.publish([event("t")], Seconds(10))

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANEW")

    assert words(service.publisher.publish([event("t")], Seconds(10))) == ["sent"]


def test_a_certificate_that_nobody_vouches_for_wants_an_operator() -> None:
    with receiving(tls=Authority(trustme.CA()).server_context("127.0.0.1")) as receiver:
        publisher = KinesisPublisher(stream="events", region=REGION, endpoint_url=f"https://{receiver.place}")
        with pytest.raises(BackendDown, match="SSLError") as down:
            publisher.publish([event("t")], Seconds(10))
        publisher.close()

    assert not down.value.is_transient
