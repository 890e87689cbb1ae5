"""Read one cell of an imported file: text, number, time or JSON, as CSV spells it or as Parquet types it."""

import json
import re
import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

MAX_TEXT = 255
MAX_RANK = 2**31 - 1
MAX_JSON_CHARACTERS = 100_000
MAX_JSON_DEPTH = 20
SMALLEST_PART = Decimal("0.000001")
MAX_VALUE = Decimal(10) ** 14

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DAY_FIRST = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class RowRejected(ValueError):
    """The row cannot be recorded; the text says why."""


def read_text(value: object) -> str:
    """Return text as it stands: ids are opaque. Whole numbers and UUIDs of a typed file are written out."""
    if isinstance(value, int | uuid.UUID) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise RowRejected("must be text")
    if len(value) > MAX_TEXT:
        raise RowRejected(f"longer than {MAX_TEXT} characters")
    if not value.isprintable():
        _refuse_unprintable(value)
    if not value.strip():
        raise RowRejected("blank")
    return value


def _refuse_unprintable(value: str) -> None:
    """Refuse control characters and bytes that are no UTF-8; other separators are somebody's id."""
    for character in value:
        if character == "\0":
            raise RowRejected("contains a NUL character")
        if "\ud800" <= character <= "\udfff":
            raise RowRejected("is not valid UTF-8")
        if character < " " or "\x7f" <= character <= "\x9f":
            raise RowRejected(f"contains the control character U+{ord(character):04X}")


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise RowRejected("must be a number")
    text = str(value).strip()
    if len(text) > 60 or not _NUMBER.fullmatch(text):
        raise RowRejected("must be a number")
    return Decimal(text)


def read_rank(value: object) -> int:
    """Return a place in a list, counting from 1."""
    number = _number(value)
    if number != number.to_integral_value() or not 1 <= number <= MAX_RANK:
        raise RowRejected(f"must be a whole number from 1 to {MAX_RANK}")
    return int(number)


def read_money(value: object) -> Decimal:
    """Return an amount, rounded to the six decimals that the table keeps."""
    number = _number(value)
    if abs(number) >= MAX_VALUE:
        raise RowRejected("is too large")
    return number.quantize(SMALLEST_PART)


def read_time(value: object) -> datetime:
    """Return the time in UTC; one without offset is UTC already."""
    try:
        moment = _moment(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if not 1970 <= aware.year <= 9000:
            raise ValueError
    except ValueError:
        raise RowRejected("must be an ISO 8601 time such as 2026-01-31T08:00:00Z") from None
    return aware.astimezone(UTC)


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    if isinstance(value, str) and len(value) <= 40 and _DAY_FIRST.match(value.strip()):
        return datetime.fromisoformat(value.strip())
    raise ValueError


def read_json_object(value: object) -> str:
    """Return a JSON object as text that jsonb accepts."""
    try:
        parsed: Any = json.loads(value, parse_constant=_no_constant) if isinstance(value, str) else value
        if not isinstance(parsed, dict):
            raise RowRejected("must be a JSON object")
        _check_json(parsed, 0)
        text = json.dumps(parsed, ensure_ascii=False, allow_nan=False, default=str)
    except RecursionError:
        raise RowRejected("nests too deeply") from None
    except (ValueError, TypeError) as error:
        raise RowRejected(str(error) if isinstance(error, RowRejected) else "must be a JSON object") from None
    if len(text) > MAX_JSON_CHARACTERS:
        raise RowRejected(f"longer than {MAX_JSON_CHARACTERS} characters")
    return text


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _check_json(value: object, depth: int) -> None:
    """Refuse what PostgreSQL's jsonb cannot hold."""
    if depth > MAX_JSON_DEPTH:
        raise RowRejected("nests too deeply")
    if isinstance(value, str):
        _check_json_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_json(key, depth)
            _check_json(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_json(inner, depth + 1)


def _check_json_text(value: str) -> None:
    if "\0" in value:
        raise RowRejected("contains a NUL character")
    if not value.isprintable() and any("\ud800" <= character <= "\udfff" for character in value):
        raise RowRejected("is not valid UTF-8")
