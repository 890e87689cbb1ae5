"""EventBridge and Kinesis asked for what is not there, against moto's AWS: no event pays for a wrong name."""

from collections.abc import Callable
from contextlib import closing

import pytest

from outbox.publishers.aws import AwsPublisher
from outbox.publishers.base import BackendDown
from outbox.publishers.eventbridge import EventBridgePublisher
from outbox.publishers.kinesis import KinesisPublisher
from tests.outbox.publishers.backends import BUS, REGION, STREAM
from tests.outbox.publishers.world import Seconds, event

pytestmark = pytest.mark.usefixtures("aws_credentials")
ELSEWHERE = "us-west-2"


@pytest.mark.parametrize(
    "make",
    [
        lambda url: EventBridgePublisher(bus="nowhere", region=REGION, endpoint_url=url),
        lambda url: EventBridgePublisher(bus=BUS, region=ELSEWHERE, endpoint_url=url),
        lambda url: KinesisPublisher(stream="nowhere", region=REGION, endpoint_url=url),
        lambda url: KinesisPublisher(stream=STREAM, region=ELSEWHERE, endpoint_url=url),
    ],
    ids=["no such bus", "bus of another region", "no such stream", "stream of another region"],
)
def test_a_name_that_does_not_exist_wants_an_operator(session_aws: str, make: Callable[[str], AwsPublisher]) -> None:
    with closing(make(session_aws)) as publisher, pytest.raises(BackendDown, match="ResourceNotFound") as down:
        publisher.publish([event("t")], Seconds(30))

    assert not down.value.is_transient
