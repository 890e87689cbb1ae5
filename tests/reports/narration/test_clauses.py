"""Texts taken apart: which words stand beside which figure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.narrative.clauses import read_clauses
from reports.decisions.narrative.draft import SLOT
from reports.decisions.narrative.slots import Slot, slots_of
from tests.reports.narration.world import document

SLOTS = slots_of(document()).slots


def parts(text: str) -> list[list[str]]:
    """Return the clauses of a text that hold something, slots by their keys."""
    clauses = [
        [token.key if isinstance(token, Slot) else token for token in clause.tokens]
        for clause in read_clauses(text, SLOTS)
    ]
    return [clause for clause in clauses if clause]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Revenue rose.", [["revenue", "rose"]]),
        ("Revenue rose, clicks fell.", [["revenue", "rose"], ["clicks", "fell"]]),
        ("Revenue rose while clicks fell", [["revenue", "rose"], ["while", "clicks", "fell"]]),
        ("Revenue rose – clicks fell", [["revenue", "rose"], ["clicks", "fell"]]),
        ("Revenue (of {{tenant}}) rose", [["revenue", "of", "tenant", "rose"]]),
        ("Revenue rose by {{s1.revenue.by}}.", [["revenue", "rose", "by", "s1.revenue.by"]]),
        ("It didn't; the company’s fell", [["it", "didn't"], ["the", "company’s", "fell"]]),
        ("Two-step", [["two", "step"]]),
        ("{{ s1.rows }}", [["s1.rows"]]),
    ],
)
def test_marks_and_joining_words_part_clauses(text: str, expected: list[list[str]]) -> None:
    assert parts(text) == expected


def test_a_sentence_ends_at_a_full_stop_and_not_at_a_comma() -> None:
    clauses = read_clauses("Revenue, at {{s1.revenue.value}}, rose. Clicks fell by {{s1.ctr.by}}.", SLOTS)

    assert [slot.key for slot in clauses[0].sentence_slots()] == ["s1.revenue.value"]
    assert clauses[0].slots() == []
    assert [slot.key for slot in clauses[3].sentence_slots()] == ["s1.ctr.by"]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Revenue was high", {"Revenue"}),
        ("Revenue per click was high", {"Revenue per click"}),
        ("Revenue and Revenue per click were high", {"Revenue per click"}),
        ("clicks, and revenue", {"Revenue"}),
        ("Revenues were high", {"Revenue"}),
        ("Revenue, per click", {"Revenue"}),
        ("a revenue {{tenant}} per click", {"Revenue"}),
        ("clicks per revenue", {"Revenue"}),
        ("prerevenue", set()),
        ("nothing of it", set()),
    ],
)
def test_labels_are_found_as_whole_words(text: str, spoken: set[str]) -> None:
    clause = read_clauses(text, SLOTS)[-1]

    assert clause.spoken({"Revenue", "Revenue per click", "%"}) == spoken


def test_a_clause_without_a_label_asks_its_sentence() -> None:
    clauses = read_clauses("Revenue, as told, rose. Clicks fell.", SLOTS)

    assert [clause.spoken({"Revenue", "Clicks"}) for clause in clauses[:4]] == [
        {"Revenue"},
        {"Revenue"},
        {"Revenue"},
        {"Clicks"},
    ]


@given(st.text(max_size=80))
def test_any_text_is_taken_apart(text: str) -> None:
    known = dict.fromkeys(SLOT.findall(text), SLOTS["tenant"])

    assert read_clauses(text, known)
