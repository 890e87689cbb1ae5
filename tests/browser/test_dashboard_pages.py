"""Dashboards in a real browser: sound in every window, exported, narrowed, refreshed without a jump, saved."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import html5lib
import pypdf
import pytest
from django.utils import timezone
from markdown_it import MarkdownIt
from playwright.sync_api import Locator, Page, expect

from kaireon.platform.notifications.services import create_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.dashboards import DASHBOARDS
from reports.models import ReportSchedule, ReportTemplate
from reports.renderers import RENDERERS
from tests.browser.conftest import Window, named
from tests.reports.dashboards.world import MARK, live_through

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WINDOWS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
LONG = "Ümläut & <b>Wide</b> " + "W" * 40
# The page counts from its first look at the clock, a second after it has come.
HALF_A_MINUTE = 32_000
TICK_COLORS = (
    "Array.from(document.querySelectorAll('canvas')).map((each) => Chart.getChart(each).options.scales.x.ticks.color)"
)
PLACE = "document.getElementById('scroll-channels').getBoundingClientRect().top"


@pytest.fixture
def board(tenant: Tenant, window: Window, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """Return a window in which an admin of a tenant with some data has signed in; pages have time for all of it."""
    monkeypatch.setattr("reports.dashboards.views.PAGE_SECONDS", 60.0)
    live_through(tenant)
    window.sign_in()
    yield window.page
    assert window.complaints == []


def figure(page: Page, label: str) -> Locator:
    """Return the value of a figure on top."""
    return page.locator(".k-figure", has_text=label).locator("b")


# --- Every page


@pytest.mark.slow
@pytest.mark.parametrize("window", WINDOWS, indirect=True, ids=named)
def test_every_dashboard_is_quiet_drawn_and_fits_its_window(tenant: Tenant, window: Window) -> None:
    live_through(tenant, channel=LONG)
    window.sign_in()
    wide, issues, undrawn = [], [], []

    for key in DASHBOARDS:
        window.open(f"/dashboards/{key}?period=30d")
        for table in window.page.locator("details.k-board-table summary").all():
            table.click()
        undrawn += [key for canvas in window.page.locator("canvas").all() if not is_drawn(canvas)]
        wide += [f"{key}: {element}" for element in window.too_wide()]
        issues += [f"{key}: {issue}" for issue in window.serious_issues()]

    assert (wide, issues, undrawn) == ([], [], [])
    assert window.complaints == []


def is_drawn(canvas: Locator) -> bool:
    """Tell whether anything stands on a canvas."""
    return bool(
        canvas.evaluate("""(element) => {
          const pixels = element.getContext("2d").getImageData(0, 0, element.width, element.height).data;
          return pixels.some((value) => value !== 0);
        }""")
    )


@pytest.mark.parametrize("window", [(1280, "light"), (390, "dark")], indirect=True, ids=named)
def test_the_form_of_saving_and_the_menu_of_formats_are_sound(board: Page, window: Window) -> None:
    window.open("/dashboards/executive")
    board.locator("#board-export summary").click()
    menu = board.locator("#board-export .k-menu-list").bounding_box()
    issues = window.serious_issues()
    board.keyboard.press("Escape")
    board.get_by_role("link", name="Save as Report").click()
    board.locator("dialog[open]").wait_for()
    board.get_by_label("Goes out").select_option("custom")
    expect(board.get_by_label("Cron expression")).to_be_visible()

    assert issues + window.serious_issues() == []
    assert window.too_wide() == []
    assert menu is not None
    assert menu["x"] >= 0, "what is beyond the left edge cannot be scrolled to"


@pytest.mark.parametrize("window", [(1280, "light"), (390, "dark")], indirect=True, ids=named)
def test_a_dashboard_without_data_is_sound_and_leads_on(tenant: Tenant, window: Window) -> None:
    window.sign_in()
    window.open("/dashboards/executive?period=today&channel=nowhere")

    assert window.page.get_by_role("heading", name="Nothing happened today with these filters").is_visible()
    assert window.serious_issues() == []
    assert window.too_wide() == []

    window.page.get_by_role("link", name="Clear the filters").click()
    window.page.wait_for_url("**/dashboards/executive?period=today")


def test_the_navigation_leads_to_every_dashboard(board: Page, window: Window) -> None:
    for dashboard in DASHBOARDS.values():
        board.locator(f'#nav-sidebar a[href="/dashboards/{dashboard.key}"]').click()
        board.get_by_role("heading", name=dashboard.title, level=1).wait_for()
        window.settle()

        assert board.url.endswith(f"/dashboards/{dashboard.key}")


def test_a_change_of_theme_draws_the_charts_in_its_colours(board: Page, window: Window) -> None:
    window.open("/dashboards/executive")
    before = board.evaluate(TICK_COLORS)

    board.evaluate("document.documentElement.classList.add('dark')")
    board.wait_for_function(f"!{TICK_COLORS}.includes({before[0]!r})")
    after = board.evaluate(TICK_COLORS)

    assert len(before) == len(after) == 3
    assert not set(before) & set(after)


# --- Period and filters


def test_the_period_and_the_filters_stay_in_the_address(board: Page, window: Window) -> None:
    window.open("/dashboards/executive")

    board.get_by_label("Channel", exact=True).select_option(MARK)
    board.wait_for_url(f"**/dashboards/executive?channel={MARK}&segment=")
    board.get_by_role("navigation", name="Period").get_by_role("link", name="30 days").click()
    board.wait_for_url(f"**/dashboards/executive?period=30d&channel={MARK}")
    board.get_by_role("navigation", name="Dashboards").get_by_role("link", name="Business").click()
    board.wait_for_url(f"**/dashboards/business?period=30d&channel={MARK}")

    assert board.get_by_label("Channel", exact=True).input_value() == MARK
    expect(board.get_by_role("navigation", name="Period").locator("[aria-current]")).to_have_text("30 days")
    expect(figure(board, "Revenue")).to_have_text("400.00")


def test_everything_is_reached_by_keyboard(board: Page, window: Window) -> None:
    window.open("/dashboards/executive")
    board.locator("#board-export summary").focus()

    board.keyboard.press("Enter")
    expect(board.get_by_role("button", name="CSV")).to_be_visible()
    board.keyboard.press("Escape")
    expect(board.get_by_role("button", name="CSV")).to_be_hidden()
    board.keyboard.press("Tab")
    board.keyboard.press("Enter")
    board.locator("dialog[open]").wait_for()
    expect(board.get_by_label("Name")).to_be_focused()
    board.keyboard.press("Escape")

    expect(board.locator("dialog[open]")).to_have_count(0)


# --- Auto-refresh


@pytest.fixture
def clocked(board: Page, window: Window) -> Page:
    """Return the executive dashboard in a window whose clock the test moves."""
    board.clock.install()
    window.open("/dashboards/executive")
    return board


def half_a_minute_passes(page: Page) -> None:
    """Let the page's clock go on until it has asked again, and wait for the answer."""
    with page.expect_response(lambda response: "/dashboards/" in response.url):
        page.clock.run_for(HALF_A_MINUTE)
    # What is swapped settles a moment later, by the same clock.
    page.clock.run_for(1_000)


