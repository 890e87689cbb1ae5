"""Dashboards as pages: figures, charts with their tables, filters in the address, the live part, export and saving."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.notifications.services import create_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.dashboards import DASHBOARDS
from reports.dashboards.filters import PERIODS
from reports.dashboards.reading import _took
from reports.models import ReportSchedule, ReportTemplate
from reports.sources import Scope, Source, Table, find_source
from reports.sources.registry import _registry
from tests.people import Person
from tests.reports.dashboards.world import MARK, live_through

pytestmark = pytest.mark.django_db
KEYS = [*DASHBOARDS]
ADDRESSES = [f"/dashboards/{key}" for key in KEYS]
# A section takes a savepoint, a time limit and the statements of its source; then session, user and memberships.
MOST_QUERIES = 40


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a page the time to read all its sections, on any machine."""
    monkeypatch.setattr("reports.dashboards.views.PAGE_SECONDS", 60.0)


def get(person: Person, address: str = "/dashboards/executive", **query: str) -> str:
    page = person.browser().get(address, query)
    assert page.status_code == 200
    return page.content.decode()


def told(text: str) -> list[Any]:
    """Return what the page tells its charts."""
    return [json.loads(found) for found in re.findall(r'<script id="chart-[^"]+"[^>]*>(.*?)</script>', text, re.DOTALL)]


def figures(text: str) -> dict[str, str]:
    """Return the figures on top by their labels."""
    return dict(re.findall(r'<div class="k-figure"[^>]*><span>([^<]+)</span><b>([^<]+)</b>', text))


# --- What it shows


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_dashboard_of_a_tenant_without_anything_says_what_belongs_here(address: str, alice: Person) -> None:
    text = get(alice, address)

    assert len(figures(text)) == 4
    assert "Nothing happened in the last 7 days" in text
    assert "How to record a response" in text


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_figure_of_a_dashboard_has_a_value(address: str, acme: Tenant, bob: Person) -> None:
    live_through(acme)

    shown = figures(get(bob, address))

    assert len(shown) == 4
    assert [label for label, value in shown.items() if value == "–"] == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_dashboard_has_charts_each_with_words_and_a_table(address: str, acme: Tenant, bob: Person) -> None:
    live_through(acme)

    text = get(bob, address)
    charts = re.findall(r'<canvas role="img" aria-label="([^"]+)" data-told="([^"]+)"', text)

    assert 2 <= len(charts) <= 5
    assert len(told(text)) == len(charts)
    assert all(len(words) > 20 for words, _ in charts)
    for part in re.findall(r'<section class="k-card[^"]*" id="part-.*?</section>', text, re.DOTALL):
        assert "<canvas" not in part or "<table" in part


