"""What runs inside the web server beside its requests, in one process of a replica: the ticker and the watcher."""

import atexit
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings

from kaireon.platform.budget import Budget
from kaireon.platform.cron_secrets import first_cron_secret
from kaireon.platform.http import operator_session
from kaireon.platform.loops import Loop, StopSignal
from triggers.services.folder_watch import FolderWatch
from triggers.services.one_of_many import OneOfMany
from triggers.services.releasing_files import release_files
from triggers.services.ticker import Ticker, ticker_name
from triggers.services.watcher import Watcher

logger = logging.getLogger(__name__)

# How long a replica goes without ticks when the process that ticked is killed.
TAKEOVER_SECONDS: Final = 2.0
STOP_SECONDS: Final = 2.0
# How often it is asked whether a held file's time has come, and how long one pass may take.
RELEASE_SECONDS: Final = 1.0
FAILED_SECONDS: Final = 5.0
RELEASE_BUDGET: Final = 20.0
RELEASE_LIMIT: Final = 500


class Clockwork:
    """Loops in threads of the one process that holds the lock; the others wait for it to end."""

    def __init__(self, *, lock: OneOfMany, loops: Callable[[], Sequence[Loop]], stopping: StopSignal) -> None:
        self._lock = lock
        self._loops = loops
        self._stopping = stopping
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin; returns at once. The threads end with the process."""
        atexit.register(self.stop)
        self._begin("clockwork", self._run)

    def stop(self) -> None:
        """Ask the threads to end, and give them a moment: one inside of a library must not meet a dying interpreter."""
        self._stopping.set()
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(STOP_SECONDS)
        self._lock.let_go()

    def _run(self) -> None:
        while not self._lock.take():
            if self._stopping.wait(TAKEOVER_SECONDS):
                return
        fields = {"event": "clockwork.started", "ticker": ticker_name()}
        logger.info("this process ticks and watches folders for its replica", extra=fields)
        for loop in self._loops():
            self._begin(loop.name, loop.keep_turning)

    def _begin(self, name: str, target: Callable[[], None]) -> None:
        self._threads.append(in_background(name, target))


def in_background(name: str, target: Callable[[], None]) -> threading.Thread:
    """Run something in a thread that ends with its process."""
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


def start_clockwork(*, clock: Callable[[], datetime]) -> Clockwork | None:
    """Tick and watch beside the requests of this process, if the settings say so; the web server alone calls this.

    Never from an app's `ready()`: commands, shells and tests would tick. None when it is off, or refused because
    CRON_SECRET is unset: then the route that it would call is closed too.
    """
    if not settings.FLOW_INTERNAL_SCHEDULER_ENABLED:
        logger.info("the scheduler does not tick by itself", extra={"event": "clockwork.off"})
        return None
    if not settings.CRON_SECRET.strip(" ,"):
        fields = {"event": "clockwork.refused"}
        logger.warning("CRON_SECRET is not set: the scheduler does not tick, and nothing fires", extra=fields)
        return None
    stopping = StopSignal()
    lock = OneOfMany(Path(settings.KAIREON_DATA_DIR), port=settings.PORT)
    clockwork = Clockwork(lock=lock, loops=lambda: _loops(stopping, clock), stopping=stopping)
    clockwork.start()
    return clockwork


def watching_loops(
    *, stopping: StopSignal, clock: Callable[[], datetime], can_use_inotify: bool = True
) -> tuple[Loop, Loop]:  # fmt: skip
    """Return what watches the folders of this machine, and what releases held files when their time has come.

    They stand apart: a store that does not answer when a held file is looked at again holds up no other file.
    """
    watch = FolderWatch(can_use_inotify=can_use_inotify)
    watcher = Watcher(watch=watch, stopping=stopping, clock=clock)
    return (
        Loop("watcher", watcher.step, pause=watcher.pause, drain=watcher.close, stopping=stopping),
        Loop("releaser", lambda: _release(clock), pause=lambda failed: _rest(stopping, failed), stopping=stopping),
    )


def _rest(stopping: StopSignal, has_failed: bool) -> None:
    # A database that is away fills no log with a trace a second.
    stopping.wait(FAILED_SECONDS if has_failed else RELEASE_SECONDS)


def _release(clock: Callable[[], datetime]) -> bool:
    return len(release_files(now=clock(), budget=Budget(RELEASE_BUDGET), limit=RELEASE_LIMIT)) >= RELEASE_LIMIT


def _loops(stopping: StopSignal, clock: Callable[[], datetime]) -> list[Loop]:
    return [_ticking(stopping), *watching_loops(stopping=stopping, clock=clock)]


def _ticking(stopping: StopSignal) -> Loop:
    ticker = Ticker(
        base_url=settings.FLOW_INTERNAL_SCHEDULER_BASE_URL, public_url=settings.PUBLIC_URL,
        interval=settings.FLOW_SCHEDULER_INTERVAL_MS / 1000, budget=settings.CRON_TICK_BUDGET_SECONDS,
        secret=lambda: first_cron_secret(settings.CRON_SECRET), session=operator_session(), stopping=stopping,
    )  # fmt: skip
    return Loop("ticker", ticker.step, pause=ticker.pause, stopping=stopping)