def test_what_is_new_appears_by_itself_and_nothing_jumps(tenant: Tenant, clocked: Page) -> None:
    clocked.set_viewport_size({"width": 1280, "height": 500})
    clocked.locator("#table-channels summary").click()
    scroll = clocked.locator("#scroll-channels")
    scroll.focus()
    clocked.evaluate("window.scrollTo(0, 700)")
    before = clocked.evaluate(PLACE)
    clocked.evaluate("document.getElementById('part-funnel').dataset.mine = 'untouched'")

    half_a_minute_passes(clocked)
    same = clocked.evaluate("document.getElementById('part-funnel').dataset.mine")
    live_through(tenant, channel="second")
    half_a_minute_passes(clocked)

    expect(figure(clocked, "Revenue")).to_have_text("600.00")
    expect(clocked.locator("#table-channels tbody tr")).to_have_count(2)
    after = clocked.evaluate(PLACE)
    assert same == "untouched"
    assert after == before
    assert clocked.evaluate("document.activeElement.id") == "scroll-channels"
    assert clocked.locator("#table-channels").get_attribute("open") is not None
    assert all(is_drawn(canvas) for canvas in clocked.locator("canvas").all())


def test_a_hidden_tab_asks_nothing_until_it_is_seen_again(clocked: Page) -> None:
    asked: list[str] = []
    clocked.on("request", lambda request: asked.append(request.url) if "/dashboards/" in request.url else None)
    clocked.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.isAway, configurable: true})")

    clocked.evaluate("window.isAway = true")
    clocked.clock.run_for(3 * HALF_A_MINUTE)
    while_away = list(asked)
    clocked.evaluate("window.isAway = false")
    half_a_minute_passes(clocked)

    assert while_away == []
    assert len(asked) in {1, 2}


