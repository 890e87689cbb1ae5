"""Dashboards over the API: data by type, an export in every format, two summaries, and nothing of other tenants."""

import csv
import io
from datetime import timedelta
from typing import Any

import pypdf
import pytest
from django.test import Client
from django.utils import timezone

from interactions.models import DecisionTrace
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key
from reports.dashboards import DASHBOARDS
from reports.dashboards.data import DATA_TYPES
from reports.dashboards.filters import PERIODS
from reports.models import ReportRun, ReportTemplate
from reports.renderers import RENDERERS
from tests.interactions.history import save, trace
from tests.people import Person
from tests.reports.dashboards.world import MARK, live_through

pytestmark = pytest.mark.django_db
DATA = "/api/v1/dashboard-data"
EXPORT = "/api/v1/reports/export"
DOCUMENTED_TYPES = {
    "summary", "acceptance_rate", "offer_performance", "offer_performance_grouped", "channel_effectiveness",
    "daily_trend", "revenue_trend", "selection_frequency", "why_not_ranked", "anomaly_candidates",
    "score_distribution", "model_metrics_trend",
}  # fmt: skip


def get(person: Person, **query: Any) -> Any:
    return person.api().get(DATA, query)


def export(person: Person, **changes: Any) -> Any:
    """Export and read the answer to its end, as a server would."""
    body = {"dashboard": "executive", "period": "7d", "format": "csv", **changes}
    answer: Any = person.api().post(
        EXPORT, {key: value for key, value in body.items() if value is not None}, format="json"
    )
    if answer.streaming:
        answer.file = b"".join(answer.streaming_content)
    return answer


def content(answer: Any) -> bytes:
    assert answer.status_code == 200
    return bytes(answer.file)


# --- Data


def test_the_documented_types_are_known() -> None:
    assert set(DATA_TYPES) >= DOCUMENTED_TYPES


@pytest.mark.parametrize("name", sorted(DOCUMENTED_TYPES))
def test_every_documented_type_answers(name: str, acme: Tenant, bob: Person) -> None:
    live_through(acme)

    answer = get(bob, type=name, offerId="gold-card")

    body = answer.json()
    assert answer.status_code == 200
    assert (body["type"], body["days"]) == (name, 7)
    assert body["data"] or body["warning"]


def test_data_is_a_summary_of_seven_days_unless_asked_otherwise(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    body = get(bob).json()

    figures = {figure["key"]: (figure["value"], figure["before"]) for figure in body["data"]}
    assert (body["type"], body["days"], "warning" in body) == ("summary", 7, False)
    assert figures["impressions"] == (2, 1)
    assert figures["revenue"] == (300, 100)


def test_rows_are_objects_of_the_sources_columns(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    rows = get(bob, type="channel_effectiveness").json()["data"]

    assert [(row["channelId"], row["impressions"], row["revenue"]) for row in rows] == [(MARK, 2, 300)]


def test_a_trend_has_a_row_for_every_day(acme: Tenant, bob: Person) -> None:
    rows = get(bob, type="revenue_trend", days=30).json()["data"]

    assert len(rows) == 30
    assert {row["revenue"] for row in rows} == {0}


def test_the_acceptance_rate_is_a_day_and_its_rate(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    rows = get(bob, type="acceptance_rate", days=2).json()["data"]

    assert [set(row) for row in rows] == [{"day", "acceptanceRate"}] * 2


@pytest.mark.parametrize("group", ["channel", "category", "segment"])
def test_offers_are_grouped_by_what_was_asked(group: str, acme: Tenant, bob: Person) -> None:
    live_through(acme)

    (row,) = get(bob, type="offer_performance_grouped", groupBy=group).json()["data"]

    expected = {"channel": f"{MARK} name", "category": "(no category)", "segment": "vip"}
    assert (row[group], row["offerId"]) == (expected[group], "gold-card")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"type": "nothing"}, "type"),
        ({"type": "Summary"}, "type"),
        ({"days": "0"}, "days"),
        ({"days": "366"}, "days"),
        ({"days": "seven"}, "days"),
        ({"days": "-1"}, "days"),
        ({"days": "1.5"}, "days"),
        ({"days": "٧"}, "days"),
        ({"days": "9" * 40}, "days"),
        ({"type": "anomaly_candidates", "baselineDays": "0"}, "baselineDays"),
        ({"type": "anomaly_candidates", "baselineDays": "x"}, "baselineDays"),
        ({"type": "offer_performance", "groupBy": "offer"}, "groupBy"),
        ({"type": "why_not_ranked"}, "offerId"),
        ({"channelId": "a\x1bb"}, "channelId"),
        ({"segmentId": "s" * 256}, "segmentId"),
    ],
)
def test_a_bad_parameter_is_named(query: dict[str, str], name: str, bob: Person) -> None:
    answer = get(bob, **query)

    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == [name]


@pytest.mark.parametrize("days", [1, 365])
def test_the_bounds_of_days_are_days(days: int, bob: Person) -> None:
    assert get(bob, type="revenue_trend", days=days).json()["days"] == days


