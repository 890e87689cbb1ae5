"""The form of a schema: its words, and a row for each field of its table."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel, to_snake

from flows.decisions.vocabulary import EntityType
from flows.forms.shapes import Shape, shape_of_model

# Of the many spellings that the API takes, one each.
DataType = Literal[
    "varchar", "text", "integer", "bigint", "smallint", "decimal", "double", "boolean", "date", "timestamp",
    "timestamptz", "time", "uuid", "json",
]  # fmt: skip
ORIGIN: Final = "schema"


class _Wish(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=False, validate_by_alias=True)


class FieldWish(_Wish):
    """A column of the table."""

    name: Annotated[str, Field(title="Column")]
    data_type: Annotated[DataType, Field(title="Type")] = "varchar"
    is_primary_key: Annotated[bool, Field(title="Key")] = False
    is_nullable: Annotated[bool, Field(title="May be empty")] = True
    is_unique: Annotated[bool, Field(title="Unique")] = False
    length: Annotated[int | None, Field(title="Length", description="Of varchar: at most so many characters.")] = None
    precision: Annotated[int | None, Field(title="Digits", description="Of decimal: in all.")] = None
    scale: Annotated[int | None, Field(title="Decimals", description="Of decimal: of them after the point.")] = None
    default_value: Annotated[str | None, Field(title="Default value")] = None
    display_name: Annotated[str | None, Field(title="Shown as")] = None
    description: Annotated[str | None, Field(title="Description")] = None


class SchemaWish(_Wish):
    """A table that pipelines fill."""

    name: Annotated[
        str, Field(title="Name", description="Small letters, digits and _; its table is called ds_ and this.")
    ]
    display_name: Annotated[str | None, Field(title="Shown as")] = None
    entity_type: Annotated[Literal["customer", "account", "custom"], Field(title="Rows are about")] = (
        EntityType.CUSTOM.value
    )
    description: Annotated[str | None, Field(title="Description")] = None
    fields_: Annotated[
        list[FieldWish],
        Field(alias="fields", title="Fields", description="Without a key the table gets an id of its own."),
    ]


class SchemaChange(_Wish):
    """What of a schema can change: its words, and columns that are added."""

    display_name: Annotated[str | None, Field(title="Shown as")] = None
    description: Annotated[str | None, Field(title="Description")] = None
    fields_: Annotated[list[FieldWish], Field(alias="fields", title="New fields")] = []


def schema_shape(*, is_new: bool) -> Shape:
    """Return what the form asks for."""
    return shape_of_model(SchemaWish if is_new else SchemaChange, ORIGIN)


def blank_schema() -> dict[str, Any]:
    """Return what a new schema begins with."""
    return {"fields": [{"dataType": "varchar"}]}


def values_of(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed as the service takes it: the model's names."""
    values = {to_snake(key): value for key, value in typed.items() if key != "fields"}
    fields = [{to_snake(key): value for key, value in each.items()} for each in typed.get("fields", ())]
    return {"name": "", **values, "fields": [{"name": "", **_said(each)} for each in fields]}


def number_errors(typed: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return which sizes of fields are no numbers, by the path of their control."""
    return {
        f"fields.{place}.{name}": ["A whole number."]
        for place, field in enumerate(typed.get("fields", ()))
        for name in ("length", "precision", "scale")
        if isinstance(field.get(name), str)
    }


def _said(field: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if value is not None}
