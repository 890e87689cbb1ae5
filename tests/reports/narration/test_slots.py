"""Which slots a section has: a value, one before and a change where they exist, nothing where they do not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.decisions.document import Cell, Column, Document, Figure, Section, Unit
from reports.decisions.narrative.draft import SLOT
from reports.decisions.narrative.prompt import prompt_for
from reports.decisions.narrative.slots import SlotKind, cell_text, is_tellable, slots_of
from tests.reports.narration.test_plain import documents
from tests.reports.narration.world import document, failed, offers, trend


def figure_slots(value: object, before: object = None, unit: Unit = Unit.COUNT) -> dict[str, tuple[str, int | None]]:
    """Return a figure's slots: how each reads, and the direction of the change."""
    figure = Figure("f", "F", value, unit, before)  # type: ignore[arg-type]
    slots = slots_of(document(offers(rows=(), figures=(figure,)))).slots
    return {
        key.removeprefix("s1.f."): (slot.text, slot.direction)
        for key, slot in slots.items()
        if key.startswith("s1.f.") and slot.kind is not SlotKind.LABEL
    }


@pytest.mark.parametrize(
    ("value", "before", "expected"),
    [
        (3, None, {"value": ("3", None)}),
        (None, 3, {}),
        (None, None, {}),
        (float("nan"), 3, {}),
        (3, float("nan"), {"value": ("3", None)}),
        (3, 3, {"value": ("3", 0), "before": ("3", 0)}),
        (3, 2, {"value": ("3", 1), "before": ("2", 1), "change": ("+50.0 %", 1), "by": ("50.0 %", 1)}),
        (1, 2, {"value": ("1", -1), "before": ("2", -1), "change": ("-50.0 %", -1), "by": ("50.0 %", -1)}),
        (3, 0, {"value": ("3", 1), "before": ("0", 1), "change": ("+3", 1), "by": ("3", 1)}),
    ],
)
def test_a_figure_has_the_slots_that_its_values_allow(
    value: object, before: object, expected: dict[str, tuple[str, int | None]]
) -> None:
    assert figure_slots(value, before) == expected


@pytest.mark.parametrize(
    ("cell", "unit", "text"),
    [
        (None, Unit.COUNT, None),
        ("", Unit.TEXT, None),
        ("  \n", Unit.TEXT, None),
        (float("inf"), Unit.MONEY, None),
        (0, Unit.COUNT, "0"),
        ("A", Unit.TEXT, "“A”"),
        ("7", Unit.COUNT, "“7”"),
        (False, Unit.YES_NO, "no"),
    ],
)
def test_a_cell_without_a_value_has_no_slot(cell: Cell, unit: Unit, text: str | None) -> None:
    assert cell_text(cell, unit, "UTC") == text


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (offers(), True),
        (offers(rows=()), True),
        (offers(figures=()), True),
        (offers(rows=(), figures=()), False),
        (offers(error="no"), False),
        (failed(), False),
    ],
)
def test_a_section_is_told_of_if_it_holds_anything(section: Section, expected: bool) -> None:
    assert is_tellable(section) is expected


def test_sections_are_counted_without_those_that_are_not_told_of() -> None:
    book = slots_of(document(failed(), trend(), offers(rows=(), figures=()), offers()))

    assert [(handle.name, handle.section.id) for handle in book.handles] == [("s1", "trend"), ("s2", "offers")]


def test_text_and_number_columns_give_names_and_values() -> None:
    columns = (Column("a", "A"), Column("b", "B", Unit.COUNT))
    slots = slots_of(document(offers(columns=columns, rows=(("x", 1),), figures=()))).slots

    kinds = {
        key: (slot.kind, slot.names_row, slot.is_figure) for key, slot in slots.items() if key.startswith("s1.r1.")
    }
    assert kinds == {
        "s1.r1.a": (SlotKind.NAME, True, False),
        "s1.r1.b": (SlotKind.VALUE, False, True),
    }


def test_a_row_that_is_too_short_has_the_slots_of_its_cells() -> None:
    slots = slots_of(document(offers(rows=(("x",),), figures=()))).slots

    assert [key for key in slots if key.startswith("s1.r1")] == ["s1.r1.offer"]


@settings(max_examples=80, deadline=None)
@given(documents)
def test_any_document_has_slots_that_can_be_written_and_a_prompt(report: Document) -> None:
    book = slots_of(report)

    assert all(SLOT.fullmatch(f"{{{{{key}}}}}") for key in book.slots)
    assert all(slot.text.isprintable() and slot.text for slot in book.slots.values() if slot.key != "period")
    prompt = prompt_for(report, book)
    assert prompt.turns[0].text.isprintable()
    assert prompt.size < 100_000


@given(st.text(max_size=30))
def test_no_name_closes_its_quotation_marks(name: str) -> None:
    slot = slots_of(document(offers(rows=((name, 1, None, None),)))).slots.get("s1.r1.offer")

    if slot is not None:
        assert slot.text[0] + slot.text[-1] == "“”"
        assert not {"“", "”", '"'} & set(slot.text[1:-1])
