"""Sections as JSON: the wire's shape, what JSON cannot hold, and back again."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from reports.decisions.document import Cell, Chart, ChartKind, Column, Figure, Section, Unit
from reports.decisions.section_json import cell_data, read_sections, section_data, sections_data
from tests.reports.renderers.world import document, failed, offers, trend

COLUMNS = (
    Column("name", "Name"),
    Column("count", "Count", Unit.COUNT),
    Column("money", "Money", Unit.MONEY),
    Column("share", "Share", Unit.RATIO),
    Column("at", "At", Unit.TIME),
    Column("day", "Day", Unit.DATE),
    Column("is_well", "Well", Unit.YES_NO),
)
AT = datetime(2026, 3, 5, 10, 30, 0, 5000, tzinfo=UTC)
ROW = ("Gold card", 12, Decimal("12.5"), 0.25, AT, date(2026, 3, 5), True)
SECTION = Section(
    "s1", "Everything", "all", COLUMNS, (ROW, (None,) * 7), Chart(ChartKind.BAR, "name", ("count",), "Counts"),
    (Figure("money", "Money", Decimal("12.5"), Unit.MONEY, None), Figure("share", "Share", 0.1, Unit.RATIO, 0.2)),
    note="A note.",
)  # fmt: skip


def test_a_section_has_the_wires_names() -> None:
    assert section_data(SECTION) == {
        "id": "s1",
        "title": "Everything",
        "sourceKey": "all",
        "columns": [{"key": each.key, "label": each.label, "unit": each.unit.value} for each in COLUMNS],
        "rows": [["Gold card", 12, 12.5, 0.25, "2026-03-05T10:30:00.005000Z", "2026-03-05", True], [None] * 7],
        "rowCount": 2,
        "truncated": False,
        "figures": [
            {"key": "money", "label": "Money", "value": 12.5, "unit": "money", "before": None},
            {"key": "share", "label": "Share", "value": 0.1, "unit": "ratio", "before": 0.2},
        ],
        "chart": {"kind": "bar", "along": "name", "drawn": ["count"], "title": "Counts"},
        "note": "A note.",
        "error": "",
    }


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("text", "text"),
        ("nul \x00 and half \ud800", "nul \ufffd and half \ufffd"),
        (7, 7),
        (True, True),
        (None, None),
        (0.5, 0.5),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("NaN"), None),
        (Decimal("2.000000"), 2),
        (Decimal("2.500000"), 2.5),
        (Decimal("12345678901234567890"), 12345678901234567890),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00Z"),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:00:00Z"),
    ],
    ids=str,
)
def test_a_cell_is_what_json_can_hold(cell: Cell, kept: Any) -> None:
    found = cell_data(cell)

    assert found == kept
    assert type(found) is type(kept)


def test_rows_beyond_the_limit_are_counted_and_left_out() -> None:
    found = section_data(trend(days=7), limit=3)

    assert (len(found["rows"]), found["rowCount"], found["truncated"]) == (3, 7, True)


def test_as_many_rows_as_the_limit_are_all_of_them() -> None:
    assert section_data(trend(days=3), limit=3)["truncated"] is False


@pytest.mark.parametrize("section", [SECTION, offers(), trend(), failed()], ids=["all", "offers", "trend", "failed"])
def test_what_was_kept_reads_back_as_it_was(section: Section) -> None:
    kept = json.loads(json.dumps(sections_data(document(section))))

    (found,) = read_sections(kept)

    assert found == section
    assert [[type(cell) for cell in row] for row in found.rows] == [
        [type(cell) for cell in row] for row in section.rows
    ]


def test_a_text_in_a_column_of_another_unit_stays_a_text() -> None:
    odd = Section("s", "S", "s", (COLUMNS[2], COLUMNS[4], COLUMNS[5]), (("–", "never", "someday"),))
    kept = section_data(odd)
    kept["rows"].append([1, 5, 5])

    (found,) = read_sections([kept | {"rows": [["–", 5, 5]]}])

    assert list(found.rows) == [("–", 5, 5)]
