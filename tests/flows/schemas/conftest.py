"""Schemas of Acme and Globex, made by the services that the API calls."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from flows.models import DataSchema
from flows.services import schemas as services
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
ORDER_FIELDS = [
    {"name": "order_id", "data_type": "bigint", "is_primary_key": True},
    {"name": "customer", "data_type": "varchar", "length": 40},
    {"name": "amount", "data_type": "decimal", "precision": 12, "scale": 2, "is_nullable": False},
]


def call(service: Callable[..., Any], **given: Any) -> Any:
    """Call a service as its interface does, within the test's own transaction."""
    plain = getattr(service, "__wrapped__", service)
    with transaction.atomic():
        return plain(actor=SYSTEM, now=NOW, **given)


def make_schema(tenant: Tenant, name: str = "orders", fields: Any = ORDER_FIELDS, **values: Any) -> DataSchema:
    """Make a schema with its table."""
    made: DataSchema = call(services.create_schema, tenant=tenant, values={"name": name, "fields": fields, **values})
    return made


@pytest.fixture
def orders(acme: Tenant) -> DataSchema:
    """Return Acme's schema of orders."""
    return make_schema(acme)
