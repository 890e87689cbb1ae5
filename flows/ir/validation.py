"""Validate nodes: what a data set, and each of its rows, must be."""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, StringConstraints, Tag

from flows.ir.base import AS_GIVEN, ONE_OR_MANY, QUARANTINE_PATTERN, ColumnName, Columns, InputRef, IrModel, NodeId
from flows.ir.ops import TypeName

Item = TypeVar("Item")
OnFail = Literal["abort", "warn", "quarantine"]
# A dataset rule is about all rows at once: it can stop the run or warn.
OnDatasetFail = Literal["abort", "warn"]
OneOrMany = Annotated[
    Annotated[Item, Tag("one")] | Annotated[list[Item], Field(min_length=1, max_length=100), Tag("many")], ONE_OR_MANY
]


def as_list(given: Item | list[Item] | None) -> list[Item]:
    """Return what may stand alone or in a list as a list."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


class RowCount(IrModel):
    """How many rows there must be."""

    min: Annotated[int, Field(ge=0)] | None = None
    max: Annotated[int, Field(ge=0)] | None = None
    on_fail: OnDatasetFail = "abort"


class NullRate(IrModel):
    """The greatest part of rows, 0 to 1, in which a column may be null."""

    field: ColumnName
    max: Annotated[float, Field(ge=0, le=1), AS_GIVEN]
    on_fail: OnDatasetFail = "abort"


class Uniqueness(IrModel):
    """Columns that together name a row once."""

    fields: Columns
    on_fail: OnDatasetFail = "abort"


class Freshness(IrModel):
    """How old the newest value of a time column may be when the run starts."""

    field: ColumnName
    max_age_minutes: Annotated[float, Field(gt=0, le=5_256_000), AS_GIVEN]
    on_fail: OnDatasetFail = "abort"


class ExpectedColumn(IrModel):
    """A column that must be there, of a type when one is named."""

    name: ColumnName
    type: TypeName | None = None


class SchemaMatch(IrModel):
    """The columns that must be there; `strict` allows no other."""

    columns: Annotated[list[ExpectedColumn], Field(min_length=1, max_length=500)]
    strict: bool = False
    on_fail: OnDatasetFail = "abort"


class DatasetLevel(IrModel):
    """The five dataset validators; of those about columns there may be several."""

    row_count: RowCount | None = None
    null_rate: OneOrMany[NullRate] | None = None
    uniqueness: OneOrMany[Uniqueness] | None = None
    freshness: OneOrMany[Freshness] | None = None
    schema_match: SchemaMatch | None = None


class RowRule(IrModel):
    """What each row must be: `not_null`, `gt:0`, `gte:`, `lt:`, `lte:`, `eq:`, `in:a,b`, `regex:…`, `length:1..20`."""

    id: NodeId
    field: ColumnName
    rule: Annotated[str, StringConstraints(min_length=2, max_length=1_000)]
    on_fail: OnFail = "quarantine"


class Quarantine(IrModel):
    """The table that rejected rows go to, in the tenant's `dlq`."""

    table: Annotated[str, StringConstraints(pattern=QUARANTINE_PATTERN)]


class ValidateNode(IrModel):
    """A node that checks and lets through what passes."""

    id: NodeId
    kind: Literal["validate"]
    input: InputRef
    dataset_level: DatasetLevel = DatasetLevel()
    row_level: Annotated[list[RowRule], Field(max_length=200)] = []
    quarantine: Quarantine | None = None
