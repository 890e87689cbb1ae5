"""A day and a month of narratives on one account: what is recorded, and when the cap ends it."""

import json
from decimal import Decimal

from reports.decisions.document import NarrativeSource
from reports.narration import Caps, NoLedger, Spending, Usage, narrate
from tests.reports.narration.world import GOOGLE, NOW, OPENAI, MemoryLedger, document, draft, model, said, summary

GOOD = json.dumps(draft())


def test_narratives_are_told_until_the_days_tokens_are_used_up() -> None:
    ledger, sources = MemoryLedger(), []
    with model(OPENAI, OPENAI.reply(GOOD, 9_000, 1_000)) as receiver:
        for _ in range(6):
            narrative = narrate(
                document(), ai=OPENAI.settings(receiver), ledger=ledger, now=NOW, caps=Caps(daily_tokens=45_000)
            )
            sources.append(narrative.source)

    told = sources.count(NarrativeSource.LLM)
    assert sources == [NarrativeSource.LLM] * told + [NarrativeSource.DETERMINISTIC] * (6 - told)
    assert (told, len(receiver.got), len(ledger.recorded)) == (4, 4, 4)
    assert ledger.used(NOW).tokens_today == 40_000


def test_narratives_are_told_until_the_months_dollars_are_used_up() -> None:
    ledger = MemoryLedger(Usage(usd_this_month=Decimal("0.90")))
    with model(GOOGLE, GOOGLE.reply(GOOD, 10_000, 10_000)) as receiver:
        told = [
            narrate(
                document(), ai=GOOGLE.settings(receiver), ledger=ledger, now=NOW,
                caps=Caps(daily_tokens=10**9, monthly_usd=Decimal(1)),
            )
            for _ in range(6)
        ]  # fmt: skip

    sources = [narrative.source for narrative in told]
    assert sources.count(NarrativeSource.LLM) == len(ledger.recorded) == 3
    assert sum(each.usd or 0 for each in ledger.recorded) == Decimal("0.084")
    assert "monthly cap of 1.00 US dollars" in told[-1].reason


def test_refused_texts_are_paid_for() -> None:
    ledger = MemoryLedger()
    with model(OPENAI, OPENAI.reply(summary("Revenue was 99,999 in all of the period."), 100, 50)) as receiver:
        narrative = narrate(document(), ai=OPENAI.settings(receiver), ledger=ledger, now=NOW)

    assert [spent.tokens for spent in ledger.recorded] == [150, 150]
    assert (narrative.tokens, narrative.cost_usd) == (300, sum(spent.usd or 0 for spent in ledger.recorded))


def test_refused_requests_cost_nothing() -> None:
    ledger = MemoryLedger()
    with model(OPENAI, said({}, 401)) as receiver:
        narrative = narrate(document(), ai=OPENAI.settings(receiver), ledger=ledger, now=NOW)

    assert ledger.recorded == []
    assert (narrative.model, narrative.tokens, narrative.cost_usd) == ("", 0, None)


def test_no_ledger_remembers_nothing() -> None:
    ledger = NoLedger()

    ledger.record(Spending(10, Decimal(1)), NOW)

    assert ledger.used(NOW) == Usage()
