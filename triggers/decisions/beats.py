"""When the web server ticks: on a grid of the clock, so that nothing drifts, and sooner after a failure."""

from typing import Final

RETRY_SECONDS: Final = 10.0
# A wait may end a little early; the same beat is not taken twice for that.
TOO_NEAR: Final = 0.1


def seconds_to_beat(at: float, *, interval: float, offset: float, has_failed: bool = False) -> float:
    """Return the seconds from `at` (since the epoch) to the next beat, never more than 1.1 times `interval`.

    Beats are at multiples of `interval` since the epoch plus `offset`: with a minute, what is due at nine begins at
    nine. After a failure the next try comes after RETRY_SECONDS at the latest.
    """
    wait = interval - (at - offset) % interval
    if wait < interval * TOO_NEAR:
        wait += interval
    return min(wait, RETRY_SECONDS) if has_failed else wait
