"""Fixtures of run tests."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.flows.runs.world import drop_data_schemas, inbox

__all__ = ["inbox"]


@pytest.fixture(autouse=True)
def no_tables_left(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Drop the tenants' schemas that a committing test left: no flush knows them."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if marker and marker.kwargs.get("transaction"):
        with django_db_blocker.unblock():
            drop_data_schemas()
