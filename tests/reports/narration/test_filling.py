"""Slots filled once, never twice, and traced to the character."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.document import Trace
from reports.decisions.narrative.draft import read_draft
from reports.decisions.narrative.filling import Piece, parts_of, pieces_of, write
from reports.decisions.narrative.slots import Slot, SlotKind, slots_of
from tests.reports.narration.world import document, draft, offers, trend

BOOK = slots_of(document())


def told(text: str) -> str:
    """Return a text with its figures."""
    return write("p", pieces_of(text, BOOK.slots))[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("Plain.", "Plain."),
        ("{{s1.revenue.value}}", "12,345.00"),
        ("{{ s1.revenue.value }} and {{s1.rows}}.", "12,345.00 and 3."),
        ("{{tenant}}’s {{s1.title}}", "“Acme”’s “Offer performance”"),
        ("{{s1.r1.offer}}: {{s1.r1.ctr}}", "“Summer sale”: 12.3 %"),
        ("By {{s1.revenue.by}} ({{s1.revenue.change}})", "By 12.5 % (+12.5 %)"),
    ],
)
def test_a_slot_becomes_its_figure(text: str, expected: str) -> None:
    assert told(text) == expected


def test_a_name_that_looks_like_a_slot_is_not_filled_in_turn() -> None:
    book = slots_of(document(offers(rows=(("{{s1.revenue.value}}", 1, None, None),))))

    text, traces = write("p", pieces_of("{{s1.r1.offer}} is a name.", book.slots))

    assert text == "“{{s1.revenue.value}}” is a name."
    assert [trace.text for trace in traces] == ["“{{s1.revenue.value}}”"]


def test_traces_say_where_the_figure_stands_and_where_it_comes_from() -> None:
    _, traces = write("summary", pieces_of("On {{s2.r1.day}}: {{s2.r1.revenue}} of {{s1.revenue.value}}", BOOK.slots))

    assert traces == [
        Trace("summary", 3, "2026-11-14", "trend", 0, "day"),
        Trace("summary", 15, "1,400.00", "trend", 0, "revenue"),
        Trace("summary", 27, "12,345.00", "offers", None, "revenue"),
    ]


def test_a_drafts_parts_stand_under_the_sections_own_ids() -> None:
    report = document(offers(id="my offers"), trend(id="x.y"))
    book = slots_of(report)

    parts = parts_of(read_draft(json.dumps(draft()), book.handles), book)

    assert list(parts) == [
        "executiveSummary",
        "sections.my offers",
        "sections.x.y",
        "takeaways.0",
        "takeaways.1",
        "takeaways.2",
    ]


pieces = st.lists(
    st.text(max_size=10)
    | st.builds(Slot, st.just("k"), st.text(min_size=1, max_size=8), st.just(SlotKind.VALUE), section_id=st.just("s")),
    max_size=8,
)


@given(pieces)
def test_every_trace_points_at_its_text(found: list[Piece]) -> None:
    text, traces = write("p", found)

    assert text == "".join(piece.text if isinstance(piece, Slot) else piece for piece in found)
    assert [trace.text for trace in traces] == [piece.text for piece in found if isinstance(piece, Slot)]
    assert all(text[trace.start : trace.start + len(trace.text)] == trace.text for trace in traces)
