"""Fixtures of alert tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import Receiver


@pytest.fixture
def pager(settings: Any) -> Iterator[Receiver]:
    """Run a webhook server whose address tenants may use."""
    receiver = Receiver()
    settings.NOTIFICATIONS_ALLOWED_HOSTS = [*settings.NOTIFICATIONS_ALLOWED_HOSTS, receiver.place]
    yield receiver
    receiver.close()


@pytest.fixture
def other_pager(settings: Any) -> Iterator[Receiver]:
    """Run a second webhook server whose address tenants may use."""
    receiver = Receiver()
    settings.NOTIFICATIONS_ALLOWED_HOSTS = [*settings.NOTIFICATIONS_ALLOWED_HOSTS, receiver.place]
    yield receiver
    receiver.close()
