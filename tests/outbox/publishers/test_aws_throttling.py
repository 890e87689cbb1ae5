"""EventBridge and Kinesis throttle: the publisher goes slower, and burns no attempt for the size of a backlog."""

import pytest

from outbox.decisions.outcomes import Failed
from outbox.publishers.base import BackendDown
from tests.outbox.publishers.aws_world import Service, answer, refusal
from tests.outbox.publishers.world import Seconds, event, words
from tests.servers import Got, Reply

pytestmark = pytest.mark.usefixtures("aws_credentials")
THROTTLES = ["ThrottlingException", "ProvisionedThroughputExceededException"]


@pytest.mark.parametrize("code", THROTTLES)
def test_an_entry_that_is_throttled_goes_again_before_the_next_of_its_key(service: Service, code: str) -> None:
    refusals = 2

    def script(got: Got) -> Reply:
        nonlocal refusals
        keys = service.keys_of(got)
        is_hot = "b" in keys and refusals > 0
        refusals -= is_hot
        return answer(keys, {"b": code} if is_hot else {}, service.publisher.service)

    service.receiver.script = script
    events = [event("t", key, number=at) for at, key in enumerate("abcba")]

    outcomes = service.publisher.publish(events, Seconds(20))

    assert words(outcomes) == ["sent"] * 5
    assert [number for call in service.numbers for number in call if number in {1, 3}] == [1, 1, 1, 3]


@pytest.mark.parametrize("code", THROTTLES)
def test_a_shard_that_stays_too_hot_holds_its_own_keys(service: Service, code: str) -> None:
    service.refuse({"b": code})

    outcomes = service.publisher.publish([event("t", key) for key in "abcba"], Seconds(20))

    assert words(outcomes) == ["sent", "transient", "sent", "not sent", "sent"]
    assert outcomes[1] == Failed("AWS throttles", is_transient=True, is_outage=True)
    assert 2 < sum("b" in call for call in service.calls) < 20


class UntilCalled:
    """Time until the service was called so often, then none: a stop of the process while it waits for a shard."""

    def __init__(self, service: Service, times: int) -> None:
        self._service = service
        self._times = times

    def remaining(self) -> float:
        """Return the seconds left."""
        return 60.0 if len(self._service.receiver.got) < self._times else 0.0


def test_waiting_for_a_hot_shard_ends_with_the_process(service: Service) -> None:
    service.publisher.throttle_seconds = 60
    service.refuse({"b": "ThrottlingException"})

    outcomes = service.publisher.publish([event("t", key) for key in "ab"], UntilCalled(service, 3))

    assert words(outcomes) == ["sent", "not sent"]
    assert len(service.calls) == 3


def test_when_every_entry_is_throttled_the_service_is_down(service: Service) -> None:
    service.refuse(dict.fromkeys("abc", "ThrottlingException"))

    with pytest.raises(BackendDown, match="throttles") as down:
        service.publisher.publish([event("t", key) for key in "abc"], Seconds(10))

    assert down.value.is_transient


def test_when_every_call_is_throttled_the_service_is_down(service: Service) -> None:
    service.receiver.script = lambda got: refusal("ThrottlingException")

    with pytest.raises(BackendDown, match="throttles"):
        service.publisher.publish([event("t", f"c-{at}") for at in range(30)], Seconds(10))

    assert len(service.calls) == -(-30 // service.publisher.most_entries)


def test_what_left_before_the_throttle_is_told_and_the_rest_waits(service: Service) -> None:
    answers = iter([answer(["a", "b"], {}, service.publisher.service)])
    service.receiver.script = lambda got: next(answers, refusal("ThrottlingException"))

    outcomes = service.publisher.publish([event("t", key) for key in "abab"], Seconds(10))

    assert words(outcomes) == ["sent", "sent", "not sent", "not sent"]
