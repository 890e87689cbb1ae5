"""The ledger of occurrences: rows go in once, whoever writes them; the unique key is what prevents a double."""

import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from django.db import connection

from kaireon.platform.bulk import insert_many
from triggers.decisions.vocabulary import OccurrenceKind, Outcome, Via
from triggers.models import Occurrence

Place = tuple[uuid.UUID, str]

_KNOWN: Final = """
SELECT known.pipeline_id, known.key FROM unnest(%s::uuid[], %s::text[]) AS asked (pipeline_id, key)
JOIN triggers_occurrence AS known
  ON known.pipeline_id = asked.pipeline_id AND known.kind = %s AND known.key = asked.key"""


def instant_key(at: datetime) -> str:
    """Return the key of an instant: ISO 8601 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def insert_rows(rows: Sequence[Occurrence]) -> list[Occurrence]:
    """Insert those of the rows whose key is new and return them, in the order given; one statement."""
    new = insert_many(rows, unless_known_by=("pipeline_id", "kind", "key"))
    return [row for row in rows if row.pk in new]


def known_places(kind: OccurrenceKind, places: Collection[Place]) -> set[Place]:
    """Return those of the (pipeline, key) that have their row already; one statement."""
    if not places:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [[pipeline for pipeline, _ in places], [key for _, key in places], kind])
        return set(cursor.fetchall())


def decided_instant(tenant_id: uuid.UUID, pipeline_id: uuid.UUID) -> datetime | None:
    """Return the latest instant of a pipeline's schedules that has its row, or None."""
    rows = Occurrence.objects.for_tenant(tenant_id).filter(pipeline_id=pipeline_id, kind=OccurrenceKind.SCHEDULE)
    # That what is live cannot be read is told with the moment at which it was found, which is no occurrence.
    told = rows.exclude(outcome=Outcome.PARKED, via=Via.PERSON).order_by("-occurrence_at", "-pk")
    last = told.values_list("occurrence_at", "until").first()
    return None if last is None else last[1] or last[0]
