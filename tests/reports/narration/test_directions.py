"""Words of direction against the changes beside them, in both directions and at zero."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.document import Figure, Unit
from reports.decisions.narrative.checks import refusal
from reports.decisions.narrative.slots import SlotBook, slots_of
from reports.decisions.narrative.vocabulary import DOWN, STEADY, UP
from tests.reports.narration.world import document, offers


def book(now: int, before: int) -> SlotBook:
    """Return the slots of one figure."""
    return slots_of(document(offers(rows=(), figures=(Figure("sales", "Sales", now, Unit.COUNT, before),))))


RISEN, FALLEN, STILL = book(150, 100), book(50, 100), book(100, 100)
# "The sales lower at" is no good English, but a word of direction is one wherever it stands.
SENTENCE = "In the period, the sales {} at the level of {{{{s1.sales.value}}}}."


@pytest.mark.parametrize("word", sorted(UP))
def test_a_word_of_rising_wants_a_rise(word: str) -> None:
    assert refusal(SENTENCE.format(word), RISEN) == ""
    assert "which fell" in refusal(SENTENCE.format(word), FALLEN)
    assert "which did not change" in refusal(SENTENCE.format(word), STILL)


@pytest.mark.parametrize("word", sorted(DOWN))
def test_a_word_of_falling_wants_a_fall(word: str) -> None:
    assert refusal(SENTENCE.format(word), FALLEN) == ""
    assert "which rose" in refusal(SENTENCE.format(word), RISEN)
    assert "which did not change" in refusal(SENTENCE.format(word), STILL)


@pytest.mark.parametrize("word", sorted(STEADY))
def test_a_word_of_standing_still_wants_no_change(word: str) -> None:
    assert refusal(SENTENCE.format(word), STILL) == ""
    assert "which rose" in refusal(SENTENCE.format(word), RISEN)
    assert "which fell" in refusal(SENTENCE.format(word), FALLEN)


@pytest.mark.parametrize("word", ["Rose", "ROSE", "roSe"])
def test_capitals_hide_no_direction(word: str) -> None:
    assert refusal(SENTENCE.format(word), FALLEN) != ""


@pytest.mark.parametrize(
    "text",
    [
        "Sales made up {{s1.sales.value}} in the period.",
        "The follow up: sales are {{s1.sales.value}}.",
        "Broken down by offer, sales were {{s1.sales.value}}.",
    ],
)
def test_an_idiom_has_no_direction(text: str) -> None:
    assert refusal(text, FALLEN) == ""
    assert refusal(text, RISEN) == ""


@pytest.mark.parametrize(
    "turn",
    [
        "did not rise",
        "never rose",
        "hardly rose",
        "didn't rise",
        "would have risen",
        "may rise",
        "failed to rise",
        "will rise",
    ],
)
def test_a_turned_direction_is_no_direction(turn: str) -> None:
    assert "turns a direction around" in refusal(SENTENCE.format(turn), RISEN)
    assert refusal(SENTENCE.format(turn), FALLEN) != ""


@pytest.mark.parametrize(
    ("text", "is_sound"),
    [
        ("Alpha is up by {{s1.a.by}}, Beta is down by {{s1.b.by}}.", True),
        ("Alpha rose by {{s1.a.by}} and Beta fell by {{s1.b.by}}.", True),
        ("Alpha rose by {{s1.a.by}}; Beta fell by {{s1.b.by}}.", True),
        ("Alpha fell by {{s1.a.by}} and Beta rose by {{s1.b.by}}.", False),
        ("Alpha and Beta rose by {{s1.a.by}} and {{s1.b.by}}.", False),
        ("Alpha rose to {{s1.a.value}} but Beta did so to {{s1.b.value}}.", True),
        ("Beta fell. Alpha is {{s1.a.value}}.", False),
        ("Alpha, at {{s1.a.value}}, rose.", True),
        ("Beta, at {{s1.b.value}}, rose.", False),
        ("Alpha, at {{s1.a.value}}, with Beta, at {{s1.b.value}}, rose.", False),
    ],
)
def test_of_two_figures_each_word_is_held_against_its_own(text: str, is_sound: bool) -> None:
    figures = (Figure("a", "Alpha", 3, Unit.COUNT, 2), Figure("b", "Beta", 2, Unit.COUNT, 3))
    slots = slots_of(document(offers(rows=(), figures=figures)))

    assert (refusal(text, slots) == "") is is_sound


def test_a_figure_without_a_period_before_has_no_direction() -> None:
    slots = slots_of(document(offers(rows=(), figures=(Figure("sales", "Sales", 5, Unit.COUNT),))))

    assert "without a figure that shows it" in refusal("Sales rose to {{s1.sales.value}}.", slots)
    assert "which the data do not have" in refusal("Sales rose by {{s1.sales.by}}.", slots)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.sampled_from(sorted(UP)), st.sampled_from(sorted(DOWN)))
def test_at_most_one_direction_is_true(now: int, before: int, up: str, down: str) -> None:
    slots = book(now, before)

    rises, falls = (refusal(SENTENCE.format(word), slots) == "" for word in (up, down))
    assert (rises, falls) == (now > before, now < before)