@pytest.mark.parametrize("name", ["summary", "offer_performance", "channel_effectiveness", "revenue_trend"])
def test_an_unknown_segment_is_no_data_and_a_warning(name: str, acme: Tenant, bob: Person) -> None:
    live_through(acme)

    body = get(bob, type=name, segmentId="nobody").json()

    assert body["data"] == []
    assert body["warning"].startswith("Unknown segment")


def test_a_known_segment_narrows(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    body = get(bob, type="channel_effectiveness", segmentId="vip").json()

    assert [row["impressions"] for row in body["data"]] == [2]
    assert "warning" not in body


def test_a_segment_of_another_tenant_is_unknown(acme: Tenant, charlie: Person) -> None:
    live_through(acme)

    assert get(charlie, type="offer_performance", segmentId="vip").json()["data"] == []


@pytest.mark.parametrize("name", ["decisionFlowId", "filterId", "modelId"])
def test_a_filter_that_narrows_nothing_is_said_to(name: str, acme: Tenant, bob: Person) -> None:
    live_through(acme)

    body = get(bob, type="channel_effectiveness", **{name: "x"}).json()

    assert body["data"]
    assert name in body["warning"]


def test_a_channel_narrows(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    known, unknown = (get(bob, type="revenue_trend", channelId=each).json()["data"] for each in (MARK, "app"))

    assert sum(row["revenue"] for row in known) == 300
    assert sum(row["revenue"] for row in unknown) == 0


@pytest.mark.parametrize("name", sorted(DATA_TYPES))
def test_no_type_shows_another_tenants_data(name: str, acme: Tenant, alice: Person, charlie: Person) -> None:
    live_through(acme)

    text = get(charlie, type=name, offerId="gold-card").content.decode()

    assert MARK not in text
    assert "300" not in text


def test_scores_that_nobody_recorded_are_a_warning_and_never_a_number(acme: Tenant, bob: Person) -> None:
    save(trace(acme, timezone.now() - timedelta(minutes=1)))

    body = get(bob, type="score_distribution").json()

    assert body["data"] == []
    assert "scores" in body["warning"]


# --- Export


@pytest.mark.parametrize("fmt", [*RENDERERS])
@pytest.mark.parametrize("dashboard", [*DASHBOARDS])
def test_every_dashboard_is_exported_in_every_format(dashboard: str, fmt: str, acme: Tenant, bob: Person) -> None:
    live_through(acme)

    answer = export(bob, dashboard=dashboard, format=fmt)

    assert answer.status_code == 200
    assert answer["Content-Type"] == RENDERERS[fmt].content_type
    name = f"{dashboard}-{timezone.now():%Y-%m-%d}.{RENDERERS[fmt].extension}"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer["Cache-Control"] == "no-store"
    assert DASHBOARDS[dashboard].title in _text(fmt, content(answer))


def _text(fmt: str, data: bytes) -> str:
    if fmt != "pdf":
        return data.decode("utf-8-sig")
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def test_a_csv_has_the_rows_and_no_narrative(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    rows = list(csv.reader(io.StringIO(content(export(bob)).decode("utf-8-sig"))))

    channels = next(row for row in rows if f"{MARK} name" in row)
    assert MARK in channels
    assert not [row for row in rows if row and row[0] in {"Summary", "Takeaway"}]
    assert ["Channels"] in rows


def test_a_pdf_has_the_figures_that_the_page_shows(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    text = _text("pdf", content(export(bob, format="pdf")))

    assert "300.00" in text
    assert "Summary" in text
    assert f"{MARK} name" in text


@pytest.mark.parametrize("period", [*PERIODS])
def test_every_period_is_exported(period: str, acme: Tenant, bob: Person) -> None:
    assert export(bob, period=period).status_code == 200


def test_the_filters_narrow_the_file(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    narrowed = content(export(bob, filters={"channelId": "app"})).decode()
    whole = content(export(bob, filters={"channelId": MARK, "segmentId": "vip"})).decode()

    assert f"{MARK} name" in whole
    assert f"{MARK} name" not in narrowed
    assert "Only channel “app”." in narrowed
    assert "Only channel" not in content(export(bob)).decode()


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"dashboard": "nothing"}, 422, "dashboard"),
        ({"period": "8d"}, 422, "period"),
        ({"format": "docx"}, 422, "format"),
        ({"dashboard": None}, 400, "dashboard"),
        ({"format": None}, 400, "format"),
        ({"dashboard": 7}, 400, "dashboard"),
        ({"format": ["pdf"]}, 400, "format"),
        ({"filters": []}, 400, "filters"),
        ({"filters": {"offer": "x"}}, 400, "filters.offer"),
        ({"filters": {"channelId": 5}}, 400, "filters.channelId"),
        ({"filters": {"segmentId": "a\x00"}}, 400, "filters.segmentId"),
        ({"extra": 1}, 400, "extra"),
    ],
)
def test_an_export_that_cannot_be_names_the_field(
    changes: dict[str, Any], status: int, field: str, bob: Person
) -> None:
    answer = export(bob, **changes)

    assert answer.status_code == status
    assert [path for path in answer.json()["error"]["fields"] if path.startswith(field)]


def test_a_period_is_seven_days_unless_said(acme: Tenant, bob: Person) -> None:
    assert export(bob, period=None).status_code == 200


def test_an_export_keeps_nothing(acme: Tenant, bob: Person) -> None:
    export(bob, format="pdf")

    assert not ReportTemplate.objects.for_tenant(acme).exists()
    assert not ReportRun.objects.for_tenant(acme).exists()


@pytest.mark.parametrize("fmt", ["csv", "html"])
def test_an_export_holds_nothing_of_another_tenant(fmt: str, acme: Tenant, alice: Person, charlie: Person) -> None:
    live_through(acme)

    for dashboard in DASHBOARDS:
        text = content(export(charlie, dashboard=dashboard, format=fmt)).decode()
        assert MARK not in text
        assert "Acme" not in text


def test_a_formula_in_a_name_is_neutral_in_the_csv(acme: Tenant, bob: Person) -> None:
    live_through(acme, channel="=cmd|calc")

    rows = list(csv.reader(io.StringIO(content(export(bob)).decode("utf-8-sig"))))

    assert not [cell for row in rows for cell in row if cell.startswith("=")]
    assert [cell for row in rows for cell in row if cell.startswith("'=cmd")]


# --- Who may


def test_a_stranger_reads_and_exports_nothing() -> None:
    client = Client()

    assert client.get(DATA).status_code == 401
    assert client.post(EXPORT, {}, content_type="application/json").status_code == 401


def test_an_export_by_a_browser_needs_its_token(bob: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob.user, backend="django.contrib.auth.backends.ModelBackend")

    answer = client.post(EXPORT, {"dashboard": "executive", "format": "csv"}, content_type="application/json")

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("scopes", "status"), [(["reports:write"], 200), (["reports:read"], 200), (["alerts:write"], 403), ([], 200)]
)
def test_a_restricted_key_needs_the_scope_of_reports(scopes: list[str], status: int, acme: Tenant) -> None:
    service = getattr(create_api_key, "__wrapped__", create_api_key)
    _, key = service(tenant=acme, name="narrow", role=Role.VIEWER, actor=SYSTEM, now=timezone.now(), scopes=scopes)

    answer: Any = Client(headers={"X-API-Key": key}).post(
        EXPORT, {"dashboard": "executive", "format": "csv"}, content_type="application/json"
    )

    assert answer.status_code == status
    assert not answer.streaming or b"".join(answer.streaming_content)


