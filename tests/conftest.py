"""Fixtures of the whole suite."""

import pytest
from django.core.cache import cache

from tests.people import acme, alice, bob, charlie, eve, globex

__all__ = ["acme", "alice", "bob", "charlie", "eve", "globex"]


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Start every test with an empty cache, so that throttles do not add up over tests."""
    cache.clear()
