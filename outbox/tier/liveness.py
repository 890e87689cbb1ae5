"""The liveness file: its age tells a probe that the loop turns."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from kaireon.platform.telemetry.services import log_failure

logger = logging.getLogger(__name__)
Done = TypeVar("Done")


class LivenessFile:
    """Touch the file before each step. One that cannot be written any more is told once and stops nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._is_lost = False

    def before(self, step: Callable[[], Done]) -> Callable[[], Done]:
        """Return `step` with a touch before it."""

        def touched() -> Done:
            self.touch()
            return step()

        return touched

    def touch(self) -> None:
        """Make the file as young as now."""
        if self._path is None:
            return
        try:
            self._path.touch()
            self._is_lost = False
        except OSError as error:
            if not self._is_lost:
                log_failure(logger, "liveness file not writable", error, event="outbox.liveness_lost")
            self._is_lost = True
