"""The demo tenant: made once, with a few events that the publisher takes."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from flows.models import Pipeline, PipelineRun
from flows.services import run_pipeline_now
from flows.services.running import work_off_flows
from interactions.models import Interaction
from kaireon.demo import VISITS, add_report, record_visits, seed_demo
from kaireon.demo_flows import FILE, FOLDER, SALES, add_pipeline
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from outbox.models import DeadLetter, OutboxEvent
from reports.models import ReportSchedule, ReportTemplate
from reports.selectors import definition_of
from tests.people import Person
from tests.reports.keeping import make_mail

pytestmark = pytest.mark.django_db


def test_the_visits_leave_one_event_each_in_the_order_in_which_they_happened(acme: Tenant) -> None:
    now = timezone.now()

    record_visits(tenant=acme, now=now)

    events = list(OutboxEvent.objects.for_tenant(acme).order_by("seq"))
    doings = sum(len(visit[2]) for visit in VISITS)
    assert Counter(event.topic for event in events) == {
        "decision.made.v1": len(VISITS), "interaction.recorded.v1": doings, "outcome.recorded": 1,
    }  # fmt: skip
    assert [event.occurred_at for event in events] == sorted(event.occurred_at for event in events)
    assert all(now - timedelta(minutes=10) < event.occurred_at <= now for event in events)
    assert not DeadLetter.objects.for_tenant(acme).exists()


def test_a_visit_s_event_tells_what_the_table_has(acme: Tenant) -> None:
    record_visits(tenant=acme, now=timezone.now())

    sale = Interaction.objects.for_tenant(acme).get(outcome="convert")
    event = OutboxEvent.objects.for_tenant(acme).get(topic="outcome.recorded")
    assert event.key == sale.customer_id
    payload = event.payload if isinstance(event.payload, dict) else json.loads(event.payload)
    assert payload["interactionId"] == str(sale.pk)


def test_recording_the_visits_again_adds_nothing(acme: Tenant) -> None:
    now = timezone.now()
    record_visits(tenant=acme, now=now)
    before = OutboxEvent.objects.for_tenant(acme).count()

    record_visits(tenant=acme, now=now)

    assert OutboxEvent.objects.for_tenant(acme).count() == before


def test_the_report_goes_out_every_morning_to_the_demos_mail(acme: Tenant, alice: Person) -> None:
    mail, now = make_mail(acme), datetime(2026, 10, 24, 12, tzinfo=UTC)

    add_report(tenant=acme, destination_id=mail, now=now)

    template, schedule = find_report(acme)
    assert (template.name, template.formats, template.owner) == ("Weekly performance", ["pdf", "csv"], alice.user)
    assert [source.source_key for source in definition_of(template).data_sources] == [
        "offer_performance", "channel_effectiveness", "daily_trend",
    ]  # fmt: skip
    assert definition_of(template).narrative.is_enabled
    # 08:00 in Berlin, an hour later by UTC once the clocks have gone back.
    assert (schedule.timezone, schedule.next_run_at) == ("Europe/Berlin", datetime(2026, 10, 25, 7, tzinfo=UTC))
    assert template.destination_ids == schedule.destination_ids == [mail]


def find_report(tenant: Tenant) -> tuple[ReportTemplate, ReportSchedule]:
    """Return the tenant's one report with its one schedule."""
    return ReportTemplate.objects.for_tenant(tenant).get(), ReportSchedule.objects.for_tenant(tenant).get()


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_second_start_keeps_the_demo_as_it_is() -> None:
    now = timezone.now()
    first = seed_demo(now=now)
    events = OutboxEvent.objects.for_tenant(first.tenant).count()

    second = seed_demo(now=now + timedelta(hours=1))

    assert (first.is_new, second.is_new) == (True, False)
    assert find_report(second.tenant)[1].state == "active"
    assert 0 < events < 30
    assert OutboxEvent.objects.for_tenant(second.tenant).count() == events


@pytest.mark.django_db(transaction=True)
def test_the_pipeline_loads_the_file_that_lies_in_its_inbox(acme: Tenant, tmp_path: Path, settings: Any) -> None:
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    settings.FLOW_LOCAL_FS_ROOTS = [str(tmp_path / "files")]
    settings.FLOW_TEMP_DIR = str(tmp_path / "work")
    add_pipeline(tenant=acme, now=now)
    pipeline = Pipeline.objects.for_tenant(acme).get()

    run = run_pipeline_now(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=now)
    work_off_flows(now=now, budget=Budget(30))

    after = PipelineRun.objects.for_tenant(acme).get(pk=run.pk)
    assert (after.status, after.error, after.rows_out, after.failed_rows) == (
        "completed_with_errors", "", SALES - 1, 1,
    )  # fmt: skip
    assert (tmp_path / "files" / FOLDER / ".archive/2026-10-24" / FILE).exists()
