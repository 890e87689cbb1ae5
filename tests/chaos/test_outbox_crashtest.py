"""Small rounds of the crash test: publishers killed at every boundary, on back ends that speak their real protocol."""

import json
from typing import Any

import pytest

from kaireon.platform.tenancy.models import Tenant
from tests.chaos.publishers import manage
from tests.outbox.brokers import kafka_cluster, redis_server

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400), pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def assert_proved(**values: Any) -> None:
    """Run one round at every place and assert that the outbox kept its word."""
    run = manage("outbox_crashtest", "--rounds", 8, "--events", 600, "--keys", 60, "--json", **values)

    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(run.stdout)
    total = found["total"]
    assert (total["lost"], total["outOfOrder"], total["stuck"], found["unexplainedDuplicates"]) == (0, 0, 0, 0)
    assert (total["kills"], total["published"]) == (8, found["written"])
    assert not Tenant.objects.exists()


def test_redis_gets_everything_from_publishers_that_are_killed_at_every_boundary() -> None:
    with redis_server() as server:
        assert_proved(EVENT_PUBLISHER="redis", REDIS_URL=server.url)
        with server.client as client:
            assert list(client.scan_iter()) == []


def test_kafka_gets_everything_from_publishers_that_are_killed_at_every_boundary() -> None:
    with kafka_cluster(3) as cluster:
        assert_proved(EVENT_PUBLISHER="kafka", KAFKA_BOOTSTRAP_SERVERS=cluster.bootstrap)
