"""Fixtures of the whole suite."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from tests.people import acme, alice, bob, charlie, eve, globex

__all__ = ["acme", "alice", "bob", "charlie", "eve", "globex"]


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Start every test with an empty cache, so that throttles do not add up over tests."""
    cache.clear()
    yield
