"""Read one row of an imported file: pure, so that every kind of bad row is a line in a table of tests."""

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeVar

from interactions.decisions.outcomes import Category, Direction

Value = TypeVar("Value")
MAX_TEXT = 255
MAX_RANK = 2**31 - 1
MAX_JSON_CHARACTERS = 100_000
MAX_JSON_DEPTH = 20
CENT = Decimal("0.000001")
MAX_VALUE = Decimal(10) ** 14

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DAY_FIRST = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class RowRejected(ValueError):
    """The row cannot be recorded; the text names the column and says why."""


class HeaderRejected(ValueError):
    """The file's columns are not those of interactions; the text says which."""


class Unreadable:
    """Stands for a value that the file's reader could not decode."""


class ImportedRow(NamedTuple):
    """One interaction, ready for the table; times are UTC and JSON is text."""

    idempotency_key: str
    customer_id: str
    outcome: str
    classification: str
    category: str
    direction: str
    occurred_at: datetime
    recommendation_id: str | None
    rank: int | None
    creative_id: str | None
    offer_id: str | None
    channel_id: str | None
    placement_id: str | None
    conversion_value: Decimal | None
    context: str | None
    outcome_details: str | None
    attributes: str | None


@dataclass(frozen=True, slots=True)
class OutcomeMeaning:
    """What an outcome key means for the metrics."""

    classification: str
    category: str


COLUMNS = (
    "customerId", "outcome", "timestamp", "idempotencyKey", "recommendationId", "rank", "creativeId", "offerId",
    "channelId", "placementId", "direction", "conversionValue", "context", "outcomeDetails", "attributes",
)  # fmt: skip
REQUIRED = ("customerId", "outcome", "timestamp")


def resolve_header(names: Sequence[str]) -> list[str]:
    """Return the wire name of each column, taking `customer_id` for `customerId`.

    Raises HeaderRejected for no columns, unknown, repeated or missing ones.
    """
    if not any(name.strip() for name in names):
        raise HeaderRejected("The file has no header.")
    spellings = {re.sub("([A-Z])", r"_\1", column).lower(): column for column in COLUMNS}
    resolved = [spellings.get(name.strip(), name.strip()) for name in names]
    if unknown := [name for name in resolved if name not in COLUMNS]:
        raise HeaderRejected(f"Unknown columns {_quoted(unknown)}; there are {', '.join(COLUMNS)}.")
    if repeated := sorted({name for name in resolved if resolved.count(name) > 1}):
        raise HeaderRejected(f"Columns given more than once: {_quoted(repeated)}.")
    if missing := [name for name in REQUIRED if name not in resolved]:
        raise HeaderRejected(f"Missing columns: {_quoted(missing)}.")
    return resolved


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:60]) for name in names[:10])


def parse_row(line: int, fields: Mapping[str, object], outcomes: Mapping[str, OutcomeMeaning]) -> ImportedRow:
    """Return the interaction that the fields of a row say, by wire name. Raises RowRejected.

    A row without idempotency key gets one made of its line and content, so that importing the same file again adds
    nothing.
    """
    outcome = _required(fields, "outcome", _text)
    meaning = outcomes.get(outcome)
    if meaning is None:
        raise RowRejected(f"outcome: there is no outcome type {outcome[:64]!r}")
    return ImportedRow(
        idempotency_key=_optional(fields, "idempotencyKey", _text) or _content_key(line, fields),
        customer_id=_required(fields, "customerId", _text),
        outcome=outcome,
        classification=meaning.classification,
        category=meaning.category,
        direction=_direction(fields, meaning),
        occurred_at=_required(fields, "timestamp", _time),
        recommendation_id=_optional(fields, "recommendationId", _text),
        rank=_optional(fields, "rank", _rank),
        creative_id=_optional(fields, "creativeId", _text),
        offer_id=_optional(fields, "offerId", _text),
        channel_id=_optional(fields, "channelId", _text),
        placement_id=_optional(fields, "placementId", _text),
        conversion_value=_optional(fields, "conversionValue", _money),
        context=_optional(fields, "context", _json_object),
        outcome_details=_optional(fields, "outcomeDetails", _json_object),
        attributes=_optional(fields, "attributes", _json_object),
    )


def _optional(fields: Mapping[str, object], name: str, read: Callable[[object], Value]) -> Value | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, Unreadable):
        raise RowRejected(f"{name}: cannot be read")
    try:
        return read(value)
    except RowRejected as error:
        raise RowRejected(f"{name}: {error}") from None


def _required(fields: Mapping[str, object], name: str, read: Callable[[object], Value]) -> Value:
    value = _optional(fields, name, read)
    if value is None:
        raise RowRejected(f"{name}: missing")
    return value


def _content_key(line: int, fields: Mapping[str, object]) -> str:
    content = repr((line, sorted((name, str(value)) for name, value in fields.items())))
    return "import:" + hashlib.sha256(content.encode("utf-8", "backslashreplace")).hexdigest()


def _direction(fields: Mapping[str, object], meaning: OutcomeMeaning) -> str:
    given = _optional(fields, "direction", _text)
    if given is None:
        return Direction.OUTBOUND if meaning.category == Category.IMPRESSION else Direction.INBOUND
    if given not in set(Direction):
        raise RowRejected("direction: must be inbound or outbound")
    return given


def _text(value: object) -> str:
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


def _rank(value: object) -> int:
    number = _number(value)
    if number != number.to_integral_value() or not 1 <= number <= MAX_RANK:
        raise RowRejected(f"must be a whole number from 1 to {MAX_RANK}")
    return int(number)


def _money(value: object) -> Decimal:
    number = _number(value)
    if abs(number) >= MAX_VALUE:
        raise RowRejected("is too large")
    try:
        return number.quantize(CENT)
    except InvalidOperation:
        raise RowRejected("is too large") from None


def _time(value: object) -> datetime:
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


def _json_object(value: object) -> str:
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
    if isinstance(value, str) and not value.isprintable():
        if "\0" in value:
            raise RowRejected("contains a NUL character")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise RowRejected("is not valid UTF-8")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_json(key, depth)
            _check_json(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_json(inner, depth + 1)
