"""What text and JSON may not hold, and how a refusal says so. Pure: for serializers and for decisions alike."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

MAX_JSON_DEPTH: Final = 20
LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
# Line and paragraph separators break a mail header as a line feed does; direction overrides make text lie.
REFUSED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
REFUSED_IN_LINES: Final = re.compile(REFUSED.pattern.replace(r"\x00-\x1f", r"\x00-\x08\x0b\x0c\x0e-\x1f"))


def text_refusal(text: str, *, multiline: bool = False) -> str:
    """Say why a text cannot be taken: control characters, lone surrogates, direction overrides; empty when it can."""
    if text.isascii() and text.isprintable():
        return ""
    found = (REFUSED_IN_LINES if multiline else REFUSED).search(text)
    if found is None:
        return ""
    if LONE_SURROGATE.match(found[0]):
        return "Must not contain lone surrogates."
    return f"Must not contain the control character U+{ord(found[0]):04X}."


def json_refusal(value: Any, depth: int = 0) -> str:
    """Say why PostgreSQL's jsonb cannot hold a value (1e400 reads as infinity), or that it nests too deeply."""
    if depth > MAX_JSON_DEPTH:
        return f"Must not nest deeper than {MAX_JSON_DEPTH} levels."
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if refusal := _scalar_refusal(key) or json_refusal(inner, depth + 1):
                return refusal
    elif isinstance(value, list):
        for inner in value:
            if refusal := json_refusal(inner, depth + 1):
                return refusal
    else:
        return _scalar_refusal(value)
    return ""


def _scalar_refusal(value: Any) -> str:
    if isinstance(value, str):
        if not value.isascii() or "\0" in value:
            return "Must not contain NUL or lone surrogates." if "\0" in value or LONE_SURROGATE.search(value) else ""
    elif isinstance(value, float) and not math.isfinite(value):
        return "Must not contain numbers beyond a double's range."
    return ""
