"""The process that is killed: the publisher tier as `manage.py outbox_publisher` runs it, on a line to the test."""

import os
import uuid
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Final

from django.conf import settings
from django.db import connection

from kaireon.platform.env import MountedSecretsEnv
from kaireon.platform.loops import Loop, StopSignal
from outbox.crashtest.places import Step
from outbox.decisions.outcomes import Outcome
from outbox.publishers.base import Event, Publisher, TimeLeft
from outbox.publishers.registry import make_publisher
from outbox.tier.publisher import PublisherTier, is_transient
from outbox.tier.settings import TierSettings
from outbox.tier.wakeup import Bell, listening_session

# What the child says beside its steps, and what it is told.
HELD: Final = b"!"
GO_ON: Final = b"g"
_STEPS: Final = {
    "claimed": Step.CLAIMED,
    "published": Step.PUBLISHED,
    "settling": Step.SETTLING,
    "settled": Step.SETTLED,
}


class Line:
    """The child's end: it tells each step, and stops at the one that it was told to stop at."""

    def __init__(self, line: Connection, stopping: StopSignal) -> None:
        self._line = line
        self._stopping = stopping
        self._gate = b""

    def hello(self, publisher_id: uuid.UUID) -> None:
        """Tell under which id the publisher claims."""
        self._line.send_bytes(publisher_id.bytes)

    def reached(self, boundary: str) -> None:
        """Tell a boundary of the tier."""
        self.tell(_STEPS[boundary])

    def tell(self, step: Step) -> None:
        """Tell a step, and wait here when this is the gate. Without anybody on the line stop in good order."""
        try:
            self._line.send_bytes(step.encode())
            while self._line.poll(0):
                self._gate = self._line.recv_bytes()
            if self._gate == step.encode():
                self._line.send_bytes(HELD)
                self._gate = self._line.recv_bytes()
        except (OSError, EOFError):
            self._gate = b""
            self._stopping.set()


class ToldPublisher:
    """A back end that tells when a batch sets out."""

    def __init__(self, publisher: Publisher, line: Line) -> None:
        self.name = publisher.name
        self._publisher = publisher
        self._line = line

    def publish(self, events: Sequence[Event], time_left: TimeLeft) -> Sequence[Outcome]:
        """Publish."""
        self._line.tell(Step.PUBLISHING)
        return self._publisher.publish(events, time_left)

    def close(self) -> None:
        """Let go of the back end."""
        self._publisher.close()


def run_publisher(line: Connection, tenant_id: uuid.UUID, environment: Mapping[str, str], log_file: str) -> None:
    """Publish the tenant's events until stopped or killed; standard error goes to the file."""
    log = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 2)
    os.environ.update(environment)
    env, stopping = MountedSecretsEnv(), StopSignal()
    told, tier_settings = Line(line, stopping), TierSettings.from_environment(env)
    url = env.secret("OUTBOX_LISTEN_URL")
    tier = PublisherTier(
        publisher=ToldPublisher(make_publisher(env, settings.KAIREON_DATA_DIR), told), settings=tier_settings,
        bell=Bell(lambda: listening_session(url, connection.get_connection_params())), stopping=stopping,
        only_tenant=tenant_id, reached=told.reached,
    )  # fmt: skip
    told.hello(tier.id)
    loop = Loop(
        "outbox-publisher", tier.step, idle_seconds=tier_settings.poll_seconds, drain=tier.drain, pause=tier.pause,
        is_transient=is_transient, failure_message="outbox-publisher tick failed", stopping=stopping,
    )  # fmt: skip
    raise SystemExit(loop.run())
