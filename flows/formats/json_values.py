"""JSON as rows of text: numbers as they were written, what is nested as JSON again."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

DEEPEST: Final = 64
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKETS: Final = re.compile(r"[\[\]{}]")


class NoRecord(ValueError):
    """The text is no JSON object that a row can be made of; the message says why."""


class Number(str):
    """A number as it was written; no digit is lost."""

    __slots__ = ()


def record_of(text: str, null_values: list[str]) -> dict[str, str | None]:
    """Return a JSON object as a row of text. Raises NoRecord."""
    return row_of(value_of(text), null_values)


def value_of(text: str) -> Any:
    """Return a JSON value with its numbers as they were written. Raises NoRecord, also for what nests too deep."""
    if _is_deep(text):
        raise NoRecord(f"It is nested more than {DEEPEST} deep.")
    try:
        return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=_refuse, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise NoRecord(f"It is no JSON: {error.msg} at character {error.pos + 1}.") from None
    except RecursionError:
        raise NoRecord(f"It is nested more than {DEEPEST} deep.") from None


def row_of(value: Any, null_values: list[str]) -> dict[str, str | None]:
    """Return an object as a row. Raises NoRecord for any other value, and for NULs in text."""
    if not isinstance(value, Mapping):
        raise NoRecord("It is no JSON object.")
    row = {name: _text_of(item) for name, item in value.items()}
    for name, text in row.items():
        if text is not None and ("\x00" in text or _is_broken(text)):
            raise NoRecord(f"{name[:60]} holds a NUL or half a character, which no table takes.")
    return {name: None if text in null_values else text for name, text in row.items()}


def written(value: Any) -> str:
    """Return a value as JSON, its numbers as they were."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_quoted(name)}:{written(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(item) for item in value) + "]"
    return _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text_of(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else written(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NoRecord("It names a field more than once.")
    return found


def _refuse(name: str) -> Any:
    raise NoRecord(f"{name} is no number in JSON.")


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _is_deep(text: str) -> bool:
    """Tell whether brackets nest too deep; only a text with many of them is looked at closely."""
    if text.count("{") + text.count("[") <= DEEPEST:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            return True
    return False
