"""Running a source: what it cannot do becomes a section, what it must not do is refused, all of it is one snapshot."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from kaireon.platform.tenancy.models import Tenant
from reports.decisions.document import Column, Unit
from reports.sources import Scope, Source, Spool, Table, registry, running
from reports.sources.params import Params, PeriodParams
from tests.interactions.history import interaction, save
from tests.reports.sources.world import made, table

COUNT = (Column("count", "Count", Unit.COUNT),)
Reader = Callable[[Any, Scope], Table]
Register = Callable[[Reader], None]


@pytest.fixture
def source() -> Iterator[Register]:
    """Let a test register its own reader as the source `probe`."""

    def add(read: Reader, params: type[Params] = PeriodParams) -> None:
        registry.register(Source("probe", "Probe", "A source of a test.", params, read))

    yield add
    registry._registry.pop("probe", None)


def asked(statement: str) -> Reader:
    """Return a source that runs a statement."""

    def read(params: Any, scope: Scope) -> Table:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return Table(COUNT, scope.spool.keep(cursor.fetchall()))

    return read


@pytest.mark.django_db
def test_a_source_that_is_not_there_makes_a_section_that_says_so(acme: Tenant, spool: Spool) -> None:
    section = made("weather", acme, spool)

    assert (section.title, section.source_key) == ("weather", "weather")
    assert list(section.rows) == [("sourceKey", "There is no data source 'weather'.")]
    assert section.error == "There is no data source 'weather'."


@pytest.mark.django_db
def test_an_error_section_is_one_row_with_its_field(acme: Tenant, spool: Spool) -> None:
    section = made("funnel", acme, spool, days=400)

    assert [column.key for column in section.columns] == ["field", "error"]
    assert [row[0] for row in section.rows] == ["days"]
    assert section.title == "Funnel"


@pytest.mark.django_db(transaction=True)
def test_a_query_without_an_end_makes_a_section_that_says_so(
    acme: Tenant, spool: Spool, source: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MOST_SECONDS", 0.05)
    source(asked("SELECT pg_sleep(30)"))

    section = made("probe", acme, spool)

    assert section.error == "The query took longer than 0.05 seconds. Choose fewer days, or narrow it."
    assert [row[0] for row in section.rows] == ["days"]


@pytest.mark.django_db(transaction=True)
def test_the_limit_of_time_ends_with_the_section(acme: Tenant, spool: Spool, source: Register) -> None:
    source(asked("SELECT current_setting('statement_timeout') = '2min' AND pg_is_in_recovery() IS NOT NULL"))

    section = made("probe", acme, spool)

    assert list(section.rows) == [(True,)]
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "0"


@pytest.mark.django_db
def test_the_transaction_of_somebody_else_keeps_its_own_limit_of_time(acme: Tenant, spool: Spool) -> None:
    made("funnel", acme, spool)

    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "0"


@pytest.mark.django_db(transaction=True)
def test_a_source_writes_nothing(acme: Tenant, spool: Spool, source: Register) -> None:
    source(asked("UPDATE tenancy_tenant SET name = 'Mine' RETURNING 1"))

    with pytest.raises(DatabaseError, match="read-only transaction"):
        made("probe", acme, spool)


@pytest.mark.django_db(transaction=True)
def test_other_errors_are_raised(acme: Tenant, spool: Spool, source: Register) -> None:
    source(asked("SELECT 1 / 0"))

    with pytest.raises(DatabaseError, match="division by zero"):
        made("probe", acme, spool)


@pytest.mark.django_db(transaction=True)
def test_all_statements_of_a_section_see_one_moment(acme: Tenant, spool: Spool, source: Register) -> None:
    def read(params: Any, scope: Scope) -> Table:
        counts = []
        for _ in range(2):
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM interactions_interaction")
                counts.append((cursor.fetchone()[0],))
            record_elsewhere(acme)
        return Table(COUNT, scope.spool.keep(counts))

    source(read)

    assert list(made("probe", acme, spool).rows) == [(0,), (0,)]


def record_elsewhere(tenant: Tenant) -> None:
    """Commit an interaction on a connection of its own."""
    other = connection.copy()
    try:
        row = interaction(tenant, at=datetime(2026, 3, 5, 9, tzinfo=UTC))
        with other.cursor() as cursor:
            cursor.execute(
                "INSERT INTO interactions_interaction (id, tenant_id, idempotency_key, customer_id, occurred_at,"
                " outcome, classification, category, direction) VALUES (%s, %s, %s, 'c', now(), 'click', 'positive',"
                " 'response', 'inbound')",
                [row.pk, tenant.pk, row.idempotency_key],
            )
    finally:
        other.close()


@pytest.mark.django_db
def test_inside_another_transaction_a_source_joins_it(acme: Tenant, spool: Spool) -> None:
    with transaction.atomic():
        save(interaction(acme, "convert", datetime(2026, 3, 5, 9, tzinfo=UTC), value=5))

        rows = table(made("revenue_trend", acme, spool, days=1))

    assert [row["revenue"] for row in rows] == [5]


@pytest.mark.django_db(transaction=True)
def test_rows_can_be_read_when_the_transaction_is_over(acme: Tenant, spool: Spool) -> None:
    save(interaction(acme, "impression", datetime(2026, 3, 5, 9, tzinfo=UTC), offer_id="gold"))

    section = made("offer_performance", acme, spool)

    assert not connection.in_atomic_block
    assert [row["offerId"] for row in table(section)] == ["gold"]
