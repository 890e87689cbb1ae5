"""A report in a real browser: composed, previewed while it is typed, saved, run, downloaded, scheduled and paused."""

import io
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Dialog
from pypdf import PdfReader

from kaireon.platform.budget import Budget
from kaireon.platform.notifications.services import create_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_user
from reports.decisions.vocabulary import ScheduleState
from reports.models import ReportRun, ReportSchedule, ReportTemplate
from reports.services import work_off_runs
from tests.browser.conftest import Window, named
from tests.people import PASSWORD
from tests.reports.keeping import FUNNEL, make_schedule, make_template, spoil

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PREVIEW = "#preview-paper"


def mail(tenant: Tenant, name: str = "Board mail") -> str:
    row = create_destination(
        tenant_id=tenant.pk, kind="ops_email", name=name, enabled=True, actor=SYSTEM, now=timezone.now(),
        config={"fromEmail": "a@example.com", "recipients": ["board@example.com"]},
    )  # fmt: skip
    return str(row.pk)


def previewed(window: Window, text: str) -> None:
    """Wait until the preview shows a text."""
    window.page.locator(PREVIEW).get_by_text(text).first.wait_for()


def source(window: Window, number: int) -> Any:
    """Return the controls of a section by its place, from 1."""
    return window.page.locator("#compose > fieldset").nth(number - 1)


def focused(window: Window, element: str) -> None:
    """Wait until the keyboard is at an element."""
    window.page.wait_for_function(f"document.activeElement.id === '{element}'")


def make_what_waits() -> None:
    """Do what a worker does."""
    work_off_runs(now=timezone.now(), budget=Budget(30))


@pytest.mark.slow
@pytest.mark.parametrize("window", [(1280, "light"), (390, "dark")], indirect=True, ids=named)
def test_from_new_report_to_a_schedule_that_is_paused(tenant: Tenant, window: Window) -> None:
    mail(tenant)
    page = window.page
    window.sign_in()
    window.open("/settings/reports")
    page.get_by_role("link", name="Make the first report").click()
    previewed(window, "Offer performance")

    page.get_by_label("Name", exact=True).fill("Board report")
    page.get_by_role("button", name="Add source").click()
    source(window, 2).get_by_label("Source").select_option("decision_traces_summary")
    previewed(window, "Board report")
    source(window, 2).get_by_role("button", name="Move up").click()
    page.get_by_role("heading", name="1. Decision").wait_for()
    page.get_by_role("checkbox", name="CSV").check()
    page.get_by_role("checkbox", name="Board mail").check()
    previewed(window, "pdf, csv")
    issues = window.serious_issues()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("“Board report” is saved.").wait_for()
    template = ReportTemplate.objects.for_tenant(tenant).get()
    assert [each["sourceKey"] for each in template.data_sources] == ["decision_traces_summary", "offer_performance"]

    page.get_by_role("button", name="Run now").click()
    page.get_by_role("heading", name="Queued").wait_for()
    issues += window.serious_issues()
    make_what_waits()
    page.get_by_role("heading", name="Delivered to 1 destination").wait_for()
    issues += window.serious_issues()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download board-report").filter(has_text="Download").last.click()
    pdf = PdfReader(io.BytesIO(download.value.path().read_bytes()))
    assert "Board report" in pdf.pages[0].extract_text()

    page.get_by_role("link", name="Board report").first.click()
    page.get_by_label("Schedule name").fill("Every quarter of an hour")
    page.get_by_label("Timezone").fill("Europe/Berlin")
    page.get_by_label("Cron expression").fill("*/15 * * * *")
    page.get_by_text("Every 15 minutes").wait_for()
    assert page.locator("#cadence .k-times li").count() == 5
    page.get_by_role("button", name="Weekdays at 09:00").click()
    page.locator("#cadence").get_by_text("Monday through Friday").wait_for()
    issues += window.serious_issues()
    page.get_by_role("button", name="Add schedule").click()
    page.get_by_text("“Every quarter of an hour” is added.").wait_for()
    page.get_by_role("button", name="Pause Every quarter of an hour").click()
    page.get_by_text("is paused: nothing goes out").wait_for()

    schedule = ReportSchedule.objects.for_tenant(tenant).get()
    assert (schedule.cron_expression, schedule.timezone) == ("0 9 * * 1-5", "Europe/Berlin")
    assert schedule.state == ScheduleState.PAUSED
    assert issues == []
    assert window.too_wide() == []
    assert window.complaints == []


