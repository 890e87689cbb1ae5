"""A process that publishes with the real tier to nowhere and notes when it was asked to publish each event.

Run as `python -m benchmarks.outbox_lab.noting`; a line on its input ends it and brings the answer: a list of
`[event id, nanoseconds of the machine's monotonic clock]`.
"""

import json
import sys
import threading
import time
from collections.abc import Sequence

from benchmarks.outbox_lab import started  # noqa: F401 - sets Django up for the imports below
from benchmarks.outbox_lab.process import NoPublisher, make_loop
from benchmarks.peers.protocol import await_start
from kaireon.platform.loops import Loop
from outbox.decisions.outcomes import Outcome
from outbox.publishers.base import Event, TimeLeft
from outbox.tier.settings import TierSettings


class Noting(NoPublisher):
    """Notes the time before it takes the events."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, int]] = []

    def publish(self, events: Sequence[Event], time_left: TimeLeft) -> Sequence[Outcome]:
        """Note now for each."""
        now = time.perf_counter_ns()
        self.notes.extend((event.id, now) for event in events)
        return super().publish(events, time_left)


def main() -> None:
    """Run the loop until told to stop."""
    publisher, defaults = Noting(), TierSettings()
    loop, _ = make_loop(publisher, batch=defaults.batch_size, history_hours=defaults.history_hours)
    await_start()
    threading.Thread(target=_stop_on_a_line, args=[loop], daemon=True).start()
    loop.run()
    print(json.dumps(publisher.notes), flush=True)
    sys.stdin.readline()


def _stop_on_a_line(loop: Loop) -> None:
    sys.stdin.readline()
    loop.stopping.set()


if __name__ == "__main__":
    main()
