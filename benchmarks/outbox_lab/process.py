"""The publisher's process as `manage.py outbox_publisher` makes it, around a back end of the benchmark's choice."""

import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection

from kaireon.environment import data_folder
from kaireon.platform.env import MountedSecretsEnv
from kaireon.platform.loops import Loop, StopSignal
from outbox.decisions.outcomes import SENT, Outcome
from outbox.publishers.base import Event, Publisher, TimeLeft
from outbox.publishers.registry import make_publisher
from outbox.tier.publisher import PublisherTier, is_transient
from outbox.tier.settings import TierSettings
from outbox.tier.wakeup import Bell, listening_session


class NoPublisher:
    """A back end that takes everything and keeps nothing."""

    name = "nowhere"

    def publish(self, events: Sequence[Event], time_left: TimeLeft) -> Sequence[Outcome]:
        """Say that all were sent."""
        return [SENT] * len(events)

    def close(self) -> None:
        """Do nothing."""


def kafka_publisher(address: str) -> Publisher:
    """Return the back end that an operator gets with EVENT_PUBLISHER=kafka."""
    os.environ |= {"EVENT_PUBLISHER": "kafka", "KAFKA_BOOTSTRAP_SERVERS": address}
    return make_publisher(MountedSecretsEnv(), data_folder())


def make_loop(publisher: Publisher, *, batch: int, history_hours: int) -> tuple[Loop, PublisherTier]:
    """Return the loop and its tier, with the first housekeeping done: tables are there, the process is on the list."""
    stopping = StopSignal()
    liveness_file = Path(tempfile.gettempdir()) / f"kaireon-bench-{os.getpid()}.alive"
    settings = TierSettings(batch_size=batch, history_hours=history_hours, liveness_file=liveness_file, metrics_port=0)
    bell = Bell(lambda: listening_session("", connection.get_connection_params()))
    tier = PublisherTier(publisher=publisher, settings=settings, bell=bell, stopping=stopping)
    tier.housekeeping.run(datetime.now(UTC))
    loop = Loop(
        "outbox-publisher", tier.step, idle_seconds=settings.poll_seconds, liveness_file=liveness_file,
        drain=tier.drain, pause=tier.pause, is_transient=is_transient, stopping=stopping,
    )  # fmt: skip
    return loop, tier
