"""A narrative and the tables below it say the same: figures read alike in the text and in every format."""

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.document import Cell, Column, NarrativeSource, Unit
from reports.decisions.narrative.figures import NO_VALUE, exact, format_value
from reports.narration import narrate, narrate_plainly
from reports.renderers import render
from reports.renderers.cells import cell_writer
from tests.reports.narration.world import NOW, OPENAI, MemoryLedger, document, draft, model

ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]
FIGURE_UNITS = [Unit.COUNT, Unit.NUMBER, Unit.MONEY, Unit.RATIO, Unit.MILLISECONDS, Unit.SECONDS]
numbers = st.one_of(
    st.integers(-(10**18), 10**18), st.floats(allow_nan=False, allow_infinity=False), st.decimals(places=4)
)
instants = st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1))  # noqa: DTZ001


@given(numbers, st.sampled_from(FIGURE_UNITS), st.sampled_from(ZONES))
def test_a_figure_reads_alike_in_the_text_and_in_a_table(value: Cell, unit: Unit, zone: str) -> None:
    in_table = cell_writer(Column("k", "K", unit), zone)(value)

    in_text = format_value(value, unit, zone)
    assert in_text == (NO_VALUE if exact(value) is None else in_table)


@given(instants, st.sampled_from(ZONES))
def test_an_instant_reads_alike(value: datetime, zone: str) -> None:
    assert format_value(value, Unit.TIME, zone) == cell_writer(Column("k", "K", Unit.TIME), zone)(value)


@pytest.mark.parametrize(
    ("value", "unit"),
    [(date(2026, 2, 28), Unit.DATE), (True, Unit.YES_NO), (False, Unit.YES_NO), (Decimal("0.0001"), Unit.NUMBER)],
)
def test_other_values_read_alike(value: Cell, unit: Unit) -> None:
    assert format_value(value, unit) == cell_writer(Column("k", "K", unit), "UTC")(value)


@pytest.mark.parametrize("form", ["markdown", "html", "csv"])
def test_a_rendered_report_holds_the_narrative_that_was_made(form: str) -> None:
    with model(OPENAI, OPENAI.reply(json.dumps(draft()))) as receiver:
        narrative = narrate(document(), ai=OPENAI.settings(receiver), ledger=MemoryLedger(), now=NOW)
    file = io.BytesIO()

    render(replace(document(), narrative=narrative), form, file)

    text = file.getvalue().decode()
    assert narrative.source is NarrativeSource.LLM
    assert "rose by 12.5 %" in text
    assert "12,345.00" in text


def test_a_deterministic_report_is_rendered_to_pdf() -> None:
    file = io.BytesIO()

    render(replace(document(), narrative=narrate_plainly(document(), reason="No model.")), "pdf", file)

    assert file.getvalue().startswith(b"%PDF-")
