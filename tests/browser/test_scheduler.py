"""The scheduler in a real browser: a schedule from nothing to a run that fired, pause, backfill, secrets, the page."""

import re
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from playwright.sync_api import expect

from flows.decisions.vocabulary import TriggerSource
from flows.models import Pipeline, PipelineRun
from flows.services.running import work_off_flows
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.models import Tenant
from tests.browser.conftest import Window, named
from tests.flows.pipeline_world import make_pipeline
from tests.pages.flow_world import draft_of, edit_of
from tests.pages.scheduler_world import (
    PAGE,
    awaiting,
    break_folder,
    change_schedule,
    change_trigger,
    crowd_scheduler,
    make_occurrence,
    make_tick,
    park,
    scheduled,
)
from triggers.decisions.vocabulary import OccurrenceKind, Outcome
from triggers.models import Occurrence, PipelineSchedule, TriggerSecret

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "A pipeline whose name goes on and on " + "W" * 50
WINDOWS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture(autouse=True)
def clock(settings: Any, tmp_path: Path) -> None:
    """Let the door of the scheduler open, and pipelines read a folder of the test's."""
    settings.CRON_SECRET = "s" * 40
    settings.FLOW_LOCAL_FS_ROOTS = [str(tmp_path)]
    (tmp_path / "inbox").mkdir()


def work() -> None:
    """Do what a worker does, in a thread of its own."""

    def run() -> None:
        work_off_flows(now=timezone.now(), budget=Budget(60))
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(90)


def open_tab(window: Window, pipeline: Pipeline, name: str) -> None:
    """Open a tab of the editor as somebody who comes with its address."""
    window.open(f"{edit_of(pipeline)}#{name}")
    window.page.locator(f"#desk-{name} section").first.wait_for()
    window.settle()


def confirm(window: Window, verb: str) -> None:
    """Say yes to what is asked."""
    window.page.locator("#k-confirm").get_by_role("button", name=verb).click()
    window.settle()


@pytest.mark.parametrize("window", [(1280, "light"), (390, "dark")], indirect=True, ids=named)
def test_a_schedule_from_nothing_to_a_run_that_fired(tenant: Tenant, window: Window) -> None:
    pipeline, page = make_pipeline(tenant), window.page
    window.sign_in()
    open_tab(window, pipeline, "schedule")

    page.get_by_role("button", name="Add Schedule").click()
    page.get_by_label("Cron expression").wait_for()
    expect(page.locator("#foretold-schedule")).to_contain_text("Saving this fires 1 run now.")
    page.get_by_label("Cron expression").fill("*/5 * * * *")
    expect(page.locator("#foretold-schedule")).to_contain_text("Every 5 minutes")
    assert page.locator("#foretold-schedule .sched-times li").count() == 10
    issues = window.serious_issues()
    # Typed and saved in one breath: the save takes along what has not got into the draft yet.
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Save and publish").first.click()
    page.get_by_text("Version 2 of “Load orders” is saved and live.").wait_for()
    assert draft_of(pipeline)["schedule"]["timezone"] == "Europe/Berlin"
    assert page.get_by_role("tab", name="Schedule").get_attribute("aria-selected") == "true"

    page.locator("#desk-schedule").get_by_role("button", name="Tick scheduler now").click()
    expect(page.locator("#desk-schedule")).to_contain_text("Fired")
    expect(page.locator("#tick-said")).to_contain_text("1 run began")
    issues += window.serious_issues()

    run = PipelineRun.objects.for_tenant(tenant).get()
    assert (run.trigger_source, run.ir_version) == (TriggerSource.SCHEDULE, 2)
    assert page.locator(f'#desk-schedule a[href="/data/flow-runs/{run.pk}"]').first.is_visible()
    work()
    assert issues == []
    assert window.too_wide() == []
    assert window.complaints == []


def test_what_is_wrong_is_said_as_it_is_typed_and_leads_to_its_field(tenant: Tenant, window: Window) -> None:
    pipeline, page = scheduled(tenant), window.page
    window.sign_in()
    open_tab(window, pipeline, "schedule")

    page.get_by_label("Cron expression").fill("61 * * * *")
    wrong = page.locator("#timing-wrong-schedule")
    wrong.get_by_text("61 is not from 0 to 59").wait_for()
    wrong.get_by_role("link", name="schedule.expression").click()
    assert page.evaluate("document.activeElement.id") == "f-schedule-expression"
    page.get_by_label("Cron expression").fill("15 * * * *")
    expect(wrong).to_be_empty()
    page.get_by_label("Kind").select_option("interval")
    page.get_by_label("Every so many minutes").wait_for()
    page.get_by_role("tab", name="JSON IR").click()

    assert '"minutes": 60' in page.get_by_label("The pipeline as JSON").input_value()
    assert window.complaints == []
    page.evaluate("document.getElementById('flow-form').removeAttribute('data-dirty')")


