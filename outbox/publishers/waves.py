"""Which events of a batch may be under way at the same time without risking the order of a key."""

from collections.abc import Iterable, Sequence

from outbox.decisions.outcomes import NOT_SENT, Outcome, Sent
from outbox.publishers.base import Event


class Waves:
    """Deal a batch out in waves; what became of one wave decides who goes with the next.

    A wave holds one event of a key at most: two in one call could be swapped when the first is refused. Where the
    back end itself keeps a run of events in line (one partition of one topic), `runs` lets the whole run go.
    """

    def __init__(self, events: Sequence[Event], places: Sequence[int] | None = None) -> None:
        self._events = events
        self._waiting = list(range(len(events)) if places is None else places)
        self._failed: set[tuple[str, str]] = set()

    def take(self, most: int, *, runs: bool = False) -> list[int]:
        """Return the places of the next wave, in order; empty when nothing may go any more."""
        if runs and not self._failed and len(self._waiting) <= most and self._is_one_run():
            wave, self._waiting = self._waiting, []
            return wave
        wave, later = [], []
        topics: dict[tuple[str, str], str] = {}
        for position, place in enumerate(self._waiting):
            if len(wave) == most:
                later.extend(self._waiting[position:])
                break
            event = self._events[place]
            key = (event.tenant_id, event.key)
            if key in self._failed:
                continue
            if key not in topics or (runs and topics[key] == event.topic):
                topics[key] = event.topic
                wave.append(place)
            else:
                topics[key] = ""
                later.append(place)
        self._waiting = later
        return wave

    def _is_one_run(self) -> bool:
        """Tell whether no key goes through more than one topic: what nearly every batch is."""
        waiting = [self._events[place] for place in self._waiting]
        if len({event.topic for event in waiting}) == 1:
            return True
        keys = {(event.tenant_id, event.key) for event in waiting}
        return len({(event.tenant_id, event.key, event.topic) for event in waiting}) == len(keys)

    def again(self, places: Iterable[int]) -> None:
        """Let these go with a later wave, before whoever of their keys waits behind them."""
        self._waiting = sorted([*places, *self._waiting])

    def fail(self, place: int) -> None:
        """Let nobody of this event's key go any more."""
        event = self._events[place]
        self._failed.add((event.tenant_id, event.key))


def keep_order(events: Sequence[Event], outcomes: Sequence[Outcome | None]) -> list[Outcome]:
    """Return the outcomes as the tier may take them: behind one that is not Sent, everything of its key is NotSent."""
    stopped: set[tuple[str, str]] = set()
    kept: list[Outcome] = []
    for event, outcome in zip(events, outcomes, strict=True):
        key = (event.tenant_id, event.key)
        if key in stopped or outcome is None:
            kept.append(NOT_SENT)
        else:
            kept.append(outcome)
        if not isinstance(outcome, Sent):
            stopped.add(key)
    return kept
