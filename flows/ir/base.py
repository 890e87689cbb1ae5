"""What every model of the IR has in common."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, StringConstraints, WrapValidator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, ValidationError

MAX_TEXT: Final = 4_000
RESERVED_PREFIX: Final = "_kaireon_"
# A name in the IR: of a node, a rule, a case.
NODE_ID_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$"
INPUT_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_-]{0,62}(\.[A-Za-z_][A-Za-z0-9_-]{0,62})?$"
COLUMN_PATTERN: Final = r"^[^\x00-\x1f\x7f]+$"
TABLE_PATTERN: Final = r"^(public\.)?ds_[a-z0-9_]{1,60}$"
QUARANTINE_PATTERN: Final = r"^(dlq\.)?[a-z_][a-z0-9_]{0,62}$"
SLUG_PATTERN: Final = r"^[a-z0-9]([a-z0-9_-]{0,118}[a-z0-9])?$"
UUID_PATTERN: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
# A table's sibling of the tenant: a view, a function.
OBJECT_PATTERN: Final = r"^(?:public\.)?ds_[a-z0-9_]{1,60}$"


def _free_name(name: str) -> str:
    """Refuse what PostgreSQL would cut, and what the product calls its own columns."""
    if len(name.encode()) > 63:
        raise PydanticCustomError("name_too_long", "must be of at most 63 bytes")
    if name.lower().startswith(RESERVED_PREFIX):
        raise PydanticCustomError("reserved_name", "must not begin with _kaireon_, which is reserved")
    return name


def _as_given(value: Any, handler: Callable[[Any], float]) -> Any:
    """Check a number and keep it as it came: a 5 stays a 5 and becomes no 5.0."""
    handler(value)
    return value


def _one_scalar(value: Any, handler: Callable[[Any], Any]) -> Any:
    """Say in one error what a union of four types would say in four."""
    try:
        return handler(value)
    except ValidationError as error:
        raise PydanticCustomError("scalar_type", "must be a text, a number, true, false or null") from error


def one_or_many(value: object) -> str:
    """Tell which of both forms was given, so that errors speak of that one alone."""
    return "many" if isinstance(value, list) else "one"


NodeId = Annotated[str, StringConstraints(pattern=NODE_ID_PATTERN)]
# Whose output an input reads: a node, or an exit of a branch as `<branchId>.<caseId>`.
InputRef = Annotated[str, StringConstraints(pattern=INPUT_PATTERN)]
# A column: what PostgreSQL takes as a quoted identifier (63 bytes), without control characters.
ColumnName = Annotated[
    str, StringConstraints(min_length=1, max_length=63, pattern=COLUMN_PATTERN), AfterValidator(_free_name)
]
# After the bounds of a number: keeps whole numbers whole.
AS_GIVEN: Final = WrapValidator(_as_given)
ONE_OR_MANY: Final = Discriminator(one_or_many)
Columns = Annotated[list[ColumnName], Field(min_length=1, max_length=500)]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
Words = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Scalar = Annotated[str | int | float | bool | None, WrapValidator(_one_scalar)]


class IrModel(BaseModel):
    """Immutable, strict about names and types, camelCase on the wire: a typo is an error, never ignored."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=to_camel, validate_by_name=False,
        validate_by_alias=True, allow_inf_nan=False,
    )  # fmt: skip
