"""Fixtures of the ledger's tests."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.servers import Receiver, receiving


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """Run a receiver that the settings allow."""
    with receiving() as running:
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [running.place]
        yield running
