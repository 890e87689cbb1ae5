"""An inbox on this machine and a bucket on a real server, both open to previews."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pytest_django import Settings

from tests.flows.runs.world import inbox
from tests.flows.storage.world import Box, moto_server, s3_box

__all__ = ["inbox"]


@pytest.fixture(scope="session")
def moto() -> Iterator[int]:
    """Run one S3 server for all tests and yield its port."""
    with moto_server() as port:
        yield port


@pytest.fixture
def bucket(moto: int, settings: Settings) -> Box:
    """Return an empty bucket that may be reached."""
    box = s3_box(moto, f"box-{uuid4().hex[:12]}")
    settings.NOTIFICATIONS_ALLOWED_HOSTS = [*settings.NOTIFICATIONS_ALLOWED_HOSTS, box.place]
    return box
