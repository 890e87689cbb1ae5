"""When a claimed event counts as stuck: the reaper's threshold."""

from typing import Final

DEFAULT_STALENESS_SECONDS: Final = 300
# A year: nothing is waited for longer, and times stay within what a date can hold.
LONGEST_STALENESS_SECONDS: Final = 366 * 24 * 3600


def read_staleness(text: str) -> int | None:
    """Return the seconds that the text says, the default for an empty one, or None for no positive whole number.

    Source: `seeds/outbox-publisher.txt`, where what is invalid or not positive falls back to the default.
    """
    word = text.strip()
    if not word:
        return DEFAULT_STALENESS_SECONDS
    if not (word.isascii() and word.isdigit() and len(word) <= 9):
        return None
    return int(word) if 0 < int(word) <= LONGEST_STALENESS_SECONDS else None
