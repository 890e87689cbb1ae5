"""Rows inserted many at once are what `save` would have written."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from kaireon.platform.bulk import insert_many
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from tests.flows.runs.world import make_pipeline
from triggers.models import Occurrence

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 4, 17, 8, tzinfo=UTC)
KEY = ("pipeline_id", "kind", "key")


def row(tenant: Tenant, pipeline_id: uuid.UUID, key: str, **given: Any) -> Occurrence:
    """Return a row that is not written yet."""
    plain = {"kind": "schedule", "outcome": "fired", "occurrence_at": NOW, "decided_at": NOW}
    return Occurrence(id=new_id(), tenant=tenant, pipeline_id=pipeline_id, key=key, **{**plain, **given})


def values(occurrence: Occurrence) -> dict[str, Any]:
    """Return what a row holds."""
    return {field.attname: getattr(occurrence, field.attname) for field in Occurrence._meta.concrete_fields}


@pytest.mark.parametrize("many", [1, 2, 30])
def test_rows_are_written_as_they_are_in_one_statement(acme: Tenant, many: int) -> None:
    pipeline = make_pipeline(acme)
    details = [{"a": [1, {"b": "ä'\"\\"}]}, {}, {"c": None}]
    rows = [
        row(acme, pipeline.pk, f"k{number}", detail=details[number % 3], until=NOW if number % 2 else None,
            reason="it's {\"so\"}, NULL" * (number % 4), count=number + 1)
        for number in range(many)
    ]  # fmt: skip

    with CaptureQueriesContext(connection) as captured:
        inserted = insert_many(rows)

    kept = {each.pk: values(each) for each in Occurrence.objects.for_tenant(acme)}
    assert (len(captured), inserted, kept) == (1, {each.pk for each in rows}, {each.pk: values(each) for each in rows})


def test_what_is_known_is_left_out(acme: Tenant) -> None:
    pipeline = make_pipeline(acme)
    insert_many([row(acme, pipeline.pk, "k1")])
    rows = [row(acme, pipeline.pk, key) for key in ("k1", "k2", "k2")]

    inserted = insert_many(rows, unless_known_by=KEY)

    assert (inserted, Occurrence.objects.for_tenant(acme).count()) == ({rows[1].pk}, 2)


def test_a_text_that_is_too_long_is_refused_and_not_cut(acme: Tenant) -> None:
    with pytest.raises(DataError):
        insert_many([row(acme, make_pipeline(acme).pk, "k" * 65)])


def test_nothing_is_no_statement(db: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert insert_many([]) == set()

    assert len(captured) == 0
