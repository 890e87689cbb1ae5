"""Rows of history for tests, with plain defaults: a test names only what it is about."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from interactions.decisions import SYSTEM_OUTCOMES
from interactions.models import DecisionTrace, Interaction
from kaireon.platform.tenancy.models import Tenant

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_numbers = itertools.count()
_meanings = {outcome.key: outcome for outcome in SYSTEM_OUTCOMES}


def minutes(count: float) -> timedelta:
    """Return so many minutes."""
    return timedelta(minutes=count)


def interaction(tenant: Tenant, outcome: str = "impression", at: datetime = NOON, **fields: Any) -> Interaction:
    """Return an unsaved interaction with the outcome's usual meaning."""
    meaning = _meanings[outcome]
    value = fields.pop("value", None)
    return Interaction(
        tenant=tenant,
        idempotency_key=f"key-{next(_numbers)}",
        customer_id="customer-1",
        outcome=outcome,
        classification=meaning.classification,
        category=meaning.category,
        direction="inbound",
        occurred_at=at,
        conversion_value=None if value is None else Decimal(str(value)),
        **fields,
    )


def trace(tenant: Tenant, at: datetime = NOON, **fields: Any) -> DecisionTrace:
    """Return an unsaved decision that went well: ten qualified, eight kept, one selected, 40 ms."""
    counts = {"after_qualification": 10, "after_contact_policy": 8, "final_count": 1, "selected_count": 1}
    return DecisionTrace(
        tenant=tenant,
        idempotency_key=f"key-{next(_numbers)}",
        customer_id="customer-1",
        occurred_at=at,
        **{**counts, "total_latency_ms": 40.0, **fields},
    )


def save(*rows: Interaction | DecisionTrace) -> None:
    """Write the rows, each to its table."""
    Interaction.objects.bulk_create([row for row in rows if isinstance(row, Interaction)])
    DecisionTrace.objects.bulk_create([row for row in rows if isinstance(row, DecisionTrace)])
