"""Back ends of the session, and one per test to publish to."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.outbox.brokers import KafkaCluster, RedisServer, aws_server, kafka_cluster, redis_server
from tests.outbox.publishers.aws_world import Service, made_service
from tests.outbox.publishers.backends import Backend, EventBridge, Kafka, Kinesis, Log, Redis
from tests.servers import receiving


@pytest.fixture(scope="session")
def session_kafka() -> Iterator[KafkaCluster]:
    """Run one cluster for all tests that leave it as it was."""
    with kafka_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def session_redis() -> Iterator[RedisServer]:
    """Run one server for all tests that leave it as it was."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def session_aws() -> Iterator[str]:
    """Run one AWS for all tests."""
    with aws_server() as url:
        yield url


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what AWS's usual chain finds first, and keep the rest of the chain away."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret-of-aws")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(params=["log", "redis", "kafka", "eventbridge", "kinesis"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """Return one back end after the other."""
    match request.param:
        case "redis":
            return Redis(tmp_path, request.getfixturevalue("session_redis"))
        case "kafka":
            return Kafka(tmp_path, request.getfixturevalue("session_kafka"))
        case "eventbridge":
            request.getfixturevalue("aws_credentials")
            return EventBridge(tmp_path, request.getfixturevalue("session_aws"))
        case "kinesis":
            request.getfixturevalue("aws_credentials")
            return Kinesis(tmp_path, request.getfixturevalue("session_aws"))
        case _:
            return Log(tmp_path)


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    """Run a cluster for one test that moves it."""
    with kafka_cluster() as running:
        yield running


@pytest.fixture(params=["eventbridge", "kinesis"])
def service(request: pytest.FixtureRequest, aws_credentials: None) -> Iterator[Service]:
    """Return one service of AWS after the other, against a receiver that the test scripts."""
    with receiving() as receiver:
        made = made_service(request.param, receiver)
        with closing(made.publisher):
            yield made
