"""Every figure in a sentence that names it: no other slot may take its place and leave a sentence that passes."""

import pytest

from reports.decisions.document import Column, Figure, Unit
from reports.decisions.narrative.checks import refusal
from reports.decisions.narrative.draft import SLOT
from reports.decisions.narrative.slots import slots_of
from tests.reports.narration.world import document, offers

BOOK = slots_of(document())
# Whatever reads as a number and is neither a day that names a row nor the period.
NUMBERS = [key for key, slot in BOOK.slots.items() if slot.is_figure and not slot.names_row and slot.section]
SOUND = (
    "Revenue rose by {{s1.revenue.by}} to {{s1.revenue.value}}, up from {{s1.revenue.before}}.",
    "Revenue was {{s1.revenue.value}}.",
    "Click rate fell to {{s1.ctr.value}} in the period.",
    "Click rate fell by {{s1.ctr.by}} in the period.",
    "Visits were unchanged at {{s1.visits.value}}.",
    "Orders rose from {{s1.orders.before}} to {{s1.orders.value}}.",
    "{{s1.r1.offer}} had {{s1.r1.clicks}} clicks.",
    "{{s1.r1.offer}} made {{s1.r1.revenue}} of revenue out of {{s1.r1.clicks}} clicks.",
    "{{s1.r2.offer}} had a click rate of {{s1.r2.ctr}}.",
    "{{s1.r1.offer}} leads with {{s1.r1.revenue}} of revenue.",
    "The revenue of {{s2.r7.day}} was {{s2.r7.revenue}}.",
)


def swaps(text: str) -> list[tuple[str, str, str]]:
    """Return the text with each number replaced by each other one, and which by which."""
    found = []
    for slot in SLOT.finditer(text):
        if slot[1] in NUMBERS:
            others = [key for key in NUMBERS if key != slot[1]]
            found += [(f"{text[: slot.start()]}{{{{{key}}}}}{text[slot.end() :]}", slot[1], key) for key in others]
    return found


@pytest.mark.parametrize("text", SOUND)
def test_a_sentence_that_names_its_figures_may_be_used(text: str) -> None:
    assert refusal(text, BOOK) == ""


@pytest.mark.parametrize("text", SOUND)
def test_no_other_number_may_take_a_figures_place(text: str) -> None:
    passing = [swapped for swapped, _, _ in swaps(text) if not refusal(swapped, BOOK)]

    assert len(swaps(text)) >= 30
    assert passing == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Profit was {{s1.revenue.value}}.", "without its name, Revenue"),
        ("It was {{s1.revenue.value}}.", "without its name, Revenue"),
        ("Revenue was high. It was {{s1.revenue.value}}.", "without its name, Revenue"),
        ("{{s1.r1.offer}} had {{s1.r1.clicks}} visitors.", "without its name, Clicks"),
        ("{{s1.r1.offer}} rated {{s1.r1.ctr}}.", "without its name, Click rate"),
        ("There were {{s1.r1.clicks}} clicks.", "without the name of its row"),
        ("Revenue was {{s1.r1.revenue}}.", "without the name of its row"),
        ("{{s1.r1.offer}} counts. There were {{s1.r1.clicks}} clicks.", "without the name of its row"),
        ("The summer sale had {{s1.r1.clicks}} clicks.", "without the name of its row"),
        ("{{s1.r1.offer}} made Revenue of {{s1.revenue.value}}.", "which is of the whole section, as a row's"),
        ("On {{s2.r1.day}}, of all, Revenue of {{s2.r1.day}} was {{s1.revenue.value}}.", "as a row's"),
        ("The revenue of {{s2.r7.day}} was {{s1.revenue.value}}.", "as a row's"),
        ("Revenue rose to {{period}} from {{s1.revenue.before}}.", "says that something moved “to” {{period}}"),
        ("Revenue rose by {{s1.r1.offer}} to {{s1.revenue.value}}.", "says that something moved “by”"),
        ("Revenue rose by {{tenant}} to {{s1.revenue.value}}.", "says that something moved “by” {{tenant}}"),
        ("There were {{s1.rows}} clicks.", "as Clicks, but it is Rows"),
        ("Revenue was {{s1.rows}} in all.", "as Revenue, but it is Rows"),
        ("Orders reached {{s2.rows}}.", "as Orders, but it is Rows"),
    ],
)
def test_a_figure_that_is_not_named_refuses_the_text(text: str, reason: str) -> None:
    assert reason in refusal(text, BOOK)


