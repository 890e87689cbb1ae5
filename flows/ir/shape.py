"""What pydantic finds wrong, said in the words of the document: its own paths, without the tags of unions."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from flows.ir import base
from flows.ir.problems import Location

# After these a union's tag stands in pydantic's locations: in an item of a list, or in the value of a field.
_ITEMS_WITH_TAGS: Final = frozenset({"nodes", "ops"})
_FIELDS_WITH_TAGS: Final = frozenset({
    "pattern", "controlFilePattern", "preHook", "postHook", "schedule", "nullRate", "uniqueness", "freshness",
    "upsertKey",
})  # fmt: skip
_PATTERNS: Final[Mapping[str, str]] = {
    base.NODE_ID_PATTERN: "must be a name of at most 63 letters, digits, _ and -, beginning with a letter or _",
    base.INPUT_PATTERN: "must be the id of a node, or branch.exit",
    base.COLUMN_PATTERN: "must not contain control characters",
    base.TABLE_PATTERN: "must be a table such as public.ds_orders: ds_, then small letters, digits and _",
    base.QUARANTINE_PATTERN: "must be a table such as dlq.orders: small letters, digits and _",
    base.OBJECT_PATTERN: "must be a name such as public.ds_daily_sales: ds_, then small letters, digits and _",
    base.SLUG_PATTERN: "must be a slug: small letters, digits, - and _, at most 120",
    base.UUID_PATTERN: "must be the id of a connector",
}
_PLAIN: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is no field here",
    "union_tag_not_found": "is missing",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}
_COUNTED: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "literal_error": lambda given: f"must be {given['expected']}",
    "union_tag_invalid": lambda given: f"must be one of {given['expected_tags']}",
    "string_too_short": lambda given: _at_least(given["min_length"], "character"),
    "string_too_long": lambda given: f"must have at most {given['max_length']:,} characters",
    "too_short": lambda given: _at_least(given["min_length"], "item"),
    "too_long": lambda given: f"must have at most {given['max_length']:,} items",
    "greater_than": lambda given: f"must be greater than {given['gt']:,}",
    "greater_than_equal": lambda given: f"must be at least {given['ge']:,}",
    "less_than_equal": lambda given: f"must be at most {given['le']:,}",
    "string_pattern_mismatch": lambda given: _PATTERNS.get(given["pattern"], f"must match {given['pattern']}"),
}
_UNREADABLE: Final = frozenset(_PLAIN) | {"scalar_type"}


def errors_of(error: ValidationError) -> list[ErrorDetails]:
    """Return what pydantic found, without the values."""
    return error.errors(include_url=False, include_input=False)


def problems_of_shape(errors: Iterable[ErrorDetails]) -> Iterator[tuple[Location, str]]:
    """Yield where and what for each error."""
    for details in errors:
        yield _place(details), message_of(details)


def is_unreadable(errors: Iterable[ErrorDetails]) -> bool:
    """Tell whether a field is unknown, missing or wrongly typed; else a value is merely out of its bounds."""
    return any(details["type"] in _UNREADABLE for details in errors)


def message_of(details: ErrorDetails) -> str:
    """Say what is wrong with a value."""
    kind = details["type"]
    if kind in _COUNTED:
        return _COUNTED[kind](details.get("ctx", {}))
    return _PLAIN.get(kind, details["msg"])


def _place(details: ErrorDetails) -> Location:
    """Return the location without tags; of a union whose tag is wrong or missing, that of the tag's field."""
    location = _plain(details["loc"])
    if details["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return (*location, str(details["ctx"]["discriminator"]).strip("'"))
    return location


def _plain(location: Location) -> Location:
    kept: list[str | int] = []
    is_tag = False
    for step in location:
        if is_tag:
            is_tag = False
            continue
        is_item = isinstance(step, int) and bool(kept) and kept[-1] in _ITEMS_WITH_TAGS
        kept.append(step)
        is_tag = is_item or step in _FIELDS_WITH_TAGS
    return tuple(kept)


def _at_least(count: int, what: str) -> str:
    return "must not be empty" if count == 1 else f"must have at least {count} {what}s"
