"""Target nodes: the table that rows go to, how they get there, and what is done before and after."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, Tag

from flows.ir.base import (
    AS_GIVEN,
    OBJECT_PATTERN,
    ONE_OR_MANY,
    TABLE_PATTERN,
    ColumnName,
    Columns,
    InputRef,
    IrModel,
    NodeId,
    Words,
)

UpsertKey = Annotated[Annotated[ColumnName, Tag("one")] | Annotated[Columns, Tag("many")], ONE_OR_MANY]
LoadMode = Literal["append", "truncate", "upsert", "blue_green", "incremental_watermark", "cdc_mirror"]


class SqlHook(IrModel):
    """A statement in the run's own transaction; statements that change or remove data or rights are refused."""

    type: Literal["sql"]
    statement: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]


class RefreshHook(IrModel):
    """A materialised view of the tenant to refresh."""

    type: Literal["refresh"]
    view: Annotated[str, StringConstraints(pattern=OBJECT_PATTERN)]


class WebhookHook(IrModel):
    """An address to tell after the commit; its failure is a warning of the run."""

    type: Literal["webhook"]
    url: Annotated[str, StringConstraints(min_length=8, max_length=2_000)]


class CustomFunctionHook(IrModel):
    """A function of the tenant's data schema, called with the run's id."""

    type: Literal["custom_function"]
    name: Annotated[str, StringConstraints(pattern=OBJECT_PATTERN)]
    arguments: dict[str, Any] = {}


Hook = Annotated[SqlHook | RefreshHook | WebhookHook | CustomFunctionHook, Field(discriminator="type")]


class RowCountAnomaly(IrModel):
    """How far the number of rows may be from the mean of the last successful runs."""

    max_change_percent: Annotated[float, Field(gt=0, le=10_000), AS_GIVEN]
    on_fail: Literal["abort", "warn"] = "warn"


class TargetNode(IrModel):
    """A node that writes. `allowEmpty` (ours) turns off the guard of the modes that replace a table."""

    id: NodeId
    kind: Literal["target"]
    input: InputRef
    table: Annotated[str, StringConstraints(pattern=TABLE_PATTERN), Field(alias="schema")]
    load_mode: LoadMode
    upsert_key: UpsertKey | None = None
    watermark_column: ColumnName | None = None
    allow_empty: bool = False
    backup_before_load: bool = False
    row_count_anomaly: RowCountAnomaly | None = None
    pre_hook: Hook | None = None
    post_hook: Hook | None = None
    description: Words | None = None

    @property
    def upsert_keys(self) -> tuple[str, ...]:
        """Return the columns of the key, however it was given; none without one."""
        if self.upsert_key is None:
            return ()
        return (self.upsert_key,) if isinstance(self.upsert_key, str) else tuple(self.upsert_key)
