"""Fixtures of the sources' tests."""

from collections.abc import Iterator

import pytest

from reports.sources import Spool


@pytest.fixture
def spool() -> Iterator[Spool]:
    """Return a spool that is closed when the test ends."""
    with Spool() as opened:
        yield opened
