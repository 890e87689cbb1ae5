"""Regular expressions: those of RE2, whose time grows with the text alone; DuckDB and Arrow run them as they are."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

MAX_PATTERN: Final = 1_000


def pattern_refusal(text: str) -> str:
    """Say why a text is no regular expression of RE2; empty when it is one."""
    if len(text) > MAX_PATTERN:
        return f"the pattern is longer than {MAX_PATTERN:,} characters"
    try:
        pc.match_substring_regex(pa.array([""]), pattern=text)
    except pa.ArrowInvalid as error:
        said = str(error).partition("\n")[0].removeprefix("Invalid regular expression: ")
        return f"the pattern cannot be read: {said[:120]} (references back and looking ahead are not supported)"
    return ""
