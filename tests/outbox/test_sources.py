"""The health of the outbox as a data source of reports: hand-made events and dead letters against every column."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from kaireon.platform.tenancy.models import Tenant
from outbox.models import DeadLetter, OutboxEvent
from outbox.selectors import backlog
from outbox.sources import read_outbox_health
from reports.decisions.definition import SourceCall
from reports.decisions.document import Section
from reports.sources import Spool, run_source

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool() as opened:
        yield opened


def health(tenant: Tenant, spool: Spool, **params: Any) -> Section:
    call = SourceCall("outbox_health", params)
    return run_source(call, section_id="s1", title="", tenant_id=tenant.pk, now=NOW, zone="UTC", spool=spool)


def event(tenant: Tenant, topic: str = "interaction.recorded.v1", key: str = "c-1", **fields: Any) -> OutboxEvent:
    return OutboxEvent.objects.create(tenant=tenant, topic=topic, key=key, payload={}, occurred_at=NOW, **fields)


def dead(tenant: Tenant, topic: str = "interaction.recorded.v1", failed_at: datetime = NOW - DAY / 4) -> DeadLetter:
    return DeadLetter.objects.create(
        tenant=tenant, topic=topic, key="c-1", payload={}, occurred_at=NOW, reason="exhausted", error="No.",
        retry_count=10, failed_at=failed_at,
    )  # fmt: skip


def figures(section: Section) -> dict[str, tuple[Any, Any]]:
    assert section.error == ""
    return {figure.key: (figure.value, figure.before) for figure in section.figures}


def test_every_column_is_what_the_tables_hold(acme: Tenant, spool: Spool) -> None:
    event(acme)
    event(acme, key="c-2", status="processing")
    event(acme, key="c-3", is_held=True, next_attempt_at=NOW)
    event(acme, "decision.made.v1")
    dead(acme)
    dead(acme, failed_at=NOW - DAY)
    dead(acme, failed_at=NOW - 9 * DAY)
    dead(acme, "outcome.recorded")

    section = health(acme, spool, days=1)

    assert [column.key for column in section.columns] == ["topic", "ready", "held", "dead", "deadLately", "deadBefore"]
    assert list(section.rows) == [
        ("interaction.recorded.v1", 2, 1, 3, 1, 0),
        ("outcome.recorded", 0, 0, 1, 1, 0),
        ("decision.made.v1", 1, 0, 0, 0, 0),
    ]
    found = figures(section)
    assert (found["pending"], found["dead"], found["deadLately"]) == ((4, None), (4, None), (2, 0))
    assert section.note == "What waits is of the moment in which the report was made."


@pytest.mark.parametrize(
    ("failed_at", "lately", "before"),
    [
        (NOW - DAY / 4, 1, 0), (NOW, 0, 0), (NOW - DAY / 2, 0, 0), (NOW - DAY - timedelta(minutes=1), 0, 1),
        (NOW - DAY, 0, 0), (NOW - 2 * DAY, 0, 0),
    ],
    ids=["today", "at the end", "yesterday's evening", "yesterday", "yesterday at the same hour", "earlier"],
)  # fmt: skip
def test_a_dead_letter_is_of_its_period(
    failed_at: datetime, lately: int, before: int, acme: Tenant, spool: Spool
) -> None:
    dead(acme, failed_at=failed_at)

    assert figures(health(acme, spool, days=1))["deadLately"] == (lately, before)
    assert figures(health(acme, spool, days=1))["dead"] == (1, None)


def test_the_oldest_event_is_as_old_as_the_clock_says(acme: Tenant) -> None:
    event(acme, created_at=NOW - timedelta(seconds=90))
    window = (NOW - DAY, NOW)

    found = read_outbox_health(acme.pk, now=NOW, window=window, before=window)

    assert (found.pending, found.oldest_seconds, found.is_more) == (1, 90.0, False)


def test_an_outbox_with_nothing_in_it(acme: Tenant, spool: Spool) -> None:
    section = health(acme, spool)

    assert list(section.rows) == []
    assert figures(section) == {"pending": (0, None), "oldest": (0.0, None), "dead": (0, None), "deadLately": (0, 0)}


def test_more_than_is_counted_is_said(acme: Tenant, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    # The bound itself: a hundred thousand rows would say nothing more.
    monkeypatch.setattr(backlog, "MOST_OF_A_TENANT", 1)
    event(acme)

    assert health(acme, spool).note.endswith("There is more than was counted.")


def test_another_tenants_outbox_is_not_in_it(acme: Tenant, globex: Tenant, spool: Spool) -> None:
    event(globex)
    dead(globex)

    section = health(acme, spool)

    assert list(section.rows) == []
    assert figures(section)["pending"] == (0, None)


def test_what_waits_is_of_this_moment_whenever_the_period_ends(acme: Tenant, spool: Spool) -> None:
    event(acme, created_at=timezone.now() - timedelta(seconds=60))

    assert figures(health(acme, spool))["oldest"][0] == pytest.approx(60, abs=30)


@pytest.mark.parametrize(("params", "field"), [({"days": 366}, "days"), ({"limit": 5}, "limit")], ids=str)
def test_bad_params_are_named(params: dict[str, Any], field: str, acme: Tenant, spool: Spool) -> None:
    assert health(acme, spool, **params).error.startswith(f"{field}: ")
