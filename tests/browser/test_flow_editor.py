"""A pipeline in a real browser: built from nothing by clicking, run, watched to its end, a bad row opened in full."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from flows.decisions.vocabulary import RunStatus
from flows.models import Pipeline, PipelineRun, PipelineVersion
from flows.services.running import work_off_flows
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.models import Tenant
from tests.browser.conftest import Window, named
from tests.flows.pipeline_world import make_pipeline
from tests.pages.flow_world import draft_of, edit_of, make_run, run_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROWS = "order_id,customer,amount\n1,Ann,10.50\n2,Bob,-3\n3,Cid,7\n"
# What Chromium says of every answer that is no success, although the page shows it in its place.
REFUSED = "Failed to load resource: the server responded with a status of 400 (Bad Request)"


@pytest.fixture
def inbox(tmp_path: Path, settings: Any) -> Path:
    """Return a folder that the server may read."""
    settings.FLOW_LOCAL_FS_ROOTS = [str(tmp_path)]
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def work() -> None:
    """Do what a worker does, in a thread of its own: the browser watches meanwhile."""

    def run() -> None:
        work_off_flows(now=timezone.now(), budget=Budget(60))
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(90)


def drawer(window: Window) -> Any:
    return window.page.locator("#k-drawer")


def press(window: Window, name: str) -> None:
    """Press a button in the drawer and wait for its answer."""
    drawer(window).get_by_role("button", name=name, exact=True).last.click()
    window.settle()


def make_schema(window: Window) -> None:
    page = window.page
    window.open("/data/schemas")
    page.get_by_role("link", name="Make the first schema").click()
    page.get_by_label("Name", exact=True).fill("orders")
    for number, (column, kind) in enumerate([("order_id", "bigint"), ("customer", "text"), ("amount", "decimal")]):
        if number:
            page.get_by_role("button", name="Add field").click()
            page.get_by_text(f"Field {number + 1}", exact=True).wait_for()
        page.get_by_label("Column").nth(number).fill(column)
        page.get_by_label("Type", exact=True).nth(number).select_option(kind)
    page.get_by_label("Key", exact=True).first.check()
    page.get_by_role("button", name="Create schema").click()
    page.get_by_text("its table is public.ds_orders").wait_for()


def make_connector(window: Window, inbox: Path) -> None:
    page = window.page
    window.open("/data/connectors")
    page.get_by_role("link", name="Make the first connector").click()
    page.get_by_label("Name", exact=True).fill("Inbox")
    page.get_by_label("Base path").fill(str(inbox))
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Test").click()
    page.get_by_role("heading", name="Its last test went well").wait_for()


def make_nodes(window: Window) -> None:
    """Add a transform that casts, and a validate that sets bad rows aside, by their forms."""
    page = window.page
    page.get_by_role("button", name="+ Transform").click()
    page.get_by_role("heading", name="New transform").wait_for()
    drawer(window).get_by_label("Id", exact=True).first.fill("clean")
    press(window, "Apply")
    drawer(window).get_by_text("Not taken over").wait_for()
    for number, (field, to) in enumerate([("order_id", "bigint"), ("amount", "decimal")]):
        if number:
            press(window, "Add operation")
        operation = drawer(window).get_by_role("group", name=f"Operation {number + 1}")
        operation.get_by_label("Field").fill(field)
        operation.get_by_label("To", exact=True).select_option(to)
    press(window, "Apply")
    page.get_by_role("article", name="Transform clean").wait_for()
    page.get_by_role("button", name="+ Validate").click()
    page.get_by_role("heading", name="New validate").wait_for()
    rule = drawer(window).get_by_role("group", name="Row rule 1")
    rule.get_by_label("Field").fill("amount")
    rule.get_by_label("Rule", exact=True).fill("gt:0")
    drawer(window).get_by_role("button", name="Add Quarantine").click()
    drawer(window).get_by_label("Table").fill("dlq.orders")
    press(window, "Apply")
    page.get_by_role("article", name="Validate validate1").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("window", [(1280, "light"), (390, "dark")], indirect=True, ids=named)
def test_from_nothing_to_a_quarantined_row_that_is_opened(tenant: Tenant, inbox: Path, window: Window) -> None:
    page, issues = window.page, list[str]()
    window.sign_in()
    make_schema(window)
    make_connector(window, inbox)
    window.open("/data/flow-pipelines")
    page.get_by_role("link", name="Make the first pipeline").click()
    drawer(window).get_by_label("Name").fill("Load orders")
    drawer(window).get_by_label("Connector").select_option(label="Inbox")
    drawer(window).get_by_label("Schema").select_option(index=1)
    issues += window.serious_issues()
    drawer(window).get_by_role("button", name="Create & Open Editor").click()
    page.get_by_role("article", name="Source source").wait_for()

    make_nodes(window)
    assert page.locator(".flow-card").count() == 4
    assert page.get_by_text("Not saved", exact=True).is_visible()
    issues += window.serious_issues()
    page.get_by_role("button", name="Save Changes").click()
    page.get_by_text("Version 2 of “Load orders” is saved.").wait_for()
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("Version 2 of “Load orders” is live.").wait_for()

    (inbox / "orders.csv").write_text(ROWS)
    page.get_by_role("button", name="Rows and SQL of clean").click()
    drawer(window).get_by_text("First 3 rows").wait_for()
    issues += window.serious_issues()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Run now").click()
    drawer(window).get_by_role("heading", name="Waits to be run").wait_for()
    work()
    drawer(window).get_by_role("heading", name="2 rows written, 1 set aside").wait_for()
    issues += window.serious_issues()

    drawer(window).locator("summary").filter(has_text="amount").first.click()
    assert drawer(window).get_by_text("Bob", exact=True).is_visible()
    run = PipelineRun.objects.for_tenant(tenant).get()
    assert (run.status, run.rows_out, run.failed_rows) == (RunStatus.COMPLETED_WITH_ERRORS, 2, 1)
    with page.expect_download() as download:
        drawer(window).get_by_role("link", name="Errors as CSV").click()
    assert "amount" in download.value.path().read_text()
    assert not (inbox / "orders.csv").exists()
    assert issues == []
    assert window.too_wide() == []
    assert [each for each in window.complaints if each != REFUSED] == []


def test_the_json_and_the_cards_are_one_draft(tenant: Tenant, window: Window) -> None:
    pipeline, page = make_pipeline(tenant), window.page
    window.sign_in()
    window.open(edit_of(pipeline))

    page.get_by_role("tab", name="JSON IR").click()
    text = page.get_by_label("The pipeline as JSON")
    text.fill(text.input_value().replace('"input": "clean"', '"input": "nowhere"'))
    page.locator("#flow-check").get_by_text("nodes[2].input").wait_for()
    page.locator("#flow-check").get_by_role("button", name="nodes[2].input").click()
    selected = page.evaluate(
        "(() => { const t = document.activeElement; return t.value.slice(t.selectionStart, t.selectionEnd); })()"
    )
    page.get_by_role("tab", name="Visual").click()
    page.get_by_text("Needs work").first.wait_for()
    page.get_by_role("button", name="Remove check").click()
    page.get_by_role("article", name="Validate check").wait_for(state="detached")
    page.get_by_role("tab", name="JSON IR").click()

    assert '"nowhere"' in selected
    assert '"check"' not in text.input_value()
    assert PipelineVersion.objects.for_tenant(tenant).count() == 1
    page.evaluate("document.getElementById('flow-form').removeAttribute('data-dirty')")


def test_tabs_are_reached_and_chosen_by_the_keyboard_and_kept_in_the_address(tenant: Tenant, window: Window) -> None:
    pipeline, page = make_pipeline(tenant), window.page
    window.sign_in()
    window.open(edit_of(pipeline))

    page.get_by_role("tab", name="Visual").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.get_by_text("SELECT").first.wait_for()
    page.keyboard.press("End")
    window.open(f"{edit_of(pipeline)}#versions")

    assert page.get_by_role("tab", name="Versions").get_attribute("aria-selected") == "true"
    page.get_by_role("heading", name="What changed").wait_for()


def test_somebody_elses_version_is_told_and_nothing_is_lost(tenant: Tenant, window: Window) -> None:
    pipeline, page = make_pipeline(tenant), window.page
    window.sign_in()
    window.open(edit_of(pipeline))
    page.get_by_role("button", name="Remove clean").click()
    page.get_by_role("article", name="Transform clean").wait_for(state="detached")
    ir = {**draft_of(pipeline), "metadata": {"name": "Theirs"}}
    PipelineVersion.objects.create(tenant=tenant, pipeline=pipeline, version=2, ir=ir, created_at=timezone.now())
    Pipeline.objects.for_tenant(tenant).update(latest_version=2)

    page.get_by_role("button", name="Save Changes").click()
    page.get_by_role("button", name="Save over version 2").click()
    page.get_by_text("Version 3 of “Load orders” is saved.").wait_for()

    nodes = [node["id"] for node in draft_of(pipeline)["nodes"]]
    assert nodes == ["src", "check", "load"]


def test_progress_goes_on_in_the_drawer_and_keeps_what_is_open(tenant: Tenant, window: Window) -> None:
    pipeline, page = make_pipeline(tenant), window.page
    run = make_run(pipeline, "running", stage="loading", processed_rows=10, total_rows=100)
    window.sign_in()
    window.open("/data/flow-runs")
    page.get_by_role("link", name="Load orders").last.click()
    bar = drawer(window).get_by_role("progressbar")
    bar.wait_for()

    drawer(window).get_by_role("button", name="Cancel").focus()
    PipelineRun.objects.for_tenant(tenant).filter(pk=run.pk).update(processed_rows=60)
    page.wait_for_function(
        "document.querySelector('#k-drawer [role=progressbar]')?.getAttribute('aria-valuenow') === '60'"
    )

    assert page.evaluate("document.activeElement.id") == f"run-cancel-{run.pk}"
    assert drawer(window).is_visible()
    assert page.url.endswith("/data/flow-runs")
    window.open(run_of(run))
    assert page.get_by_role("progressbar").first.is_visible()
