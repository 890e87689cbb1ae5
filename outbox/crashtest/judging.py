"""What the crash test finds: each event that was committed, against what the back end holds of it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from outbox.crashtest.places import Place

NO_KILL: Final = "in flight at no kill"


class Written(NamedTuple):
    """An event whose transaction committed: the `number`-th of its key."""

    key: str
    number: int
    payload: Mapping[str, Any]


class Delivered(NamedTuple):
    """An event as it was read back; `content` is what must be the same when it comes twice."""

    event_id: str
    key: str
    payload: Mapping[str, Any]
    content: str


@dataclass(frozen=True, slots=True)
class Kill:
    """A publisher that was killed, and the ids of the events that it held at that moment."""

    place: Place
    in_flight: frozenset[str]


@dataclass(slots=True)
class Row:
    """The counts of one place: of the events that were in flight at its kills, or at none."""

    name: str
    kills: int = 0
    events: int = 0
    published: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    stuck: int = 0


@dataclass(slots=True)
class Verdict:
    """The rows, and what no kill explains.

    `unexplained`: deliveries beyond one for the event itself and one for each kill at which it was in flight, as far
    as they are not excused.
    `altered`: with other content than was written, or than before. `phantoms`: of transactions that never committed.
    """

    rows: list[Row] = field(default_factory=list)
    unexplained: int = 0
    altered: int = 0
    phantoms: int = 0

    @property
    def total(self) -> Row:
        """Return the sums of all rows."""
        return Row("total", *(sum(getattr(row, name) for row in self.rows) for name in COUNTS))

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing was lost, swapped, stuck, altered or sent without a reason."""
        total = self.total
        faults = (total.lost, total.out_of_order, total.stuck, self.unexplained, self.altered, self.phantoms)
        return not any(faults)


COUNTS: Final = ("kills", "events", "published", "lost", "duplicated", "out_of_order", "stuck")


def judge(
    *,
    written: Mapping[str, Written],
    doubtful: Collection[str],
    delivered: Iterable[Delivered],
    kills: Sequence[Kill],
    left: Collection[str],
    excused: int = 0,
) -> Verdict:
    """Count what became of the events; each stands in the row of the last kill that it was in flight at.

    `doubtful` are events whose commit was not answered: they may be there or not. `left` are events that still have
    a row. `delivered` is in the back end's order, which counts within a key. `excused` is how many events were
    published again because a publisher that lived took longer than its lease.
    """
    rows = {name: Row(name) for name in [*Place, NO_KILL]}
    places, held = _in_flight(kills, rows)
    verdict = Verdict(list(rows.values()))
    by_key = _deliveries(delivered, written, doubtful, verdict)
    times = Counter(event_id for line in by_key.values() for event_id in line)
    for line in by_key.values():
        for event_id in _out_of_order(line, written, held):
            rows[places.get(event_id, NO_KILL)].out_of_order += 1
    for event_id in written:
        row, count = rows[places.get(event_id, NO_KILL)], times[event_id]
        row.events += 1
        row.published += count > 0
        row.duplicated += count > 1
        row.stuck += event_id in left
        row.lost += count == 0 and event_id not in left
        verdict.unexplained += max(0, count - 1 - len(held.get(event_id, ())))
    verdict.unexplained = max(0, verdict.unexplained - excused)
    return verdict


def _in_flight(kills: Sequence[Kill], rows: Mapping[str, Row]) -> tuple[dict[str, str], defaultdict[str, set[int]]]:
    """Count the kills; return the last place at which each event was in flight, and the numbers of all its kills."""
    places: dict[str, str] = {}
    held: defaultdict[str, set[int]] = defaultdict(set)
    for number, kill in enumerate(kills):
        rows[kill.place].kills += 1
        for event_id in kill.in_flight:
            places[event_id] = kill.place
            held[event_id].add(number)
    return places, held


def _deliveries(
    delivered: Iterable[Delivered], written: Mapping[str, Written], doubtful: Collection[str], verdict: Verdict
) -> dict[str, list[str]]:
    """Return the ids as they came, by key; count what is not as it was written."""
    by_key: defaultdict[str, list[str]] = defaultdict(list)
    contents: dict[str, str] = {}
    for event in delivered:
        known = written.get(event.event_id)
        if known is None:
            verdict.phantoms += event.event_id not in doubtful
            continue
        is_same = contents.setdefault(event.event_id, event.content) == event.content
        verdict.altered += not (is_same and event.key == known.key and event.payload == known.payload)
        by_key[known.key].append(event.event_id)
    return by_key


def _out_of_order(
    line: Sequence[str], written: Mapping[str, Written], held: Mapping[str, Collection[int]]
) -> Iterable[str]:
    """Yield the events of one key that came in the wrong place.

    First deliveries must count up. One that comes again may step back only behind events that were in flight at the
    same kill: whoever else published a later one did so while the earlier one was not settled.
    """
    highest, seen = 0, dict[str, int]()
    for place, event_id in enumerate(line):
        number = written[event_id].number
        if event_id not in seen:
            if number < highest:
                yield event_id
            highest = max(highest, number)
        elif any(
            written[between].number > number and not (set(held.get(between, ())) & set(held.get(event_id, ())))
            for between in line[seen[event_id] + 1 : place]
        ):
            yield event_id
        seen[event_id] = place
