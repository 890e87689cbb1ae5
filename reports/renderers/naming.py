"""Names of files that every system, mail client and header takes: ASCII letters, digits and hyphens, and the date."""

import re
import unicodedata
from typing import Final
from zoneinfo import ZoneInfo

from reports.decisions.document import Document
from reports.renderers.cells import localised

_LONGEST: Final = 80
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.ASCII)
_LETTERS: Final = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "đ": "d", "ł": "l", "œ": "oe", "þ": "th", "ı": "i"})


def stem_of(text: str) -> str:
    """Return a name for a file from a text of any script; `report` when nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    words = re.sub(r"[^a-z0-9]+", "-", "".join(sign for sign in plain if not unicodedata.combining(sign)))
    stem = words.strip("-")[:_LONGEST].strip("-") or "report"
    return f"report-{stem}" if _RESERVED.fullmatch(stem) else stem


def file_name(document: Document, extension: str, section_id: str = "") -> str:
    """Return the name of the document's file: title, section if it is one alone, and the day on which it was made.

    The day is that of the document's zone.
    """
    day = localised(document.generated_at, ZoneInfo(document.zone))
    parts = [stem_of(document.title), *([stem_of(section_id)] if section_id else []), f"{day:%Y-%m-%d}"]
    return f"{'-'.join(parts)}.{extension}"
