"""Reports to render: a plain one, parts for others, and what users and attackers call their offers."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from reports.decisions.document import (
    Cell,
    Chart,
    ChartKind,
    Column,
    Document,
    Figure,
    Narrative,
    NarrativeSource,
    Row,
    Section,
    Unit,
)
from reports.renderers import render, render_section

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
UNTIL = datetime(2026, 11, 20, 23, tzinfo=UTC)

OFFER = (
    Column("offer", "Offer"),
    Column("clicks", "Clicks", Unit.COUNT),
    Column("revenue", "Revenue", Unit.MONEY),
    Column("ctr", "Click rate", Unit.RATIO),
    Column("last", "Last click", Unit.TIME),
)
OFFERS: tuple[Row, ...] = (
    ("Summer sale", 1234567, Decimal("4000.50"), 0.123, datetime(2026, 11, 20, 15, 5, tzinfo=UTC)),
    ("Winter sale", 800, Decimal(-3000), 0.1, datetime(2026, 7, 1, 12, tzinfo=UTC)),
    ("Loyalty card", 5, Decimal("0.5"), None, None),
)
FORMULAS = (
    "=1+1",
    "+49 151 2",
    "-12 monkeys",
    "@SUM(A1)",
    "\tx",
    "\r=1",
    "\n=1",
    " =1+1",
    "＝1+1",
    "=cmd|'/c calc'!A0",
)
NUMERIC = ("-5", "+5", "-1.5", "+1e5", "-0", "-.5")
HOSTILE = (
    "<script>alert(1)</script>",
    "</title></style><b onclick=x>",
    '" onload="x',
    "& &amp; &lt;",
    "a | b \\| c",
    "`code` *bold* _it_ ~~s~~ # $x$",
    "[link](http://evil.example) ![i](http://evil.example/i.png)",
    "www.evil.example and https://evil.example and a@evil.example",
    "- item",
    "1. item",
    "> quote",
    "---",
    "    code",
    "\u202egnp.exe",
    "W" * 500,
    "line\nbreak\r\nand\ttab",
    "nul\x00 and half \ud800 pair",
    "\x1b[31mred\x07",
    "مرحبا بالعالم 123",
    "שלום world 45%",
    "नमस्ते क्षत्रिय",
    "你好世界 カタカナ 한국어",
    "😀🎉 ❤️",
    "e\u0301 n\u0303 ﬁ ½",
    "",
    *FORMULAS,
    *NUMERIC,
)
NARRATIVE = Narrative(
    NarrativeSource.DETERMINISTIC,
    "Revenue rose by 12.2 %.\n\nClicks were unchanged.",
    {"offers": "Summer sale made the most."},
    ("Revenue rose.", "Clicks stood still.", "Winter sale lost."),
    reason="no provider is configured",
)


class Generated:
    """Rows made as they are read: any number of them in the memory of one."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        start = datetime(2026, 1, 1, tzinfo=UTC)
        for number in range(self.count):
            yield (
                f"offer {number}", number * 7 % 1000, Decimal(number) / 100, number % 97 / 97,
                start + timedelta(minutes=number),
            )  # fmt: skip


def offers(**changes: Any) -> Section:
    """Return the section that most tests render."""
    section = Section(
        "offers", "Offer performance", "offer_performance", OFFER, OFFERS,
        chart=Chart(ChartKind.BAR, "offer", ("clicks",), "Clicks by offer"),
        figures=(
            Figure("revenue", "Revenue", Decimal("1001.00"), Unit.MONEY, Decimal("892.16")),
            Figure("ctr", "Click rate", 0.1234, Unit.RATIO, None),
        ),
        note="Offers without a click are left out.",
    )  # fmt: skip
    return replace(section, **changes)


def table(*rows: Row, columns: tuple[Column, ...] | None = None, **changes: Any) -> Section:
    """Return a section of these rows; its columns are of text unless said."""
    named = columns or tuple(Column(f"c{number}", f"Column {number}") for number in range(len(rows[0]) if rows else 1))
    return replace(Section("t", "Table", "t", named, rows), **changes)


def one_column(*cells: Cell, unit: Unit = Unit.TEXT) -> Section:
    """Return a section of one column."""
    return table(*((cell,) for cell in cells), columns=(Column("c", "Cell", unit),))


def trend(days: int = 7, **changes: Any) -> Section:
    """Return a section whose rows are days."""
    columns = (Column("day", "Day", Unit.DATE), Column("revenue", "Revenue", Unit.MONEY))
    rows = tuple((date(2026, 1, 1) + timedelta(day), Decimal(100 * day)) for day in range(days))
    chart = Chart(ChartKind.LINE, "day", ("revenue",), "Revenue by day")
    return replace(Section("trend", "Revenue trend", "revenue_trend", columns, rows, chart=chart), **changes)


def failed() -> Section:
    """Return a section that could not be made."""
    return Section("budget", "Budget burn", "budget_burn", (), (), error="days must be between 1 and 365")


def document(*sections: Section, **changes: Any) -> Document:
    """Return a report of these sections, or of the offers."""
    whole = Document(
        "Weekly report", "What the offers earned.", "Acme", "14 to 20 Nov 2026", NOW, UNTIL, "Europe/Berlin",
        sections or (offers(),), NARRATIVE, "https://kaireon.example/runs/1?a=1&b=2",
    )  # fmt: skip
    return replace(whole, **changes)


def hostile() -> Document:
    """Return a report in which every text is one that somebody means ill with."""
    columns = tuple(Column(f"c{number}", HOSTILE[number], Unit.TEXT) for number in range(3))
    rows = tuple((name, HOSTILE[-1 - place], HOSTILE[place // 2]) for place, name in enumerate(HOSTILE))
    words = Narrative(NarrativeSource.LLM, "\n\n".join(HOSTILE), {"h": HOSTILE[0]}, HOSTILE[:5], model="<b>")
    section = Section(
        "h", HOSTILE[0], "h", columns, rows, Chart(ChartKind.BAR, "c0", ("c1",), HOSTILE[1]),
        (Figure("f", HOSTILE[0], 1, Unit.COUNT, 2),), note=HOSTILE[1],
    )  # fmt: skip
    failing = replace(failed(), title=HOSTILE[1], error=HOSTILE[0])
    return document(
        section, failing, title=" ".join(HOSTILE[:6]), description=HOSTILE[0], tenant_name=HOSTILE[1],
        period=HOSTILE[0], narrative=words, link="javascript:alert(1)",
    )  # fmt: skip


def rendered(whole: Document, form: str) -> bytes:
    """Return the file's bytes."""
    file = io.BytesIO()
    render(whole, form, file)
    return file.getvalue()


def rendered_section(whole: Document, section_id: str) -> bytes:
    """Return the bytes of one section's table."""
    file = io.BytesIO()
    render_section(whole, section_id, file)
    return file.getvalue()
