"""All sources over one plausible history: they agree with each other, are told in words, and every figure is theirs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from interactions.decisions.demo import Anomaly
from interactions.services import generate_demo
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import ReportDefinition, SourceCall
from reports.decisions.document import Document, Section
from reports.decisions.section_json import read_sections, sections_data
from reports.narration import narrate_plainly
from reports.sources import Spool, build_document, source_list
from tests.reports.sources.world import BERLIN, figures, table

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
DAYS = 3
NEEDED: dict[str, dict[str, Any]] = {
    "why_not_ranked": {"offerId": "gold-card"},
    "budget_burn": {"allocation": 50_000, "from": "2026-03-01", "to": "2026-03-31", "spentFrom": "conversionValue"},
}


@pytest.fixture
def report(acme: Tenant) -> Iterator[Document]:
    """Return a report of every source over six made-up days, the last hours of which went wrong."""
    generate_demo(tenant=acme, days=2 * DAYS, per_day=400, seed=7, now=NOW, anomaly=Anomaly())
    calls = []
    for info in source_list():
        days = {"days": DAYS} if "days" in info.params_schema["properties"] else {}
        calls.append(SourceCall(info.key, days | NEEDED.get(info.key, {})))
    definition = ReportDefinition("Everything", data_sources=tuple(calls))
    with Spool() as spool:
        yield build_document(
            definition, tenant=acme, data_until=NOW, generated_at=NOW, zone=BERLIN, spool=spool
        )  # fmt: skip


def section(report: Document, key: str) -> Section:
    return next(each for each in report.sections if each.source_key == key)


def test_the_sources_agree_with_each_other(report: Document) -> None:
    offers, channels, days = (
        table(section(report, key)) for key in ("offer_performance", "channel_effectiveness", "daily_trend")
    )
    summed = {
        name: [sum((row[name] for row in rows), Decimal(0)) for rows in (offers, channels, days)]
        for name in ("impressions", "clicks", "positives", "revenue")
    }

    assert all(len(set(values)) == 1 for values in summed.values())
    assert {name: values[0] for name, values in summed.items()} == {
        name: figures(section(report, "daily_trend"))[name][0] for name in summed
    }
    assert figures(section(report, "funnel"))["impressions"][0] == summed["impressions"][0]
    assert sum(row["revenue"] for row in table(section(report, "revenue_trend"))) == summed["revenue"][0]


def test_decisions_are_the_same_ones_everywhere(report: Document) -> None:
    counts = {
        key: figures(section(report, key))["decisions"]
        for key in (
            "decision_traces_summary", "model_metrics_trend", "daily_trend", "selection_frequency", "why_not_ranked",
        )
    }  # fmt: skip

    assert len(set(counts.values())) == 1
    assert counts["daily_trend"][0] > 500


def test_a_contact_policy_gone_wrong_is_a_candidate(report: Document) -> None:
    names = [row["metric"] for row in table(section(report, "anomaly_candidates"))]

    assert "suppression_rate" in names or "empty_candidate_rate" in names


def test_no_section_of_it_failed_and_each_says_something(report: Document) -> None:
    silent = [each.source_key for each in report.sections if each.error or not len(each.rows)]

    assert set(silent) <= {"alert_history", "outbox_health", "pipeline_runs"}


def test_it_can_be_told_in_words(report: Document) -> None:
    narrative = narrate_plainly(report)

    assert narrative.executive_summary
    assert 3 <= len(narrative.takeaways) <= 5
    assert set(narrative.paragraphs) == {each.id for each in report.sections}
    assert "could not be made" not in str(narrative)


def test_what_is_kept_of_it_is_what_it_said(report: Document) -> None:
    kept = read_sections(sections_data(report))

    assert [each.figures for each in kept] == [each.figures for each in report.sections]
    assert [tuple(each.rows) for each in kept] == [tuple(each.rows) for each in report.sections]
