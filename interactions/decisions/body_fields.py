"""Read the fields of a recording's body: strictly, each by its name, all that are wrong at once.

The same rules and words as the serializers of other routes, without their price: these routes are the hot path.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from kaireon.platform.characters import json_refusal, text_refusal

MAX_TEXT: Final = 255
MAX_INTEGER: Final = 2**31 - 1
MAX_VALUE: Final = 10**14
SMALLEST_PART: Final = Decimal("0.000001")
UNKNOWN_FIELD: Final = "Unknown field."
REQUIRED: Final = "This field is required."
NOT_NULL: Final = "This field may not be null."

Reader = Callable[[Any], Any]
Fields = dict[str, list[str]]


class FieldRefused(ValueError):
    """One value cannot be what its field is; `fields` names places below the field."""

    def __init__(self, message: str, below: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.below = dict(below or {})


class BodyRefused(ValueError):
    """The body cannot be read; `fields` says what is wrong with which."""

    def __init__(self, fields: Fields) -> None:
        super().__init__("; ".join(f"{path}: {texts[0]}" for path, texts in list(fields.items())[:5]))
        self.fields = fields


class BodyImpossible(BodyRefused):
    """The body reads well and cannot be."""


def read_fields(body: Any, readers: Mapping[str, Reader], required: tuple[str, ...]) -> dict[str, Any]:
    """Return the values of a body's fields; null counts as absent. Raises BodyRefused that names every wrong field."""
    if not isinstance(body, dict):
        raise BodyRefused({"body": ["Must be an object."]})
    values: dict[str, Any] = {}
    wrong: Fields = {}
    refused: set[str] = set()
    for name, value in body.items():
        reader = readers.get(name)
        if reader is None:
            wrong[name] = [UNKNOWN_FIELD]
        elif value is not None:
            try:
                values[name] = reader(value)
            except FieldRefused as refusal:
                refused.add(name)
                wrong |= _placed(name, refusal)
    missing = [name for name in required if name not in values and name not in refused]
    if missing or wrong:
        raise BodyRefused(wrong | {name: [NOT_NULL if name in body else REQUIRED] for name in missing})
    return values


def _placed(name: str, refusal: FieldRefused) -> Fields:
    if not refusal.below:
        return {name: [refusal.message]}
    return {f"{name}{path if path.startswith('[') else '.' + path}": texts for path, texts in refusal.below.items()}


def read_id(value: Any) -> str:
    """Return an opaque id as it stands."""
    if not isinstance(value, str):
        raise FieldRefused("Must be a string.")
    if len(value) > MAX_TEXT:
        raise FieldRefused(f"Must not be longer than {MAX_TEXT} characters.")
    if refusal := text_refusal(value):
        raise FieldRefused(refusal)
    if not value.strip():
        raise FieldRefused("This field may not be blank.")
    return value


def whole_number(minimum: int, maximum: int = MAX_INTEGER) -> Reader:
    """Return the reader of a whole number within bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise FieldRefused("Must be an integer.")
        if not minimum <= value <= maximum:
            raise FieldRefused(f"Must be from {minimum} to {maximum}.")
        return value

    return read


def read_number(value: Any) -> float:
    """Return a number that a double holds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldRefused("Must be a number.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FieldRefused("Must be a finite number.")
    return number


def read_duration(value: Any) -> float:
    """Return a number that is not negative."""
    number = read_number(value)
    if number < 0:
        raise FieldRefused("Must not be negative.")
    return number


def read_amount(value: Any) -> Decimal:
    """Return an amount, rounded to the six decimals that the table keeps."""
    read_number(value)
    number = Decimal(str(value))
    if abs(number) >= MAX_VALUE:
        raise FieldRefused(f"Must be less than {MAX_VALUE:,} either way.")
    return number.quantize(SMALLEST_PART)


def read_flag(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise FieldRefused("Must be true or false.")
    return value


def one_of(*words: str) -> Reader:
    """Return the reader of one of these words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise FieldRefused(f"Must be one of: {', '.join(words)}.")
        return value

    return read


def read_time(value: Any) -> datetime:
    """Return an ISO 8601 time with an offset, in UTC."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
        if moment is None or moment.tzinfo is None or not 1970 <= moment.year <= 9000:
            raise ValueError
    except ValueError:
        raise FieldRefused("Must be an ISO 8601 time with an offset, such as 2026-01-31T08:00:00Z.") from None
    return moment.astimezone(UTC)


def read_object(value: Any) -> dict[str, Any]:
    """Return a JSON object that jsonb can hold."""
    if not isinstance(value, dict):
        raise FieldRefused("Must be an object.")
    if refusal := json_refusal(value):
        raise FieldRefused(refusal)
    return value


def read_part(readers: Mapping[str, Reader], required: tuple[str, ...]) -> Reader:
    """Return the reader of an object with fields of its own."""

    def read(value: Any) -> dict[str, Any]:
        try:
            return read_fields(value, readers, required)
        except BodyRefused as refusal:
            is_none = "body" in refusal.fields and not isinstance(value, dict)
            raise FieldRefused("Must be an object.", {} if is_none else refusal.fields) from None

    return read


def read_items(read_item: Reader, most: int) -> Reader:
    """Return the reader of a list; too many items are refused before any of them is looked at."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise FieldRefused("Must be a list.")
        if len(value) > most:
            raise FieldRefused(f"Must not hold more than {most} items.")
        items, wrong = [], Fields()
        for index, item in enumerate(value):
            try:
                items.append(read_item(item))
            except FieldRefused as refusal:
                wrong |= _placed(f"[{index}]", refusal)
        if wrong:
            raise FieldRefused("Holds wrong items.", wrong)
        return items

    return read