def test_a_server_that_does_not_answer_is_said_and_forgiven(clocked: Page, window: Window) -> None:
    clocked.route("**/dashboards/executive", lambda route: route.abort())
    clocked.clock.run_for(HALF_A_MINUTE)
    expect(clocked.get_by_text("The server does not answer.")).to_be_visible()
    expect(figure(clocked, "Revenue")).to_have_text("300.00")

    clocked.unroute("**/dashboards/executive")
    half_a_minute_passes(clocked)

    expect(clocked.get_by_text("The server does not answer.")).to_be_hidden()
    window.complaints.clear()


def test_sections_that_take_long_come_one_by_one_and_nothing_moves(
    board: Page, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.dashboards.views.PAGE_SECONDS", -1.0)

    window.open("/dashboards/executive")

    expect(figure(board, "Revenue")).to_have_text("300.00")
    expect(board.locator(".k-board-waiting")).to_have_count(0)
    assert all(is_drawn(canvas) for canvas in board.locator("canvas").all())
    assert board.locator("canvas").count() == 3
    assert int(board.locator("#board-live").get_attribute("data-poll") or 0) >= 30
    assert window.serious_issues() == []


# --- Export


@pytest.mark.slow
@pytest.mark.parametrize("key", [*DASHBOARDS])
def test_a_dashboard_is_exported_in_every_format(key: str, board: Page, window: Window, tmp_path: Path) -> None:
    window.open(f"/dashboards/{key}?period=14d")

    for fmt, renderer in RENDERERS.items():
        board.locator("#board-export summary").click()
        with board.expect_download() as download:
            board.get_by_role("button", name=re.compile(f"^{renderer.label}")).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)

        assert path.name == f"{key}-{timezone.now():%Y-%m-%d}.{renderer.extension}"
        CHECKS[fmt](path.read_bytes(), DASHBOARDS[key].title)
        board.keyboard.press("Escape")


def check_pdf(data: bytes, title: str) -> None:
    """Read it with pypdf."""
    read = pypdf.PdfReader(io.BytesIO(data))
    text = "\n".join(page.extract_text() for page in read.pages)
    assert read.metadata is not None
    assert read.metadata.title == title
    assert "Summary" in text
    assert len(read.pages) >= 1


