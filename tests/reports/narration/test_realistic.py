"""A whole report as a tenant gets it, told by a model in its own words, and by the narrator without one."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from reports.decisions.document import Column, Document, Figure, NarrativeSource, Row, Section, Unit
from reports.narration import narrate, narrate_plainly
from tests.reports.narration.world import NOW, WIRES, MemoryLedger, Naps, Wire, model

CHANNELS = Section(
    "channels",
    "Channel effectiveness",
    "channel_effectiveness",
    (
        Column("channel", "Channel"),
        Column("impressions", "Impressions", Unit.COUNT),
        Column("conversions", "Conversions", Unit.COUNT),
        Column("acceptance", "Acceptance rate", Unit.RATIO),
        Column("revenue", "Revenue", Unit.MONEY),
    ),
    (
        ("Email", 120_400, 3_010, 0.025, Decimal("90300.10")),
        ("Push", 80_100, 801, 0.01, Decimal("24030.00")),
        ("Web", 44_000, 1_760, 0.04, Decimal("52800.75")),
    ),
    figures=(
        Figure("impressions", "Impressions", 244_500, Unit.COUNT, 230_000),
        Figure("conversions", "Conversions", 5_571, Unit.COUNT, 6_000),
        Figure("acceptance", "Acceptance rate", 0.0228, Unit.RATIO, 0.0261),
        Figure("revenue", "Revenue", Decimal("167130.85"), Unit.MONEY, Decimal("150000.00")),
    ),
)
DAYS: tuple[Row, ...] = tuple((date(2026, 11, day), Decimal(20_000 + 500 * (day % 4))) for day in range(14, 21))
TREND = Section(
    "trend",
    "Revenue trend",
    "revenue_trend",
    (Column("day", "Day", Unit.DATE), Column("revenue", "Revenue", Unit.MONEY)),
    DAYS,
)
DECISIONS = Section(
    "decisions",
    "Decisions",
    "decision_traces_summary",
    (Column("decisions", "Decisions", Unit.COUNT), Column("p99", "Latency at the peak", Unit.MILLISECONDS)),
    ((98_000, 84.2),),
    figures=(
        Figure("decisions", "Decisions", 98_000, Unit.COUNT, 98_000),
        Figure("p99", "Latency at the peak", 84.2, Unit.MILLISECONDS, 120.0),
        Figure("errors", "Failed decisions", 7, Unit.COUNT, 0),
    ),
)
BUDGET = Section("budget", "Budget burn", "budget_burn", (), (), error="No budgets are set in the template.")
FUNNEL = Section("funnel", "Funnel", "funnel", (Column("step", "Step"), Column("n", "People", Unit.COUNT)), ())
REPORT = Document(
    "Weekly business review", "", "Globex", "14 to 20 November 2026", NOW, datetime(2026, 11, 20, 23, tzinfo=UTC),
    "Europe/Berlin", (CHANNELS, TREND, BUDGET, DECISIONS, FUNNEL),
)  # fmt: skip
ANSWER: Mapping[str, Any] = {
    "executiveSummary": "{{tenant}} closed {{period}} with revenue of {{s1.revenue.value}}, a {{s1.revenue.by}} "
    "increase. Conversions fell by {{s1.conversions.by}} to {{s1.conversions.value}}, while impressions rose by "
    "{{s1.impressions.by}}.",
    "sections": [
        {
            "id": "s1",
            "paragraph": "{{s1.r1.channel}} leads by revenue, at {{s1.r1.revenue}}, with {{s1.r1.conversions}} "
            "conversions. The acceptance rate was highest on {{s1.r3.channel}}, at {{s1.r3.acceptance}}, and lowest on "
            "{{s1.r2.channel}}, at {{s1.r2.acceptance}}.",
        },
        {
            "id": "s2",
            "paragraph": "Revenue started at {{s2.r1.revenue}} on {{s2.r1.day}} and ended at {{s2.r7.revenue}} on "
            "{{s2.r7.day}}.",
        },
        {
            "id": "s3",
            "paragraph": "Decisions were unchanged at {{s3.decisions.value}}. Failed decisions rose from "
            "{{s3.errors.before}} to {{s3.errors.value}}.",
        },
    ],
    "takeaways": [
        "Revenue rose by {{s1.revenue.by}} to {{s1.revenue.value}}.",
        "Conversions fell by {{s1.conversions.by}} and the acceptance rate fell by {{s1.acceptance.by}}.",
        "Latency at the peak fell to {{s3.p99.value}} ({{s3.p99.change}}).",
        "Failed decisions rose to {{s3.errors.value}}.",
    ],
}


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.provider)
def test_a_model_tells_the_whole_report(wire: Wire) -> None:
    with model(wire, wire.reply(json.dumps(ANSWER), 2400, 600)) as receiver:
        narrative = narrate(REPORT, ai=wire.settings(receiver), ledger=MemoryLedger(), now=NOW, sleep=Naps())

    assert (narrative.source, narrative.reason, len(receiver.got)) == (NarrativeSource.LLM, "", 1)
    assert narrative.executive_summary == (
        "“Globex” closed 14 to 20 November 2026 with revenue of 167,130.85, a 11.4 % increase. Conversions fell by "
        "7.2 % to 5,571, while impressions rose by 6.3 %. 1 of 5 sections could not be made: “Budget burn”."
    )
    assert narrative.paragraphs == {
        "channels": "“Email” leads by revenue, at 90,300.10, with 3,010 conversions. The acceptance rate was highest "
        "on “Web”, at 4.0 %, and lowest on “Push”, at 1.0 %.",
        "trend": "Revenue started at 21,000.00 on 2026-11-14 and ended at 20,000.00 on 2026-11-20.",
        "budget": "This section could not be made: No budgets are set in the template.",
        "decisions": "Decisions were unchanged at 98,000. Failed decisions rose from 0 to 7.",
        "funnel": "There is nothing to show for this period.",
    }
    assert narrative.takeaways == (
        "Revenue rose by 11.4 % to 167,130.85.",
        "Conversions fell by 7.2 % and the acceptance rate fell by 0.3 percentage points.",
        "Latency at the peak fell to 84 ms (-29.8 %).",
        "Failed decisions rose to 7.",
    )


def test_the_narrator_tells_the_whole_report() -> None:
    narrative = narrate_plainly(REPORT)

    assert narrative.executive_summary == (
        "This report covers 14 to 20 November 2026 in 5 sections. 1 of 5 sections could not be made: “Budget burn”. "
        "Failed decisions rose from 0 to 7. Latency at the peak fell by 29.8 % to 84 ms, from 120 ms."
    )
    assert narrative.paragraphs["channels"] == (
        "Impressions rose by 6.3 % to 244,500, from 230,000. Conversions fell by 7.2 % to 5,571, from 6,000. "
        "Acceptance rate fell by 0.3 percentage points to 2.3 %, from 2.6 %. Revenue rose by 11.4 % to 167,130.85, "
        "from 150,000.00. The table has 3 rows. “Email” leads by Impressions with 120,400."
    )
    assert narrative.paragraphs["decisions"] == (
        "Decisions was unchanged at 98,000. Latency at the peak fell by 29.8 % to 84 ms, from 120 ms. "
        "Failed decisions rose from 0 to 7. The table has 1 row."
    )
    assert narrative.takeaways == (
        "“Budget burn” could not be made: No budgets are set in the template.",
        "Failed decisions rose from 0 to 7.",
        "Latency at the peak fell by 29.8 % to 84 ms, from 120 ms.",
        "Acceptance rate fell by 0.3 percentage points to 2.3 %, from 2.6 %.",
        "“Channel effectiveness”: “Email” leads by Impressions with 120,400.",
    )


def takeaway(text: str) -> dict[str, Any]:
    """Return the answer with another first takeaway."""
    return {**ANSWER, "takeaways": [text, *ANSWER["takeaways"][1:]]}


@pytest.mark.parametrize(
    "text",
    [
        "Revenue rose by 11.4 % to 167,130.85.",
        "Revenue rose by eleven per cent.",
        "Revenue rose by {{s1.revenue.by}}, which is a tenth more.",
        "Revenue rose by {{s1.conversions.by}}.",
        "Revenue fell by {{s1.revenue.by}}.",
        "Conversions rose to {{s1.conversions.value}}.",
        "Conversions fell from {{s1.conversions.value}}.",
        "Revenue of {{s1.r1.channel}} was {{s1.r2.revenue}}.",
        "{{s1.r2.channel}} leads by revenue, at {{s1.r2.revenue}}.",
        "{{s1.r1.channel}} has the highest acceptance rate, at {{s1.r1.acceptance}}.",
        "Revenue peaked on {{s2.r7.day}} at {{s2.r7.revenue}}.",
        "Latency at the peak improved to {{s3.p99.value}}.",
        "Failed decisions doubled to {{s3.errors.value}}.",
        "Failed decisions rose to {{s3.errors.value}} because of the network.",
        "Failed decisions could rise beyond {{s3.errors.value}}.",
        "No decisions failed in the period.",
        "Profit was {{s1.revenue.value}}.",
        "Revenue was {{s1.revenue.value}} euros.",
        "Revenue averaged {{s1.revenue.value}} per day.",
        "Revenue will rise by {{s1.revenue.by}}.",
        "Revenue rose by {{s1.revenue.by}}!",
        "Revenue rose by {{s1.revenue.by}}: see https://globex.example.",
        "**Revenue** rose by {{s1.revenue.by}}.",
    ],
)
def test_one_bad_takeaway_spoils_the_whole_text(text: str) -> None:
    wire = WIRES[0]
    with model(wire, wire.reply(json.dumps(takeaway(text)))) as receiver:
        narrative = narrate(REPORT, ai=wire.settings(receiver), ledger=MemoryLedger(), now=NOW, sleep=Naps())

    plain = narrate_plainly(REPORT)
    assert "takeaway 1" in narrative.reason
    assert replace(narrative, reason="", model="", tokens=0, cost_usd=None) == plain


def test_a_bad_takeaway_that_is_repaired_spoils_nothing() -> None:
    wire = WIRES[0]
    bad, good = (wire.reply(json.dumps(answer)) for answer in (takeaway("Revenue doubled in the period."), ANSWER))
    with model(wire, bad, good) as receiver:
        narrative = narrate(REPORT, ai=wire.settings(receiver), ledger=MemoryLedger(), now=NOW, sleep=Naps())

    assert narrative.source is NarrativeSource.LLM
    assert narrative.takeaways[0] == "Revenue rose by 11.4 % to 167,130.85."