def test_an_older_answer_never_overwrites_a_newer_one(tenant: Tenant, window: Window) -> None:
    page, asked = window.page, []
    window.sign_in()

    def hold_the_first(route: Any) -> None:
        asked.append(route.request)
        if len(asked) == 2:
            page.wait_for_timeout(1500)
        route.continue_()

    page.route("**/settings/reports/preview", hold_the_first)
    window.open("/settings/reports/new")
    name = page.get_by_label("Name", exact=True)
    name.fill("First")
    page.wait_for_timeout(700)
    name.fill("Second")
    previewed(window, "Second")
    page.wait_for_timeout(1700)

    assert page.locator(f"{PREVIEW} .k-paper-title").inner_text() == "Second"
    assert page.evaluate("document.activeElement.id") == "report_name"


def test_the_preview_waits_until_the_typing_rests(tenant: Tenant, window: Window) -> None:
    page, asked = window.page, []
    window.sign_in()
    window.open("/settings/reports/new")
    previewed(window, "Untitled report")
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/preview") else None)

    page.get_by_label("Name", exact=True).press_sequentially("Quarterly", delay=80)
    is_behind = page.locator("#preview[data-behind]").count()
    previewed(window, "Quarterly")

    assert len(asked) == 1
    assert is_behind == 1
    assert page.locator("#preview[data-behind]").count() == 0


def test_a_section_that_cannot_be_made_says_so_in_its_place(tenant: Tenant, window: Window) -> None:
    page = window.page
    window.sign_in()
    window.open("/settings/reports/new")

    source(window, 1).get_by_role("spinbutton", name="Days").fill("9999")
    previewed(window, "This section could not be made.")
    page.get_by_label("Name", exact=True).fill("Kept name")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").get_by_role("link", name="Days").click()

    assert page.evaluate("document.activeElement.id") == "block-1-param-days"
    assert page.get_by_label("Name", exact=True).input_value() == "Kept name"
    assert source(window, 1).get_by_role("spinbutton", name="Days").input_value() == "9999"
    assert not ReportTemplate.objects.for_tenant(tenant).exists()
    assert window.serious_issues() == []


def test_the_keyboard_stays_where_it_moved_added_or_removed_something(tenant: Tenant, window: Window) -> None:
    page = window.page
    window.sign_in()
    window.open("/settings/reports/new")

    page.locator("#compose-add").press("Enter")
    focused(window, "block-2-key")
    page.locator("#block-2-up").press("Enter")
    page.locator("#compose > fieldset:first-of-type#block-2").wait_for()
    focused(window, "block-2-up")
    page.locator("#block-2-remove").press("Enter")
    page.locator("#block-2").wait_for(state="detached")
    focused(window, "compose-add")

    assert window.complaints == []


def test_what_was_typed_stays_when_a_section_is_moved_and_when_a_schedule_is_refused(
    tenant: Tenant, window: Window
) -> None:
    template = make_template(tenant, name="Kept", data_sources=[FUNNEL, {"sourceKey": "revenue_trend", "params": {}}])
    page = window.page
    window.sign_in()
    window.open(f"/settings/reports/{template.pk}")

    page.get_by_label("Description").fill("Not saved yet")
    source(window, 2).get_by_label("Section title").fill("Money")
    source(window, 2).get_by_role("button", name="Move up").click()
    page.get_by_role("heading", name="1. Money").wait_for()
    page.get_by_label("Schedule name").fill("Broken")
    page.get_by_label("Cron expression").fill("0 25 * * *")
    page.locator("#cadence").get_by_text("Cron expression:").wait_for()
    page.get_by_role("button", name="Add schedule").click()
    page.get_by_role("heading", name="Not saved: one field needs another look").wait_for()

    assert page.get_by_label("Description").input_value() == "Not saved yet"
    assert page.get_by_label("Schedule name").input_value() == "Broken"
    assert page.get_by_label("Cron expression").get_attribute("aria-invalid") == "true"
    assert not ReportSchedule.objects.for_tenant(tenant).exists()
    assert window.serious_issues() == []


