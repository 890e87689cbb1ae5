"""The arithmetic of the audit chain: what an entry's hash covers, what changed, and where a chain breaks.

Every entry holds its predecessor's hash, so none can be changed, removed or slipped in without breaking the next.
The newest hash, kept outside the database, also proves that no entry was cut off the end.
"""

import hashlib
import json
import math
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

GENESIS: Final = "0" * 64
MAX_TEXT: Final = 4000
MAX_ITEMS: Final = 500
MAX_DEPTH: Final = 12
# From here on PostgreSQL's jsonb and Python write one number in two ways.
_EXPONENT_FROM: Final = 1e16
_UNSTORABLE: Final = re.compile("[\\x00\\ud800-\\udfff]")


@dataclass(frozen=True, slots=True)
class Content:
    """What an entry says, and therefore what its hash covers."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    sequence: int
    action: str
    entity_type: str
    entity_id: str
    entity_name: str
    entity_version: int | None
    before: Any
    after: Any
    changes: Any
    actor_kind: str
    user_id: uuid.UUID | None
    user_name: str
    request_id: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as it stands in the table: what it says, and the two hashes stored with it."""

    content: Content
    prev_hash: str
    integrity_hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of a chain; `EMPTY` is the head of a chain without entries."""

    sequence: int
    integrity_hash: str


@dataclass(frozen=True, slots=True)
class Break:
    """The first entry at which a chain does not hold, and why."""

    entry_id: uuid.UUID
    sequence: int
    timestamp: datetime
    reason: str


EMPTY: Final = Head(sequence=0, integrity_hash=GENESIS)


def entry_hash(prev_hash: str, content: Content) -> str:
    """Return the SHA-256 (hex) of the predecessor's hash and of the entry in one canonical form."""
    values = {field.name: getattr(content, field.name) for field in fields(content)}
    canonical = json.dumps(plain(values, is_bounded=False), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{prev_hash}\n{canonical}".encode()).hexdigest()


def find_break(head: Head, links: Iterable[Link]) -> tuple[Head, Break | None]:
    """Follow `links`, ascending, from `head`; return the last entry that holds and the first that does not."""
    for link in links:
        reason = _fault(head, link)
        if reason:
            content = link.content
            return head, Break(content.id, content.sequence, content.timestamp, reason)
        head = Head(link.content.sequence, link.integrity_hash)
    return head, None


def _fault(head: Head, link: Link) -> str:
    missing = link.content.sequence - head.sequence - 1
    if missing > 0:
        return f"{missing} entries before this one are missing."
    if missing < 0:
        return "This entry stands twice."
    if link.prev_hash != head.integrity_hash:
        return "This entry does not continue the one before it."
    if entry_hash(link.prev_hash, link.content) != link.integrity_hash:
        return "This entry was changed after it was written."
    return ""


def changed_fields(before: Any, after: Any) -> dict[str, dict[str, Any]]:
    """Return `{field: {"from": …, "to": …}}` for every top-level field that differs; a missing side is None."""
    old = before if isinstance(before, Mapping) else {}
    new = after if isinstance(after, Mapping) else {}
    names = [*old, *(name for name in new if name not in old)]
    return {str(name): {"from": old.get(name), "to": new.get(name)} for name in names if old.get(name) != new.get(name)}


def plain(value: Any, *, is_bounded: bool = True, depth: int = 0) -> Any:
    """Return `value` as JSON that jsonb gives back unchanged, so that its hash can be computed again from the table.

    NUL and lone surrogates become U+FFFD, NaN and infinities text; with `is_bounded`, long text, long lists and
    deep nesting are cut: an audit entry is no archive of payloads.
    """
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _plain_container(value, is_bounded=is_bounded, depth=depth)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _plain_number(value)
    return _plain_text(_in_words(value), is_bounded=is_bounded)


def _plain_container(value: Any, *, is_bounded: bool, depth: int) -> Any:
    if is_bounded and depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {
            _plain_text(str(key), is_bounded=is_bounded): plain(item, is_bounded=is_bounded, depth=depth + 1)
            for key, item in value.items()
        }
    items = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
    kept = items[:MAX_ITEMS] if is_bounded else items
    more = [f"… {len(items) - len(kept)} more"] if len(kept) < len(items) else []
    return [plain(item, is_bounded=is_bounded, depth=depth + 1) for item in kept] + more


def _plain_number(value: float) -> Any:
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return 0.0
    return int(value) if abs(value) >= _EXPONENT_FROM else value


def _plain_text(text: str, *, is_bounded: bool) -> str:
    kept = _UNSTORABLE.sub("\ufffd", text)
    if is_bounded and len(kept) > MAX_TEXT:
        return f"{kept[:MAX_TEXT]}… {len(kept) - MAX_TEXT} more characters"
    return kept


def _in_words(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, Enum):
        return str(value.value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)