# --- Two summaries


def test_the_decision_pipeline_counts_the_stages_of_the_last_hours(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    body = bob.api().get("/api/v1/dashboards/decision-pipeline").json()

    stages = {stage["stageKey"]: stage["count"] for stage in body["stages"]}
    figures = {figure["key"]: figure["value"] for figure in body["figures"]}
    assert body["windowHours"] == 24
    assert (stages["qualified"], stages["afterContactPolicy"], stages["selected"]) == (20, 16, 2)
    assert figures["decisions"] == 2


@pytest.mark.parametrize("hours", ["0", "169", "x", "-1"])
def test_the_pipelines_window_is_bounded(hours: str, bob: Person) -> None:
    answer = bob.api().get("/api/v1/dashboards/decision-pipeline", {"windowHours": hours})

    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == ["windowHours"]


@pytest.mark.parametrize("hours", [1, 168])
def test_the_bounds_of_the_window_are_windows(hours: int, bob: Person) -> None:
    body = bob.api().get("/api/v1/dashboards/decision-pipeline", {"windowHours": hours}).json()

    assert body["windowHours"] == hours


def test_decisions_are_healthy_while_every_share_is_below_its_limit(acme: Tenant, bob: Person) -> None:
    live_through(acme)

    body = bob.api().get("/api/v1/dashboards/decision-health/summary").json()

    assert (body["days"], body["status"]) == (7, "healthy")
    assert {check["key"] for check in body["checks"]} == {
        "suppressionRate", "emptyCandidateRate", "degradedScoringRate", "errorRate",
    }  # fmt: skip
    assert all(check["value"] < check["limit"] for check in body["checks"])


def test_a_share_at_its_limit_is_breached(acme: Tenant, bob: Person) -> None:
    live_through(acme)
    DecisionTrace.objects.for_tenant(acme).update(degraded_scoring=True)

    body = bob.api().get("/api/v1/dashboards/decision-health/summary", {"days": 90}).json()

    assert body["status"] == "degraded"
    assert [check["key"] for check in body["checks"] if check["status"] == "breached"] == ["degradedScoringRate"]


def test_without_decisions_there_is_no_verdict(bob: Person) -> None:
    body = bob.api().get("/api/v1/dashboards/decision-health/summary").json()

    assert body["status"] == "no_data"
    assert {check["status"] for check in body["checks"]} == {"no_data"}


@pytest.mark.parametrize("days", ["0", "91", "x"])
def test_the_days_of_the_summary_are_bounded(days: str, bob: Person) -> None:
    answer = bob.api().get("/api/v1/dashboards/decision-health/summary", {"days": days})

    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == ["days"]
