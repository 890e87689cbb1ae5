"""Read one row of an imported file: pure, so that every kind of bad row is a line in a table of tests."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar

from interactions.decisions.cells import (
    RowRejected,
    read_json_object,
    read_money,
    read_rank,
    read_text,
    read_time,
)
from interactions.decisions.outcomes import Category, Direction

Value = TypeVar("Value")


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
    outcome = _required(fields, "outcome", read_text)
    meaning = outcomes.get(outcome)
    if meaning is None:
        raise RowRejected(f"outcome: there is no outcome type {outcome[:64]!r}")
    return ImportedRow(
        idempotency_key=_optional(fields, "idempotencyKey", read_text) or _content_key(line, fields),
        customer_id=_required(fields, "customerId", read_text),
        outcome=outcome,
        classification=meaning.classification,
        category=meaning.category,
        direction=_direction(fields, meaning),
        occurred_at=_required(fields, "timestamp", read_time),
        recommendation_id=_optional(fields, "recommendationId", read_text),
        rank=_optional(fields, "rank", read_rank),
        creative_id=_optional(fields, "creativeId", read_text),
        offer_id=_optional(fields, "offerId", read_text),
        channel_id=_optional(fields, "channelId", read_text),
        placement_id=_optional(fields, "placementId", read_text),
        conversion_value=_optional(fields, "conversionValue", read_money),
        context=_optional(fields, "context", read_json_object),
        outcome_details=_optional(fields, "outcomeDetails", read_json_object),
        attributes=_optional(fields, "attributes", read_json_object),
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
    given = _optional(fields, "direction", read_text)
    if given is None:
        return Direction.OUTBOUND if meaning.category == Category.IMPRESSION else Direction.INBOUND
    if given not in set(Direction):
        raise RowRejected("direction: must be inbound or outbound")
    return given