def check_csv(data: bytes, title: str) -> None:
    """Read it with the standard library: sections under their titles, and no narrative."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0] == [title]
    assert not [row for row in rows if row and row[0] in {"Summary", "Takeaway"}]
    assert len(rows) > 10


def check_markdown(data: bytes, title: str) -> None:
    """Read it with markdown-it."""
    html = MarkdownIt("commonmark").enable("table").render(data.decode())
    assert f"<h1>{title}</h1>" in html
    assert "<table>" in html


def check_html(data: bytes, title: str) -> None:
    """Read it with html5lib, which takes nothing that is not HTML."""
    tree: Any = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(data.decode())
    assert tree.findtext(".//h1") == title
    assert tree.findall(".//table")


CHECKS = {"pdf": check_pdf, "csv": check_csv, "markdown": check_markdown, "html": check_html}


# --- Save as Report


def test_a_dashboard_is_saved_as_a_report_in_one_step(tenant: Tenant, board: Page, window: Window) -> None:
    create_destination(
        tenant_id=tenant.pk, kind="ops_email", name="Board mail", enabled=True, actor=SYSTEM, now=timezone.now(),
        config={"fromEmail": "a@example.com", "recipients": ["b@example.com"]},
    )  # fmt: skip
    window.open(f"/dashboards/executive?period=30d&channel={MARK}")

    board.get_by_role("link", name="Save as Report").click()
    dialog = board.locator("dialog[open]")
    expect(dialog.get_by_label("Name")).to_have_value(f"Executive, the last 30 days, {MARK}")
    dialog.get_by_label("Name").fill("For the board")
    dialog.get_by_label("CSV").check()
    dialog.get_by_label("Board mail").check()
    dialog.get_by_label("Goes out").select_option("0 8 * * 1")
    dialog.get_by_label("Timezone").fill("Europe/Berlin")
    dialog.get_by_role("button", name="Save as Report").click()
    board.wait_for_url("**/settings/reports/*")

    template = ReportTemplate.objects.for_tenant(tenant).get()
    schedule = ReportSchedule.objects.for_tenant(tenant).get()
    assert board.url.endswith(str(template.pk))
    assert (template.name, template.formats) == ("For the board", ["pdf", "csv"])
    assert template.data_sources[0]["params"] == {"days": 30, "channelId": MARK}
    assert (schedule.cron_expression, schedule.timezone) == ("0 8 * * 1", "Europe/Berlin")
    assert len(schedule.destination_ids) == 1


def test_a_bad_cadence_keeps_what_was_typed_and_names_the_field(tenant: Tenant, board: Page, window: Window) -> None:
    window.open("/dashboards/executive")
    board.get_by_role("link", name="Save as Report").click()
    dialog = board.locator("dialog[open]")

    dialog.get_by_label("Name").fill("For the board")
    dialog.get_by_label("HTML").check()
    dialog.get_by_label("Goes out").select_option("custom")
    dialog.get_by_label("Cron expression").fill("61 * * * *")
    dialog.get_by_role("button", name="Save as Report").click()
    dialog.locator(".k-errors").wait_for()

    expect(dialog.locator(".k-errors")).to_be_focused()
    expect(dialog.get_by_label("Name")).to_have_value("For the board")
    expect(dialog.get_by_label("HTML")).to_be_checked()
    expect(dialog.get_by_label("Cron expression")).to_have_value("61 * * * *")
    expect(dialog.get_by_label("Cron expression")).to_have_attribute("aria-invalid", "true")
    assert window.serious_issues() == []
    assert not ReportTemplate.objects.for_tenant(tenant).exists()
    window.complaints.clear()

    dialog.get_by_label("Cron expression").fill("0 7 * * *")
    dialog.get_by_role("button", name="Save as Report").click()
    board.wait_for_url("**/settings/reports/*")

    assert ReportSchedule.objects.for_tenant(tenant).get().cron_expression == "0 7 * * *"


def test_saving_can_be_left_without_a_trace(tenant: Tenant, board: Page, window: Window) -> None:
    window.open("/dashboards/executive")
    board.get_by_role("link", name="Save as Report").click()

    board.locator("dialog[open]").get_by_role("link", name="Cancel").click()

    expect(board.locator("dialog[open]")).to_have_count(0)
    assert board.url.endswith("/dashboards/executive")
    assert not ReportTemplate.objects.for_tenant(tenant).exists()