def test_a_pause_and_a_resume_say_beforehand_what_they_do(tenant: Tenant, window: Window) -> None:
    pipeline, page = scheduled(tenant), window.page
    window.sign_in()
    open_tab(window, pipeline, "schedule")

    page.locator("#desk-pause").click()
    assert "No schedule and no file starts it" in page.locator("#k-confirm").inner_text()
    confirm(window, "Pause")
    page.locator("#desk-resume").wait_for()
    assert PipelineSchedule.objects.for_tenant(tenant).get().state == "paused"
    expect(page.locator("#desk-schedule")).to_contain_text("Resuming fires nothing at once")
    page.locator("#desk-resume").click()
    page.locator("#desk-pause").wait_for()

    assert PipelineSchedule.objects.for_tenant(tenant).get().state == "active"
    assert not PipelineRun.objects.for_tenant(tenant).exists()
    assert window.complaints == []


def test_a_backfill_shows_first_what_it_runs(tenant: Tenant, window: Window) -> None:
    pipeline, page = scheduled(tenant), window.page
    day = timezone.now() - timedelta(days=2)
    window.sign_in()
    open_tab(window, pipeline, "schedule")

    page.get_by_label("From", exact=True).fill(f"{day:%Y-%m-%d}T00:00")
    page.get_by_label("To", exact=True).fill(f"{day:%Y-%m-%d}T02:30")
    page.get_by_role("button", name="Show what it would run").click()
    page.get_by_role("region", name="Times of the backfill").wait_for()
    assert not PipelineRun.objects.for_tenant(tenant).exists()
    issues = window.serious_issues()
    page.locator("#backfill-run").click()
    page.get_by_text("runs asked for").wait_for()

    runs = PipelineRun.objects.for_tenant(tenant)
    assert {run.trigger_source for run in runs} == {TriggerSource.BACKFILL}
    assert Occurrence.objects.for_tenant(tenant).filter(kind=OccurrenceKind.BACKFILL).count() == runs.count() > 0
    assert issues == []
    assert window.complaints == []


def test_a_secret_is_made_rotated_and_revoked(tenant: Tenant, window: Window) -> None:
    pipeline, page = awaiting(tenant, deadline={"windowMinutes": 60}), window.page
    window.sign_in()
    open_tab(window, pipeline, "triggers")

    page.get_by_label("Name", exact=True).fill("The bank")
    page.get_by_role("button", name="Make a secret").click()
    secret = page.locator("#new-secret")
    secret.wait_for()
    assert re.fullmatch(r"kts_[\w-]{40,}", secret.inner_text())
    issues = window.serious_issues()
    page.get_by_role("button", name="Rotate The bank").click()
    page.get_by_text("Being replaced").wait_for()
    page.get_by_role("button", name="Revoke The bank").first.click()
    confirm(window, "Revoke secret")
    page.get_by_text("Revoked", exact=True).wait_for()

    rows = TriggerSecret.objects.for_tenant(tenant)
    assert (rows.count(), rows.filter(revoked_at=None).count()) == (2, 1)
    assert issues == []
    assert window.complaints == []


def furnish(tenant: Tenant) -> Occurrence:
    """Fill the page with everything that it can show; return an occurrence with a story."""
    now = timezone.now()
    pipelines = [scheduled(tenant, LONG), scheduled(tenant, "Orders", expression="*/5 * * * *")]
    crowd_scheduler(tenant, pipelines)
    park(scheduled(tenant, "Parked one"), reason="There is no time zone " + "W" * 60)
    change_schedule(scheduled(tenant, "Late one"), next_due_at=now - timedelta(hours=1))
    change_trigger(awaiting(tenant, deadline={"windowMinutes": 60}), deadline_at=now + timedelta(minutes=20))
    break_folder(tenant, error="The server says " + "W" * 80)
    make_tick(now, error="could not connect " + "W" * 80)
    make_tick(now)
    return make_occurrence(
        pipelines[0], Outcome.FAILED, at=now - timedelta(minutes=1), reason="Refused: " + "W" * 90, count=3, until=now
    )  # fmt: skip


@pytest.mark.parametrize("window", WINDOWS, indirect=True, ids=named)
def test_the_page_is_quiet_fits_its_window_and_opens_what_happened(tenant: Tenant, window: Window) -> None:
    row, page = furnish(tenant), window.page
    window.sign_in()

    window.open(PAGE)
    issues, too_wide = window.serious_issues(), window.too_wide()
    page.locator(f"#occurrence-link-{row.pk}").click()
    page.locator("#k-drawer").get_by_role("heading", name="Its story").wait_for()
    issues += window.serious_issues()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Next 24 h").click()
    page.get_by_text("within 24 hours").first.wait_for()
    for address in (f"{PAGE}?outcome=missed", f"{PAGE}/occurrences/{row.pk}"):
        window.open(address)
        too_wide += window.too_wide()
        issues += window.serious_issues()

    assert too_wide == []
    assert issues == []
    assert window.complaints == []


def test_the_page_goes_on_by_itself_and_keeps_what_a_tick_said(tenant: Tenant, window: Window) -> None:
    page = window.page
    make_tick()
    window.sign_in()
    window.open(PAGE)

    page.get_by_role("button", name="Tick scheduler now").click()
    page.locator("#tick-said").get_by_text("Nothing was due").wait_for()
    make_occurrence(scheduled(tenant, "Came later"), Outcome.MISSED)
    page.locator("#occurrences").get_by_text("Came later").wait_for(timeout=20_000)

    assert page.locator("#tick-said").get_by_text("Nothing was due").is_visible()
    assert window.complaints == []
