"""What a backfill does about each occurrence of its range, pure."""

from enum import StrEnum
from typing import Final

from triggers.decisions.vocabulary import Outcome

# More than that is no slip of the hand any more, and nobody reads the list of it.
MOST_BACKFILLED: Final = 500


class BackfillState(StrEnum):
    """What becomes of an occurrence."""

    # Of a dry run.
    WOULD_RUN = "would_run"
    DISPATCHED = "dispatched"
    # The schedule fired it: its run failed, perhaps, and is tried again there.
    ALREADY_RAN = "already_ran"
    ALREADY_BACKFILLED = "already_backfilled"
    # Jitter holds it; its run comes by itself.
    HELD = "held"


def state_of_known(*, scheduled: Outcome | None, is_backfilled: bool) -> BackfillState | None:
    """Return why an occurrence is left alone, by what the ledger has of it; None when it is to run.

    One that another run stood for, that was missed, skipped or paused has no run of its own, and gets one.
    """
    if is_backfilled:
        return BackfillState.ALREADY_BACKFILLED
    if scheduled is Outcome.FIRED:
        return BackfillState.ALREADY_RAN
    return BackfillState.HELD if scheduled is Outcome.HELD else None
