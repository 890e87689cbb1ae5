"""How long the tier leaves a back end alone that does not answer: 1 s doubling to 10 s, with jitter."""

from typing import Final

FIRST_SECONDS: Final = 1.0
# Below the time after which a publisher without a heartbeat counts as dead.
LONGEST_SECONDS: Final = 10.0
JITTER: Final = 0.2
_MOST_DOUBLINGS: Final = 10


def breaker_seconds(failures: int, spread: float) -> float:
    """Return the wait after the `failures`-th refusal in a row (1-based); `spread` in [-1, 1] is the jitter.

    It only shortens: the longest wait is a promise to those who watch the heartbeat.
    """
    doublings = min(max(failures, 1) - 1, _MOST_DOUBLINGS)
    wait = min(FIRST_SECONDS * float(1 << doublings), LONGEST_SECONDS)
    return wait * (1 - JITTER * abs(max(-1.0, min(1.0, spread))))