def test_the_list_shows_how_far_a_run_is_and_its_row_becomes_its_end(tenant: Tenant, window: Window) -> None:
    template = make_template(tenant, name="Row report", formats=["csv"])
    page = window.page
    window.sign_in()
    window.open("/settings/reports")

    page.get_by_role("button", name="Run Row report now").click()
    page.get_by_role("link", name="Watch Row report").wait_for()
    make_what_waits()
    page.get_by_role("link", name="Last run of Row report: completed").wait_for()

    assert page.get_by_role("button", name="Run Row report now").is_visible()
    assert page.evaluate("document.activeElement.id") == f"report-act-{template.pk}"
    assert ReportRun.objects.for_tenant(tenant).get().triggered_by == "manual"
    assert window.complaints == []


def test_deleting_a_report_says_what_it_takes_along(tenant: Tenant, window: Window) -> None:
    template = make_template(tenant, name="Old report")
    for number in range(3):
        make_schedule(tenant, template, name=f"S{number}")
    page = window.page
    window.sign_in()
    window.open(f"/settings/reports/{template.pk}")

    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Delete the report “Old report”?")
    assert dialog.get_by_text("Deletes 3 schedules; past runs stay.").is_visible()
    dialog.get_by_role("button", name="Delete report").click()
    page.get_by_text("is deleted with its schedules; its runs stay.").wait_for()

    assert not ReportTemplate.objects.for_tenant(tenant).exists()


def test_a_parked_schedule_says_why_and_saving_a_better_cadence_frees_it(tenant: Tenant, window: Window) -> None:
    schedule = make_schedule(tenant)
    spoil(
        schedule, cron_expression="61 * * * *", state=ScheduleState.PARKED, state_reason="Minute 61.", next_run_at=None
    )
    page = window.page
    window.sign_in()
    window.open(f"/settings/reports/schedules/{schedule.pk}")

    assert page.get_by_role("heading", name="Parked: it does not go out").is_visible()
    page.get_by_label("Cron expression").fill("0 7 * * *")
    page.locator("#cadence .k-times li").first.wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Goes out in").wait_for()

    schedule.refresh_from_db()
    assert schedule.state == ScheduleState.ACTIVE
    assert window.serious_issues() == []


def test_what_is_not_saved_is_said_and_leaving_asks(tenant: Tenant, window: Window) -> None:
    template = make_template(tenant, name="Watched")
    page = window.page
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    window.sign_in()
    window.open(f"/settings/reports/{template.pk}")
    page.on("dialog", leave)

    before = page.get_by_text("Run now uses what is saved.").is_visible()
    page.get_by_label("Name", exact=True).fill("Changed")
    page.get_by_text("Run now uses what is saved.").wait_for()
    page.get_by_role("link", name="Reports").first.click()
    page.get_by_role("heading", name="Reports", level=1).wait_for()

    template.refresh_from_db()
    assert not before
    assert asked == ["beforeunload"]
    assert template.name == "Watched"


@pytest.mark.parametrize("window", [(390, "light")], indirect=True, ids=named)
def test_a_wide_report_stays_inside_a_phone(tenant: Tenant, window: Window) -> None:
    mail(tenant, "Vorstandsgesamtberichtsverteilerliste " + "W" * 60)
    sources: list[dict[str, Any]] = [
        {"sourceKey": key, "params": {}} for key in ("offer_performance", "daily_trend", "funnel")
    ]
    template = make_template(tenant, name="Ümläut & <b>Wide</b> " + "W" * 60, data_sources=sources, formats=["csv"])
    page = window.page
    window.sign_in()

    too_wide = []
    window.open(f"/settings/reports/{template.pk}")
    previewed(window, "Daily trend")
    too_wide += window.too_wide()
    page.get_by_role("button", name="Run now").click()
    make_what_waits()
    page.get_by_role("heading", name="Made; it was sent to nobody").wait_for()
    too_wide += window.too_wide()
    window.open("/settings/reports")
    too_wide += window.too_wide()

    assert too_wide == []
    assert window.complaints == []


def test_a_viewer_reads_the_report_and_its_preview(tenant: Tenant, window: Window) -> None:
    template = make_template(tenant, name="For reading")
    make_schedule(tenant, template)
    create_user(
        email="viewer@acme.example", password=PASSWORD, tenant=tenant, role=Role.VIEWER, now=timezone.now()
    )  # fmt: skip
    page = window.page
    window.open("/")
    page.get_by_label("E-mail address").fill("viewer@acme.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview", level=1).wait_for()

    window.open(f"/settings/reports/{template.pk}")
    previewed(window, "For reading")

    assert page.get_by_role("button", name="Run now").count() == 0
    assert page.locator("main form").count() == 0
    assert window.serious_issues() == []
    assert window.complaints == []
