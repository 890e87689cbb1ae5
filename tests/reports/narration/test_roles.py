"""The value, that of the period before and the change between them, each in its own place of the sentence."""

import pytest

from reports.decisions.narrative.checks import refusal
from reports.decisions.narrative.slots import slots_of
from tests.reports.narration.world import document

BOOK = slots_of(document())


@pytest.mark.parametrize(
    "text",
    [
        "{{tenant}} saw revenue rise by {{s1.revenue.by}} to {{s1.revenue.value}}, up from {{s1.revenue.before}}.",
        "Revenue increased {{s1.revenue.by}} to {{s1.revenue.value}}, while the click rate slipped by {{s1.ctr.by}}.",
        "Orders rose from {{s1.orders.before}} to {{s1.orders.value}}; visits held steady at {{s1.visits.value}}.",
        "Click rate declined from {{s1.ctr.before}} to {{s1.ctr.value}}, a drop of {{s1.ctr.by}}.",
        "Revenue grew by {{s1.revenue.by}} compared with the previous period.",
        "Revenue ended the period at {{s1.revenue.value}}, which is {{s1.revenue.by}} higher than the period before.",
        "A total of {{s1.orders.value}} orders came in, where there were {{s1.orders.before}} before.",
        "{{tenant}} closed {{period}} with revenue of {{s1.revenue.value}}, a {{s1.revenue.by}} increase.",
        "Revenue was up {{s1.revenue.by}} at {{s1.revenue.value}} and click rate was down {{s1.ctr.by}}.",
        "Revenue reached {{s1.revenue.value}} ({{s1.revenue.change}}), against {{s1.revenue.before}}.",
        "Click rates ranged from {{s1.r2.ctr}} for {{s1.r2.offer}} to {{s1.r1.ctr}} for {{s1.r1.offer}}.",
        "{{s1.r3.offer}} contributed only {{s1.r3.revenue}} in revenue from {{s1.r3.clicks}} clicks.",
        "With {{s1.r1.clicks}} clicks, {{s1.r1.offer}} drew the most attention.",
        "The {{s1.title}} section covers {{s1.rows}} offers.",
    ],
)
def test_sentences_as_models_write_them_may_be_used(text: str) -> None:
    assert refusal(text, BOOK) == ""


@pytest.mark.parametrize(
    "text",
    [
        "Revenue rose to {{s1.revenue.before}}.",
        "Revenue rose from {{s1.revenue.value}}.",
        "Revenue rose from {{s1.revenue.value}} to {{s1.revenue.before}}.",
        "Revenue rose by {{s1.revenue.value}}.",
        "Revenue rose by {{s1.revenue.before}}.",
        "Revenue rose to {{s1.revenue.by}}.",
        "Revenue rose to {{s1.revenue.change}}.",
        "Revenue rose by {{s1.revenue.change}}.",
        "Revenue was {{s1.revenue.by}}.",
        "Revenue was {{s1.revenue.change}}.",
        "Revenue was {{s1.revenue.before}}.",
        "Revenue is now {{s1.revenue.before}}.",
        "Revenue rose and reached {{s1.revenue.before}}.",
        "The previous period had Revenue of {{s1.revenue.value}}.",
        "Revenue was {{s1.revenue.value}} last week.",
    ],
)
def test_a_figure_in_the_place_of_another_refuses_the_text(text: str) -> None:
    assert "where another figure belongs" in refusal(text, BOOK)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The table has {{s1.rows}} orders.", "as Orders, but it is Rows"),
        ("The table has {{s1.rows}} clicks.", "as Clicks, but it is Rows"),
        ("Revenue rose by {{s1.revenue.by}} because of {{s1.r1.offer}}.", "gives a cause, which the data do not"),
        ("Driven by {{s1.r1.offer}}, Revenue rose to {{s1.revenue.value}}.", "gives a cause"),
        ("Revenue and orders combined were {{s1.revenue.value}}.", "“combined”"),
        ("The difference of Revenue is {{s1.revenue.value}}.", "“difference”"),
    ],
)
def test_a_count_a_cause_or_a_sum_of_the_models_own_refuses_the_text(text: str, reason: str) -> None:
    assert reason in refusal(text, BOOK)
