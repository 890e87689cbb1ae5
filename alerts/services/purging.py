"""Purge the timeline by age, in bounded steps."""

from datetime import datetime, timedelta

from django.db import connection, transaction

from alerts.models import Evaluation

HISTORY = timedelta(days=30)
PURGE_LIMIT = 20_000

_PURGE = f"""
DELETE FROM {Evaluation._meta.db_table} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {Evaluation._meta.db_table} WHERE at < %s LIMIT %s))
"""  # noqa: S608 - the table's name is a constant


@transaction.atomic(durable=True)
def purge_evaluations(*, now: datetime, history: timedelta = HISTORY, limit: int = PURGE_LIMIT) -> int:
    """Delete up to `limit` evaluations older than `history` and return how many; incidents and transitions stay."""
    with connection.cursor() as cursor:
        cursor.execute(_PURGE, [now - history, limit])
        return int(cursor.rowcount)
