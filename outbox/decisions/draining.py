"""When a backlog will have drained."""


def drain_seconds(ahead: int, rate: float) -> float | None:
    """Return the seconds until `ahead` events have left at `rate` per second; None when nothing leaves."""
    if ahead == 0:
        return 0.0
    return ahead / rate if rate > 0 else None