@pytest.mark.parametrize(
    "text",
    [
        "The revenues were {{s1.revenue.value}}.",
        "REVENUE was {{s1.revenue.value}}.",
        "Among {{s1.rows}} offers, Revenue rose to {{s1.revenue.value}}.",
        "The click rates of {{s1.r1.offer}} and {{s1.r2.offer}} were {{s1.r1.ctr}} and {{s1.r2.ctr}}.",
        "{{s1.r1.offer}}’s clicks were {{s1.r1.clicks}}.",
    ],
)
def test_a_name_may_be_in_the_plural_and_in_capitals(text: str) -> None:
    assert refusal(text, BOOK) == ""


def test_the_only_row_of_a_table_needs_no_name() -> None:
    columns = (Column("n", "Decisions", Unit.COUNT), Column("ms", "Latency", Unit.MILLISECONDS))
    one = slots_of(document(offers(columns=columns, rows=((10, 20),), figures=())))
    two = slots_of(document(offers(columns=columns, rows=((10, 20), (30, 40)), figures=())))

    assert refusal("Decisions were {{s1.r1.n}}, with a latency of {{s1.r1.ms}}.", one) == ""
    assert "without the name of its row" in refusal("Decisions were {{s1.r1.n}}.", two)


LATENCY = Figure("p99", "Latency p99", 84, Unit.MILLISECONDS, 120)
FAILED = Figure("failed", "Failed decisions", 7, Unit.COUNT, 3)
LOST = Figure("lost", "Lost customers", 5, Unit.COUNT, 2)
FIRST = Figure("first", "First-time buyers on average", 9, Unit.COUNT, 8)
LABELLED = slots_of(document(offers(rows=(), figures=(LATENCY, FAILED, LOST, FIRST))))


@pytest.mark.parametrize(
    "text",
    [
        "{{s1.p99.label}} fell to {{s1.p99.value}}.",
        "{{s1.p99.label}} fell by {{s1.p99.by}} in the period.",
        "Failed decisions rose to {{s1.failed.value}}.",
        "Lost customers rose to {{s1.lost.value}}.",
        "{{s1.first.label}} rose to {{s1.first.value}}.",
    ],
)
def test_a_label_that_sounds_like_something_else_may_be_said(text: str) -> None:
    assert refusal(text, LABELLED) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{s1.p99.label}} rose to {{s1.p99.value}}.", "which fell"),
        ("{{s1.failed.label}} fell to {{s1.failed.value}}.", "which rose"),
        ("{{s1.failed.label}} rose to {{s1.lost.value}}.", "as Failed decisions, but it is Lost customers"),
        ("Latency p99 fell to {{s1.p99.value}}.", "“9”"),
        ("Latency fell to {{s1.p99.value}}.", "without its name, Latency p99"),
        ("First-time buyers on average rose to {{s1.first.value}}.", "counts by itself: “First”"),
        ("Failed decisions failed to rise to {{s1.failed.value}}.", "turns a direction around: “failed”"),
        ("{{s1.p99.label}}fell to {{s1.p99.value}}.", "runs {{s1.p99.label}} into what follows"),
    ],
)
def test_a_label_excuses_nothing_but_itself(text: str, reason: str) -> None:
    assert reason in refusal(text, LABELLED)


def test_a_label_without_letters_needs_no_naming() -> None:
    columns = (Column("offer", "Offer"), Column("n", "%", Unit.RATIO))
    book = slots_of(document(offers(columns=columns, rows=(("A", 0.5), ("B", 0.25)), figures=())))

    assert refusal("{{s1.r1.offer}} has {{s1.r1.n}} in the table.", book) == ""
