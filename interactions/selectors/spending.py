"""What several budgets have spent: one scan of the window, whatever the number of budgets."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import connection

from interactions.metrics import Source
from interactions.selectors.narrowing import Narrowing

_SPENT = """
SELECT {columns}
FROM {table} AS r
WHERE r.tenant_id = %(tenant)s AND r.occurred_at >= %(start)s AND r.occurred_at < %(end)s
"""


class Spending(StrEnum):
    """Where an interaction says what it cost."""

    # A number in its attributes, such as `{"cost": 0.35}`.
    ATTRIBUTE = "attribute"
    # What it brought: for a budget that is given away, such as vouchers or a volume of loans.
    CONVERSION_VALUE = "conversionValue"


_AMOUNTS = {
    Spending.ATTRIBUTE: (
        "CASE WHEN jsonb_typeof(r.attributes -> %(field)s) = 'number' THEN (r.attributes ->> %(field)s)::numeric END"
    ),
    Spending.CONVERSION_VALUE: "r.conversion_value",
}


class Spent(NamedTuple):
    """What was spent, by how many interactions that say so."""

    amount: Decimal
    interactions: int


def read_spending(
    *, tenant_id: uuid.UUID, window: tuple[datetime, datetime], of: Sequence[Narrowing], spending: Spending, field: str,
) -> list[Spent]:  # fmt: skip
    """Return what the interactions of each narrowing spent in the window [start, end)."""
    columns: list[str] = []
    values: dict[str, Any] = {"tenant": tenant_id, "start": window[0], "end": window[1], "field": field}
    for number, narrowing in enumerate(of):
        condition, named = _numbered(narrowing, number)
        amount = _AMOUNTS[spending]
        columns += [
            f"coalesce(sum({amount}) FILTER (WHERE {condition}), 0)",
            f"count({amount}) FILTER (WHERE {condition})",
        ]
        values |= named
    with connection.cursor() as cursor:
        cursor.execute(_SPENT.format(columns=", ".join(columns), table=Source.INTERACTIONS.value), values)
        row = cursor.fetchone()
    return [Spent(Decimal(row[2 * number]), row[2 * number + 1]) for number in range(len(of))]


def _numbered(narrowing: Narrowing, number: int) -> tuple[str, dict[str, Any]]:
    """Return the narrowing's conditions with parameters of its own."""
    condition = "true" + narrowing.conditions(Source.INTERACTIONS)
    values = narrowing.values()
    for name in values:
        condition = condition.replace(f"%({name})s", f"%({name}_{number})s")
    return condition, {f"{name}_{number}": value for name, value in values.items()}
