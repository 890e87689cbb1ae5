"""MSK: Kafka with tokens that IAM signs."""

import base64
import time
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import pytest

from outbox.publishers.base import BackendDown
from outbox.publishers.msk import make_msk, token_source
from tests.outbox.publishers.world import Seconds, event, new_topic
from tests.servers import unused_port

REGION = "eu-central-1"


def test_a_token_is_a_signed_request_for_the_region_and_ends_within_the_hour(aws_credentials: None) -> None:
    token, ends_at = token_source(REGION)("")

    url = urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    query = parse_qs(url.query)
    assert url.netloc == f"kafka.{REGION}.amazonaws.com"
    assert query["Action"] == ["kafka-cluster:Connect"]
    assert query["X-Amz-Credential"][0].startswith("AKIATEST/")
    assert "s3cret-of-aws" not in url.query
    assert 60 < ends_at - time.time() <= 3600


def test_without_credentials_an_operator_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    publisher = make_msk(
        {"bootstrap.servers": f"127.0.0.1:{unused_port()}"}, region=REGION, prefix="", delivery_seconds=1
    )  # fmt: skip

    began = time.monotonic()

    with closing(publisher), pytest.raises(BackendDown, match="credentials") as down:
        publisher.publish([event(new_topic())], Seconds(5))

    assert not down.value.is_transient
    assert time.monotonic() - began < 5


def test_brokers_that_do_not_answer_are_down(aws_credentials: None) -> None:
    publisher = make_msk(
        {"bootstrap.servers": f"127.0.0.1:{unused_port()}"}, region=REGION, prefix="", delivery_seconds=1
    )  # fmt: skip

    with closing(publisher), pytest.raises(BackendDown) as down:
        publisher.publish([event(new_topic())], Seconds(5))

    assert down.value.is_transient
    assert publisher.name == "msk"
