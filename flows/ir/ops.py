"""The nineteen operations of a transform node (contract §8); each compiles to one step of the engine's expression."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from flows.ir.base import TABLE_PATTERN, ColumnName, Columns, Expression, IrModel, NodeId, Scalar, Words

TypeName = Literal[
    "string", "integer", "bigint", "double", "decimal", "boolean", "date", "timestamp", "time", "uuid", "json"
]
OnError = Literal["null", "fail", "quarantine"]


class Op(IrModel):
    """An operation; its `id` names it in errors and in the quarantine."""

    id: NodeId | None = None


class Cast(Op):
    """Turn a column into another type. `format` reads dates and times (strptime); a decimal has precision and scale."""

    op: Literal["cast"]
    field: ColumnName
    to: TypeName
    on_error: OnError = "fail"
    format: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    precision: Annotated[int, Field(ge=1, le=38)] | None = None
    scale: Annotated[int, Field(ge=0, le=38)] | None = None
    timezone: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None


class ExpressionOp(Op):
    """Compute a column, new or replaced, by one SQL scalar expression."""

    op: Literal["expression"]
    field: ColumnName
    expr: Expression


class Rename(Op):
    """Give a column another name."""

    op: Literal["rename"]
    from_: Annotated[ColumnName, Field(alias="from")]
    to: ColumnName


class Drop(Op):
    """Leave columns out."""

    op: Literal["drop"]
    fields: Columns


class AddField(Op):
    """Add a column with one value."""

    op: Literal["add_field"]
    field: ColumnName
    value: Scalar


class Hash(Op):
    """Replace a column by the hexadecimal digest of its text; null stays null. The salt goes before the text."""

    op: Literal["hash"]
    field: ColumnName
    algorithm: Literal["sha256", "md5", "sha512"] = "sha256"
    salt: Words | None = None


class MaskPii(Op):
    """Hide what identifies a person: all, all but the last four, an address's name, all but the first letter."""

    op: Literal["mask_pii"]
    field: ColumnName
    strategy: Literal["full", "last4", "email", "initial", "null"]


class MapValues(Op):
    """Replace values by others; what is not listed becomes `default`, or stays when there is none."""

    op: Literal["map_values"]
    field: ColumnName
    mapping: Annotated[dict[str, Scalar], Field(min_length=1, max_length=5_000)]
    default: Scalar = None

    @property
    def has_default(self) -> bool:
        """Tell whether a default was given, null included; without one, unlisted values stay."""
        return "default" in self.model_fields_set


class Split(Op):
    """Cut a text at a separator into columns: the rest goes to the last, what is missing is null."""

    op: Literal["split"]
    field: ColumnName
    separator: Annotated[str, StringConstraints(min_length=1, max_length=20)]
    into: Columns


class Merge(Op):
    """Join columns into one text; nulls are left out."""

    op: Literal["merge"]
    fields: Columns
    separator: Annotated[str, StringConstraints(max_length=20)]
    into: ColumnName


class Filter(Op):
    """Keep the rows for which the expression is true."""

    op: Literal["filter"]
    expr: Expression


class OrderKey(IrModel):
    """A column to order by."""

    field: ColumnName
    direction: Literal["asc", "desc"] = "asc"


class Deduplicate(Op):
    """Keep one row of each key: the first or the last by `orderBy`, or by the order of the rows in the files."""

    op: Literal["deduplicate"]
    keys: Columns
    order_by: Annotated[list[OrderKey], Field(max_length=20)] = []
    keep: Literal["first", "last"] = "first"


class Measure(IrModel):
    """A figure of a group."""

    as_: Annotated[ColumnName, Field(alias="as")]
    fn: Literal["count", "count_distinct", "sum", "min", "max", "avg"]
    field: ColumnName | None = None


class Aggregate(Op):
    """One row for each group, or one in all without `groupBy`."""

    op: Literal["aggregate"]
    group_by: Annotated[list[ColumnName], Field(max_length=100)]
    measures: Annotated[list[Measure], Field(min_length=1, max_length=100)]


class JoinKey(IrModel):
    """Two columns that must be equal."""

    left: ColumnName
    right: ColumnName


class LookupJoin(Op):
    """Add columns of one of the tenant's own tables; the first match counts, none gives null."""

    op: Literal["lookup_join"]
    table: Annotated[str, StringConstraints(pattern=TABLE_PATTERN)]
    on: Annotated[list[JoinKey], Field(min_length=1, max_length=10)]
    fields: Columns


class ExternalOp(Op):
    """Ask an external model. Without credentials the output is null and the run says so."""

    field: ColumnName
    into: ColumnName


class Summarize(ExternalOp):
    """A summary of a text."""

    op: Literal["summarize"]


class VectorEmbed(ExternalOp):
    """A text as a vector."""

    op: Literal["vector_embed"]


class GeoResolve(ExternalOp):
    """An address as coordinates."""

    op: Literal["geo_resolve"]


class SentimentScore(ExternalOp):
    """A text's sentiment from -1 to 1."""

    op: Literal["sentiment_score"]


class LanguageDetect(ExternalOp):
    """The language of a text."""

    op: Literal["language_detect"]


TransformOp = Annotated[
    Cast | ExpressionOp | Rename | Drop | AddField | Hash | MaskPii | MapValues | Split | Merge | Filter | Deduplicate
    | Aggregate | LookupJoin | Summarize | VectorEmbed | GeoResolve | SentimentScore | LanguageDetect,
    Field(discriminator="op"),
]  # fmt: skip