def test_figures_show_their_change_against_the_period_before(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    text = get(bob)

    assert figures(text)["Revenue"] == "300.00"
    assert "▲ +200.0 %" in text
    assert "from 100.00" in text


@pytest.mark.parametrize(
    ("period", "words"), [("today", "Today against yesterday"), ("30d", "The last 30 days against the 30 days before")]
)
def test_the_page_says_what_it_compares(period: str, words: str, bob: Person) -> None:
    assert words in get(bob, period=period)


@pytest.mark.parametrize("period", [*PERIODS])
def test_the_chosen_period_is_marked_and_kept_in_every_link(period: str, bob: Person) -> None:
    text = get(bob, period=period, channel="web")

    chosen = re.findall(r'<a href="([^"]+)" aria-current="true">([^<]+)</a>', text)
    assert [label for _, label in chosen] == [PERIODS[period].label]
    assert "channel=web" in chosen[0][0]
    days = [chart for chart in told(text) if chart["kind"] == "line"]
    assert all(len(chart["labels"]) == PERIODS[period].days for chart in days)


@pytest.mark.parametrize("query", [{"period": "8d"}, {"period": "'\"><script>"}, {"channel": "<script>"}, {"x": "1"}])
def test_whatever_an_address_says_a_page_is_shown(query: dict[str, str], bob: Person) -> None:
    assert '<script>"' not in get(bob, **query)


def test_a_channel_narrows_the_page_and_stays_chosen(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    mine, other = get(bob, channel=MARK), get(bob, channel="app")

    assert figures(mine)["Revenue"] == "300.00"
    assert f'<option value="{MARK}" selected>' in mine
    assert figures(other)["Revenue"] == "0.00"
    assert "app (not in the catalogue)" in other


def test_a_segment_narrows_and_what_does_not_know_it_says_so(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    text = get(bob, segment="vip")

    assert figures(text)["Revenue"] == "300.00"
    assert "Not narrowed by segment: this is of everything." in text


def test_an_unknown_segment_is_an_empty_page_with_a_way_back(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    text = get(bob, "/dashboards/business", segment="nobody")

    assert "with these filters" in text
    assert 'href="/dashboards/business">Clear the filters' in text


def test_another_tenants_data_is_on_no_dashboard(acme: Tenant, alice: Person, charlie: Person) -> None:
    live_through(acme)

    for address in ADDRESSES:
        for query in ({}, {"channel": MARK}, {"segment": "vip"}):
            text = get(charlie, address, **query)
            assert f"{MARK} name" not in text
            assert "300.00" not in text


def test_days_begin_in_the_viewers_zone(acme: Tenant, bob: Person) -> None:
    bob.user.timezone = "Pacific/Kiritimati"
    bob.user.save(update_fields=["timezone"])

    text = get(bob, period="today")

    assert "in Pacific/Kiritimati" in text


@pytest.mark.parametrize("zone", ["Nowhere/City", "", "posix/UTC"])
def test_a_zone_that_is_none_is_the_tenants(zone: str, acme: Tenant, bob: Person) -> None:
    bob.user.timezone = zone
    bob.user.save(update_fields=["timezone"])

    assert "in UTC" in get(bob)


# --- What fails


def _broken(params: Any, scope: Scope) -> Table:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM table_that_is_not_there")
    raise AssertionError("the statement fails")


@pytest.mark.parametrize("key", ["revenue_trend", "funnel", "channel_effectiveness"])
def test_a_source_that_fails_takes_nothing_but_its_section(
    key: str, acme: Tenant, bob: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    live_through(acme)
    source = find_source(key)
    assert source is not None
    broken = Source(source.key, source.label, source.description, source.params, _broken)
    monkeypatch.setitem(_registry, key, broken)

    text = get(bob)

    assert text.count("It could not be read") == 1
    assert "table_that_is_not_there" not in text
    assert len(told(text)) == 2
    (line,) = [record for record in caplog.records if getattr(record, "event", "") == "dashboard.section.failed"]
    assert line.__dict__["sourceKey"] == key
    assert line.__dict__["errorId"] in text
    assert line.exc_info is not None


def test_a_source_that_is_not_registered_says_so(bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(_registry, "outbox_health", raising=False)

    text = get(bob, "/dashboards/data-health")

    assert "Nothing provides this in your installation yet." in text


# --- The live part


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_live_part_comes_without_the_frame(address: str, acme: Tenant, bob: Person) -> None:
    live_through(acme)

    answer = bob.browser().get(address, headers={"HX-Request": "true"})
    text = answer.content.decode()

    assert "<html" not in text
    assert len(figures(text)) == 4
    assert text.count('id="part-') == len(DASHBOARDS[address.rpartition("/")[2]].sections)


def test_a_part_keeps_its_version_until_it_says_something_else(acme: Tenant, bob: Person) -> None:
    live_through(acme)
    browser = bob.browser()

    def versions() -> dict[str, str]:
        text = browser.get("/dashboards/executive", headers={"HX-Request": "true"}).content.decode()
        return dict(re.findall(r'id="((?:part|figure)-[^"]*)" data-version="([^"]+)"', text))

    before, same = versions(), versions()
    live_through(acme, channel="second")

    assert before == same
    assert {name for name, version in versions().items() if version == before[name]} <= {"figure-2"}


def test_the_page_asks_for_itself_every_half_minute(bob: Person) -> None:
    text = get(bob, period="30d")

    assert 'data-poll="30" hx-get="/dashboards/executive?period=30d"' in text


@pytest.mark.parametrize("period", ["today", "90d"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_the_number_of_queries_is_bounded(address: str, period: str, acme: Tenant, alice: Person) -> None:
    for number in range(3):
        live_through(acme, channel=f"channel-{number}")
    browser = alice.browser()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        browser.get(address, {"period": period})

    assert len(queries) <= MOST_QUERIES, [query["sql"][:80] for query in queries]


# --- What takes long


def test_what_does_not_fit_into_a_page_is_asked_for_alone(
    acme: Tenant, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_through(acme)
    monkeypatch.setattr("reports.dashboards.views.PAGE_SECONDS", -1.0)
    browser = bob.browser()

    page = browser.get("/dashboards/executive?period=30d").content.decode()
    asked = [address.replace("&amp;", "&") for address in re.findall(r'hx-get="([^"]+)" hx-trigger="load"', page)]
    parts = [browser.get(address, headers={"HX-Request": "true"}).content.decode() for address in asked]

    assert asked == [f"/dashboards/executive?period=30d&part={part}" for part in ("revenue", "funnel", "channels")]
    assert told(page) == []
    assert set(figures(page).values()) == {"–"}
    assert [part.count('id="part-') for part in parts] == [1, 1, 1]
    assert [len(told(part)) for part in parts] == [1, 1, 1]
    assert figures(parts[0]) == {"Revenue": "400.00", "Conversions with a value": "3"}
    assert figures(parts[1]) == {}
    assert not [part for part in parts if "board-notice" in part or "board-fresh" in part]


def test_a_source_that_took_long_is_not_waited_for_again(
    acme: Tenant, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_through(acme)
    monkeypatch.setitem(_took, (acme.pk, "funnel", 7), 61.0)

    page = get(bob)

    assert re.findall(r'hx-get="[^"]+part=(\w+)" hx-trigger="load"', page) == ["funnel"]
    assert figures(page)["Revenue"] == "300.00"


def test_the_live_part_reads_everything_however_long_it_takes(
    acme: Tenant, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_through(acme)
    monkeypatch.setitem(_took, (acme.pk, "funnel", 7), 61.0)

    text = bob.browser().get("/dashboards/executive", headers={"HX-Request": "true"}).content.decode()

    assert "being read" not in text
    assert len(told(text)) == 3
    assert _took[(acme.pk, "funnel", 7)] < 61


@pytest.mark.parametrize("part", ["nothing", "<b>", ""])
def test_a_part_that_is_not_there_is_nothing_and_no_failure(part: str, acme: Tenant, bob: Person) -> None:
    answer = bob.browser().get("/dashboards/executive", {"part": part}, headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert (answer.content.decode().count('id="part-') == 0) is bool(part)


# --- Who may


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_viewer_reads_and_exports_and_is_not_offered_to_save(address: str, bob: Person) -> None:
    text = get(bob, address)

    assert 'action="/dashboards/export"' in text
    assert "board-save-link" not in text


@pytest.mark.parametrize("name", ["eve", "alice"])
def test_editors_and_admins_are_offered_to_save(name: str, request: pytest.FixtureRequest) -> None:
    person: Person = request.getfixturevalue(name)

    text = get(person, period="14d", channel="web")

    assert 'href="/dashboards/save?dashboard=executive&amp;period=14d&amp;channel=web"' in text


def test_a_viewer_may_not_save(acme: Tenant, bob: Person) -> None:
    page = bob.browser().post("/dashboards/save", {"dashboard": "executive", "name": "x"})

    assert page.status_code == 403
    assert not ReportTemplate.objects.for_tenant(acme).exists()


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_dashboard_is_only_read(method: str, alice: Person) -> None:
    assert getattr(alice.browser(), method)("/dashboards/executive").status_code == 405


def test_an_unknown_dashboard_is_not_found(alice: Person) -> None:
    browser = alice.browser()

    assert browser.get("/dashboards/nothing").status_code == 404
    assert browser.get("/dashboards/save?dashboard=nothing").status_code == 404
    assert browser.post("/dashboards/save", {"dashboard": "nothing"}).status_code == 404


# --- Export from the page


@pytest.mark.parametrize("fmt", ["pdf", "csv", "markdown", "html"])
def test_a_page_is_exported_as_it_is_narrowed(fmt: str, acme: Tenant, bob: Person) -> None:
    live_through(acme)

    answer: Any = bob.browser().post(
        "/dashboards/export", {"dashboard": "executive", "period": "30d", "channel": MARK, "format": fmt}
    )
    data = b"".join(answer.streaming_content)

    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith('attachment; filename="executive-')
    assert len(data) > 200


def test_the_export_of_a_page_has_its_raw_rows(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    answer: Any = bob.browser().post("/dashboards/export", {"dashboard": "executive", "format": "csv"})
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))

    (channel,) = [row for row in rows if row and row[0] == f"{MARK} name"]
    assert "300" in {cell.partition(".")[0] for cell in channel}


def test_an_export_needs_the_pages_token(bob: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob.user, backend="django.contrib.auth.backends.ModelBackend")

    assert client.post("/dashboards/export", {"dashboard": "executive", "format": "csv"}).status_code == 403


@pytest.mark.parametrize("change", [{"format": "docx"}, {"dashboard": "x"}, {"format": ""}])
def test_an_export_that_cannot_be_is_a_page_that_says_why(change: dict[str, str], bob: Person) -> None:
    page = bob.browser().post("/dashboards/export", {"dashboard": "executive", "format": "csv", **change})

    assert page.status_code == 422
    assert "Must be one of" in page.content.decode()


# --- Save as Report


def saved(person: Person, **changes: Any) -> Any:
    body = {
        "dashboard": "executive", "period": "30d", "channel": "web", "segment": "vip", "name": "Board mail",
        "formats": ["pdf", "csv"], "cadence": "0 8 * * 1", "cron_expression": "", "timezone": "Europe/Berlin",
        **changes,
    }  # fmt: skip
    return person.browser().post("/dashboards/save", body)


def test_the_form_is_filled_with_what_the_page_shows(eve: Person) -> None:
    text = get(eve, "/dashboards/save", dashboard="business", period="14d", channel="web", segment="vip")

    assert 'value="Business, the last 14 days, web, vip"' in text
    assert "the last 14 days before it goes out, channel web, segment vip" in text
    assert re.search(r'name="formats" value="pdf" checked', text)
    assert 'value="UTC"' in text


def test_saving_makes_a_template_and_its_schedule_with_the_filters_baked_in(acme: Tenant, eve: Person) -> None:
    mail = create_destination(
        tenant_id=acme.pk, kind="ops_email", name="Mail", enabled=True, actor=SYSTEM, now=timezone.now(),
        config={"fromEmail": "a@example.com", "recipients": ["b@example.com"]},
    )  # fmt: skip

    answer = saved(eve, destinations=[str(mail.pk)])

    template = ReportTemplate.objects.for_tenant(acme).get()
    schedule = ReportSchedule.objects.for_tenant(acme).get()
    assert (answer.status_code, answer["Location"]) == (303, f"/settings/reports/{template.pk}")
    assert (template.name, template.formats, template.owner_id) == ("Board mail", ["pdf", "csv"], eve.user.pk)
    assert template.data_sources[0] == {
        "sourceKey": "revenue_trend",
        "params": {"days": 30, "channelId": "web", "segmentId": "vip"},
    }
    assert [section["title"] for section in template.sections] == [
        section.title for section in DASHBOARDS["executive"].sections
    ]
    assert template.narrative["enabled"] is True
    assert (schedule.template_id, schedule.cron_expression) == (template.pk, "0 8 * * 1")
    assert (schedule.timezone, schedule.destination_ids) == ("Europe/Berlin", [mail.pk])
    assert template.destination_ids == [mail.pk]
    assert schedule.next_run_at is not None
    assert schedule.next_run_at > datetime.now(UTC)


@pytest.mark.parametrize("key", KEYS)
def test_every_dashboard_can_be_saved_and_its_sections_point_at_their_sources(
    key: str, acme: Tenant, eve: Person
) -> None:
    answer = saved(eve, dashboard=key)

    template = ReportTemplate.objects.for_tenant(acme).get()
    wanted = [each for each in DASHBOARDS[key].sections if find_source(each.source) is not None]
    assert answer.status_code == 303
    assert [template.data_sources[section["dataSourceIndex"]]["sourceKey"] for section in template.sections] == [
        each.source for each in wanted
    ]


def test_htmx_is_sent_to_the_report(acme: Tenant, eve: Person) -> None:
    body = {"dashboard": "executive", "name": "N", "formats": ["pdf"], "cadence": "0 8 * * *", "timezone": "UTC"}

    answer = eve.browser().post("/dashboards/save", body, headers={"HX-Request": "true"})

    template = ReportTemplate.objects.for_tenant(acme).get()
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/settings/reports/{template.pk}")


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"cadence": "custom", "cron_expression": "61 * * * *"}, "cron_expression", "61"),
        ({"cadence": "custom", "cron_expression": "whenever"}, "cron_expression", "five"),
        ({"cadence": "custom", "cron_expression": ""}, "cron_expression", "Type an expression"),
        ({"timezone": "Mars/Olympus"}, "timezone", "Mars/Olympus"),
        ({"timezone": ""}, "timezone", "required"),
        ({"name": ""}, "name", "required"),
        ({"name": "N" * 121}, "name", "120"),
        ({"name": "a\u202eb"}, "name", ""),
        ({"formats": []}, "formats", "required"),
        ({"formats": ["docx"]}, "formats", "docx"),
        ({"cadence": "sometimes"}, "cadence", "sometimes"),
        ({"destinations": ["0192f0c1-7e5a-7cc0-8a55-0123456789ab"]}, "destinations", "0192f0c1"),
        ({"destinations": ["nonsense"]}, "destinations", ""),
    ],
)
def test_what_cannot_be_names_its_field_keeps_what_was_typed_and_makes_nothing(
    changes: dict[str, Any], field: str, words: str, acme: Tenant, eve: Person
) -> None:
    answer = saved(eve, **{"name": "Board mail <b>", **changes})
    text = answer.content.decode()

    assert answer.status_code == 422
    assert f'href="#save_{field}"' in text
    assert words in text
    assert changes.get("name") is not None or 'value="Board mail &lt;b&gt;"' in text
    assert re.search(r'name="formats" value="csv" checked', text) or "formats" in changes
    assert 'name="period" value="30d"' in text
    assert not ReportTemplate.objects.for_tenant(acme).exists()
    assert not ReportSchedule.objects.for_tenant(acme).exists()
    assert not AuditEntry.objects.for_tenant(acme).filter(entity_type__startswith="report").exists()


def test_another_tenants_destination_is_no_choice(acme: Tenant, eve: Person, charlie: Person) -> None:
    theirs = create_destination(
        tenant_id=charlie.tenant.pk, kind="ops_email", name="Theirs", enabled=True, actor=SYSTEM, now=timezone.now(),
        config={"fromEmail": "a@example.com", "recipients": ["b@example.com"]},
    )  # fmt: skip

    answer = saved(eve, destinations=[str(theirs.pk)])

    assert answer.status_code == 422
    assert not ReportTemplate.objects.for_tenant(acme).exists()


def test_over_the_guardrail_nothing_is_made_and_the_page_says_why(acme: Tenant, eve: Person) -> None:
    acme.settings = {"guardrails": {"maxReportSchedules": 0}}
    acme.save(update_fields=["settings"])

    answer = saved(eve)

    assert answer.status_code == 422
    assert "maxReportSchedules" in answer.content.decode()
    assert not ReportTemplate.objects.for_tenant(acme).exists()


def test_a_report_and_the_page_show_the_same_figures(acme: Tenant, eve: Person) -> None:
    live_through(acme)
    saved(eve, channel="", segment="", period="7d")
    template = ReportTemplate.objects.for_tenant(acme).get()

    preview = eve.api().post(f"/api/v1/reports/templates/{template.pk}/preview", {}, format="json")

    revenue = preview.json()["sections"][0]["figures"][0]
    assert f"{revenue['value']:,.2f}" == figures(get(eve))["Revenue"]
