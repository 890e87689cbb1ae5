"""How long a failing event waits: 1 s doubling to 300 s, with jitter."""

from typing import Final

BACKOFF_FIRST_SECONDS: Final = 1.0
BACKOFF_CAP_SECONDS: Final = 300.0
# Beyond this power of two the cap has long been reached; larger ones overflow a float.
_MOST_DOUBLINGS: Final = 30
JITTER: Final = 0.2


def backoff_seconds(attempts: int, spread: float) -> float:
    """Return the wait after the `attempts`-th failure (1-based); `spread` in [-1, 1] moves it by up to a fifth.

    The jitter keeps events that failed together from coming back together. It never exceeds the cap by more than
    that fifth. Source: the wire contract, 1 s doubling to 300 s.
    """
    doublings = min(max(attempts, 1) - 1, _MOST_DOUBLINGS)
    wait = min(BACKOFF_FIRST_SECONDS * float(1 << doublings), BACKOFF_CAP_SECONDS)
    return wait * (1 + JITTER * max(-1.0, min(1.0, spread)))
