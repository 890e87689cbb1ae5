"""Fixtures of report tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.reports.runs_world import Told, told_source
from tests.servers import Receiver


@pytest.fixture
def source() -> Iterator[Told]:
    """Register a source that behaves as told."""
    with told_source() as told:
        yield told


@pytest.fixture
def hook(settings: Any) -> Iterator[Receiver]:
    """Run a webhook server whose address tenants may use."""
    yield from _allowed(settings)


@pytest.fixture
def other_hook(settings: Any) -> Iterator[Receiver]:
    """Run a second webhook server whose address tenants may use."""
    yield from _allowed(settings)


def _allowed(settings: Any) -> Iterator[Receiver]:
    receiver = Receiver()
    settings.NOTIFICATIONS_ALLOWED_HOSTS = [*settings.NOTIFICATIONS_ALLOWED_HOSTS, receiver.place]
    yield receiver
    receiver.close()
