"""Building a document: its sections in their order, each at its own risk, up to the moment the report is of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import ReportDefinition, SectionWish, SourceCall
from reports.decisions.document import Document, Section
from reports.decisions.emptiness import is_empty
from reports.decisions.section_json import sections_data
from reports.renderers import RENDERERS
from reports.sources import Spool, build_document
from tests.interactions.history import interaction, save
from tests.reports.renderers.world import rendered
from tests.reports.sources.world import BERLIN, NOW, table

pytestmark = pytest.mark.django_db
OFFERS, CHANNELS = SourceCall("offer_performance", {"days": 7}), SourceCall("channel_effectiveness", {"days": 30})


def built(tenant: Tenant, spool: Spool, *calls: SourceCall, sections: Any = (), **more: Any) -> Document:
    definition = ReportDefinition("Weekly", "What happened.", calls, tuple(SectionWish(*each) for each in sections))
    values: dict[str, Any] = {"data_until": NOW, "generated_at": NOW + timedelta(minutes=5), "zone": BERLIN} | more
    return build_document(definition, tenant=tenant, spool=spool, **values)


def test_a_document_says_whose_it_is_and_of_when(acme: Tenant, spool: Spool) -> None:
    document = built(acme, spool, OFFERS, CHANNELS, link="https://kaireon.example/runs/1")

    assert (document.title, document.description, document.tenant_name) == ("Weekly", "What happened.", "Acme")
    assert (document.data_until, document.generated_at, document.zone) == (NOW, NOW + timedelta(minutes=5), BERLIN)
    assert document.period == "4 Feb to 5 Mar 2026"
    assert document.link == "https://kaireon.example/runs/1"
    assert document.narrative is None


def test_without_sections_each_source_is_one_under_its_label(acme: Tenant, spool: Spool) -> None:
    document = built(acme, spool, OFFERS, CHANNELS)

    assert [(each.id, each.title, each.source_key) for each in document.sections] == [
        ("s1", "Offer performance", "offer_performance"), ("s2", "Channel effectiveness", "channel_effectiveness"),
    ]  # fmt: skip


def test_sections_stand_in_their_own_order_and_may_share_a_source(acme: Tenant, spool: Spool) -> None:
    wishes = [("b", "Channels", 1), ("a", "Offers", 0), ("c", "", 1)]

    document = built(acme, spool, OFFERS, CHANNELS, sections=wishes)

    assert [(each.id, each.title, each.source_key) for each in document.sections] == [
        ("b", "Channels", "channel_effectiveness"), ("a", "Offers", "offer_performance"),
        ("c", "Channel effectiveness", "channel_effectiveness"),
    ]  # fmt: skip


def test_one_bad_source_costs_its_own_section_only(acme: Tenant, spool: Spool) -> None:
    save(interaction(acme, "impression", datetime(2026, 3, 5, 9, tzinfo=UTC), offer_id="gold"))
    bad, unknown = SourceCall("funnel", {"days": "seven"}), SourceCall("weather")

    document = built(acme, spool, bad, unknown, OFFERS, sections=[("x", "X", 0), ("y", "Y", 1), ("z", "Z", 2)])

    assert [bool(each.error) for each in document.sections] == [True, True, False]
    assert [each.title for each in document.sections] == ["X", "Y", "Z"]
    assert [row["offerId"] for row in table(document.sections[2])] == ["gold"]
    assert document.period == "27 Feb to 5 Mar 2026"


@pytest.mark.parametrize("index", [-1, 1, 99])
def test_a_section_of_no_source_says_so(index: int, acme: Tenant, spool: Spool) -> None:
    document = built(acme, spool, OFFERS, sections=[("x", "X", index)])

    assert document.sections[0].error == f"There is no data source '#{index}'."


def test_the_same_moment_gives_the_same_report_later(acme: Tenant, spool: Spool) -> None:
    save(interaction(acme, "impression", NOW - timedelta(hours=1), offer_id="gold"))
    first = built(acme, spool, OFFERS)
    save(interaction(acme, "impression", NOW + timedelta(hours=1), offer_id="gold"))

    again = built(acme, spool, OFFERS)

    assert sections_data(again) == sections_data(first)


def test_somebody_is_told_after_each_section(acme: Tenant, spool: Spool) -> None:
    told: list[tuple[str, int, int]] = []

    def note(section: Section, number: int, count: int) -> None:
        told.append((section.id, number, count))

    built(acme, spool, OFFERS, CHANNELS, on_section=note)

    assert told == [("s1", 1, 2), ("s2", 2, 2)]


def test_what_they_raise_ends_the_building(acme: Tenant, spool: Spool) -> None:
    def lost(section: Section, number: int, count: int) -> None:
        raise RuntimeError("somebody else has the lease")

    with pytest.raises(RuntimeError, match="the lease"):
        built(acme, spool, OFFERS, CHANNELS, on_section=lost)


def test_a_report_without_sources_has_no_section_and_no_period(acme: Tenant, spool: Spool) -> None:
    document = built(acme, spool)

    assert (document.sections, document.period) == ((), "")
    assert is_empty(document)


def test_a_tenant_without_history_has_an_empty_report(acme: Tenant, spool: Spool) -> None:
    calls = [
        SourceCall(key) for key in (
            "offer_performance", "channel_effectiveness", "selection_frequency", "anomaly_candidates",
            "decision_traces_summary", "funnel", "revenue_trend", "daily_trend", "model_metrics_trend",
            "score_distribution", "alert_history", "outbox_health",
        )
    ]  # fmt: skip

    document = built(acme, spool, *calls)

    assert [each.error for each in document.sections] == [""] * len(calls)
    assert is_empty(document)
    save(interaction(acme, "click", NOW - timedelta(hours=1)))
    assert not is_empty(built(acme, spool, *calls))


@pytest.mark.parametrize("form", sorted(RENDERERS))
def test_every_source_can_be_written_in_every_format(form: str, acme: Tenant, spool: Spool) -> None:
    save(
        interaction(acme, "impression", NOW - timedelta(hours=2), offer_id="=gold", channel_id="<b>web</b>"),
        interaction(acme, "convert", NOW - timedelta(hours=1), value="12.50", offer_id="=gold"),
    )
    calls = [
        SourceCall("offer_performance", {"groupBy": "channel"}), SourceCall("funnel"), SourceCall("daily_trend"),
        SourceCall("why_not_ranked", {"offerId": "gold"}), SourceCall("alert_history"), SourceCall("outbox_health"),
        SourceCall("budget_burn", {"allocation": 5, "from": "2026-03-01", "to": "2026-03-31"}),
        SourceCall("anomaly_candidates", {"days": 0}),
    ]  # fmt: skip

    document = built(acme, spool, *calls)

    assert len(rendered(document, form)) > 1_000
