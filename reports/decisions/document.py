"""What a report says, whatever it is written to: sections with typed tables, charts and figures, and a narrative."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

Cell = str | int | float | Decimal | bool | datetime | date | None
Row = tuple[Cell, ...]


class Unit(StrEnum):
    """What a column or a figure is measured in; it decides how a value is written and on which side it stands."""

    TEXT = "text"
    COUNT = "count"
    NUMBER = "number"
    # The tenant's own currency, whichever that is: two decimals, no sign.
    MONEY = "money"
    # A part of one, shown in per cent: 0.125 is 12.5 %.
    RATIO = "ratio"
    MILLISECONDS = "ms"
    SECONDS = "s"
    # An instant, aware, UTC; shown in the document's zone.
    TIME = "time"
    DATE = "date"
    YES_NO = "yes_no"


class ChartKind(StrEnum):
    """How a chart is drawn."""

    LINE = "line"
    BAR = "bar"
    FUNNEL = "funnel"


class NarrativeSource(StrEnum):
    """Who wrote the words; the figures in them are the data's in either case."""

    LLM = "llm"
    DETERMINISTIC = "deterministic"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `key` for machines (camelCase), `label` for people."""

    key: str
    label: str
    unit: Unit = Unit.TEXT


class Rows(Protocol):
    """Rows of a table, read as often as wanted from the first on, in bounded memory; each has a cell per column."""

    def __iter__(self) -> Iterator[Row]:
        """Begin again at the first row."""

    def __len__(self) -> int:
        """Return how many there are."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of the table: the column whose values stand along the axis, and those that are drawn."""

    kind: ChartKind
    along: str
    drawn: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that stands for the section, with that of the period before (None: there is none)."""

    key: str
    label: str
    value: int | float | Decimal | None
    unit: Unit
    before: int | float | Decimal | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A titled table. `error` stands in place of the rows when the source refused its params; `note` below them."""

    id: str
    title: str
    source_key: str
    columns: tuple[Column, ...]
    rows: Rows
    chart: Chart | None = None
    figures: tuple[Figure, ...] = ()
    note: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a figure or a name in the words comes from.

    `part` is `executiveSummary`, `sections.<id>` or `takeaways.<number from 0>`; `start` counts the characters before
    `text` in it. `row` counts from 0 in the section's table; None is a figure of the section, or of the document.
    """

    part: str
    start: int
    text: str
    section_id: str
    row: int | None
    column: str


@dataclass(frozen=True, slots=True)
class Narrative:
    """The words: a summary, a paragraph for a section's id, three to five takeaways, and where they come from.

    `reason` says why a text is deterministic although a model was asked for; no `cost_usd` where no price is known.
    """

    source: NarrativeSource
    executive_summary: str
    paragraphs: Mapping[str, str] = field(default_factory=dict)
    takeaways: tuple[str, ...] = ()
    reason: str = ""
    model: str = ""
    tokens: int = 0
    cost_usd: Decimal | None = None
    traces: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A report, ready to be written. `data_until` is the end of the period, exclusive; both instants are aware.

    `link` leads to the run in the product, or is empty. The same document gives the same bytes in every format.
    """

    title: str
    description: str
    tenant_name: str
    period: str
    generated_at: datetime
    data_until: datetime
    zone: str
    sections: tuple[Section, ...]
    narrative: Narrative | None = None
    link: str = ""
