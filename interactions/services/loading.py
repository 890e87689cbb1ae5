"""Load many rows at once: binary COPY into a temporary table, then one INSERT that skips known keys."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from interactions.decisions.imported_rows import ImportedRow
from kaireon.platform.ids import new_id


@dataclass(frozen=True, slots=True)
class Staging:
    """Where rows are staged, and how they become rows of the table; `insert` takes the tenant as its parameters."""

    columns: dict[str, str]
    insert: str


INTERACTIONS = Staging(
    columns={
        "id": "uuid", "idempotency_key": "text", "customer_id": "text", "outcome": "text", "classification": "text",
        "category": "text", "direction": "text", "occurred_at": "timestamptz", "recommendation_id": "text",
        "rank": "int4", "creative_id": "text", "offer_id": "text", "channel_id": "text", "placement_id": "text",
        "conversion_value": "numeric", "context": "text", "outcome_details": "text", "attributes": "text",
    },
    # A known creative says its channel, whatever the row says; the offer only where the row is silent.
    insert="""
    INSERT INTO interactions_interaction (
        id, tenant_id, idempotency_key, customer_id, outcome, classification, category, direction, occurred_at,
        recommendation_id, rank, creative_id, offer_id, channel_id, placement_id, conversion_value,
        context, outcome_details, attributes)
    SELECT s.id, %(tenant)s, s.idempotency_key, s.customer_id, s.outcome, s.classification, s.category, s.direction,
        s.occurred_at, s.recommendation_id, s.rank, s.creative_id, coalesce(s.offer_id, o.key),
        coalesce(h.key, s.channel_id), s.placement_id, s.conversion_value,
        s.context::jsonb, s.outcome_details::jsonb, s.attributes::jsonb
    FROM staging AS s
    LEFT JOIN interactions_creative AS c ON c.tenant_id = %(tenant)s AND c.key = s.creative_id
    LEFT JOIN interactions_offer AS o ON o.id = c.offer_id
    LEFT JOIN interactions_channel AS h ON h.id = c.channel_id
    ON CONFLICT (tenant_id, idempotency_key) DO NOTHING
    """,
)  # fmt: skip

TRACES = Staging(
    columns={
        "id": "uuid", "idempotency_key": "text", "customer_id": "text", "occurred_at": "timestamptz",
        "recommendation_id": "text", "channel_id": "text", "placement_id": "text", "after_qualification": "int4",
        "after_contact_policy": "int4", "final_count": "int4", "selected": "text", "selected_count": "int4",
        "total_latency_ms": "float8", "degraded_scoring": "bool", "status_code": "int2",
    },
    insert="""
    INSERT INTO interactions_decisiontrace (
        id, tenant_id, idempotency_key, customer_id, occurred_at, recommendation_id, channel_id, placement_id,
        after_qualification, after_contact_policy, final_count, selected, selected_count, total_latency_ms,
        degraded_scoring, status_code)
    SELECT id, %(tenant)s, idempotency_key, customer_id, occurred_at, recommendation_id, channel_id, placement_id,
        after_qualification, after_contact_policy, final_count, selected::jsonb, selected_count, total_latency_ms,
        degraded_scoring, status_code
    FROM staging
    ON CONFLICT (tenant_id, idempotency_key) DO NOTHING
    """,
)  # fmt: skip


@transaction.atomic(durable=True)
def load_rows(*, tenant_id: uuid.UUID, staging: Staging, rows: Iterable[Sequence[object]]) -> int:
    """Insert rows, each without its id and in the order of the staging's columns; return how many were new.

    The temporary table lives in this transaction only, so it is safe behind a transaction pooler.
    """
    columns = ", ".join(f"{name} {kind}" for name, kind in staging.columns.items())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE staging ({columns}) ON COMMIT DROP")
        with cursor.copy("COPY staging FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(list(staging.columns.values()))
            for row in rows:
                copy.write_row((new_id(), *row))
        cursor.execute(staging.insert, {"tenant": tenant_id})
        new = int(cursor.rowcount)
        cursor.execute("DROP TABLE staging")
    return new


def load_interactions(*, tenant_id: uuid.UUID, rows: Sequence[ImportedRow]) -> int:
    """Insert interactions; return how many were new: a known idempotency key is skipped."""
    return load_rows(tenant_id=tenant_id, staging=INTERACTIONS, rows=rows)
