"""Which of a folder's files which trigger waits for."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from flows.ir.sources import Pattern
from flows.storage.base import StoredFile
from flows.storage.patterns import AnyPattern, PatternRefused, matching
from triggers.models import FileTrigger

NO_PATTERN: Final = "The trigger's pattern cannot be read; save the pipeline again."
_PATTERNS: TypeAdapter[AnyPattern] = TypeAdapter(Pattern)


def read_pattern(saved: Any) -> AnyPattern:
    """Return a pattern as a trigger's row keeps it. Raises PatternRefused for what is none, as of an older release."""
    try:
        return _PATTERNS.validate_python(saved)
    except ValidationError:
        raise PatternRefused(NO_PATTERN) from None


def files_by_trigger(
    triggers: Iterable[FileTrigger], files: Sequence[StoredFile], *, now: datetime
) -> list[tuple[FileTrigger, list[StoredFile]]]:
    """Return the triggers that wait for any of a folder's files, each with these, by name.

    Date templates are read at `now`. Triggers with the same pattern cost one look.
    """
    alike: dict[str, list[FileTrigger]] = defaultdict(list)
    for trigger in triggers:
        alike[json.dumps(trigger.pattern, sort_keys=True)].append(trigger)
    names = [file.name for file in files]
    found = []
    for same in alike.values():
        wanted = _matching(same[0], names, now)
        chosen = sorted((file for file, is_wanted in zip(files, wanted, strict=True) if is_wanted), key=_by_name)
        found += [(trigger, chosen) for trigger in same if chosen]
    return found


def _matching(trigger: FileTrigger, names: Sequence[str], now: datetime) -> list[bool]:
    try:
        return matching(read_pattern(trigger.pattern), names, now=now)
    except PatternRefused:
        # It was refused when it was saved; one of an older release stops nobody else.
        return [False] * len(names)


def _by_name(file: StoredFile) -> tuple[str, str]:
    return (file.name, file.key)
