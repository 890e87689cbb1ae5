"""`manage.py run_worker`: run pipelines, make reports, deliver messages that wait, all day long."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from alerts.services import settle_transitions
from flows.executors.sweeping import sweep_or_work
from kaireon.platform.budget import Budget
from kaireon.platform.commands import plain_errors
from kaireon.platform.loops import EXIT_OK, Loop
from kaireon.platform.notifications.services import deliver_due
from reports.services import settle_runs, work_off_runs

MESSAGES, REPORTS, FLOWS = "messages", "reports", "flows"
STEP_SECONDS = 20.0
# Then it is the messages' turn again: a long queue of reports, or of pipelines, holds up no retry.
REPORT_SECONDS = 10.0
FLOW_SECONDS = 10.0
IsEnding = Callable[[], bool]


class Command(BaseCommand):
    """Run pipelines, make queued reports, and deliver messages as they fall due: retries, and what a tick left."""

    help = (
        "Run pipelines, make queued reports and deliver waiting messages until stopped. "
        "Example: manage.py run_worker --only flows --idle-seconds 1; --once for one pass"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --only, --once, --idle-seconds and --liveness-file."""
        parser.add_argument(
            "--only", type=_parts, default=tuple(PARTS), metavar="PART,…",
            help=f"of {', '.join(PARTS)}: a run of an hour holds up what the same process has to do besides",
        )  # fmt: skip
        parser.add_argument("--once", action="store_true", help="one pass over what is due, then exit")
        parser.add_argument("--idle-seconds", type=float, default=1.0, help="wait after a pass that found nothing")
        parser.add_argument("--liveness-file", type=Path, help="touched before every pass, for a probe")

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        """Run the loop; exit 3 after 30 consecutive failures that are not the database's absence."""
        only = options["only"]
        if options["once"]:
            step(only)
            return
        liveness = options["liveness_file"]

        def is_ending() -> bool:
            # Asked every second in the middle of a run: what takes an hour is alive all the while.
            if liveness is not None:
                liveness.touch()
            return loop.stopping.is_set()

        loop = Loop(
            "worker", lambda: step(only, is_ending), idle_seconds=options["idle_seconds"], liveness_file=liveness
        )
        code = loop.run()
        if code != EXIT_OK:
            raise SystemExit(code)


def _never() -> bool:
    return False


def _messages(is_ending: IsEnding) -> bool:
    """Deliver what is due and settle what became of firings."""
    sent = deliver_due(now=timezone.now(), budget=Budget(STEP_SECONDS))
    if sent.did_work:
        settle_transitions(now=timezone.now())
    return sent.did_work


def _reports(is_ending: IsEnding) -> bool:
    """Settle what became of reports, and make queued ones."""
    settled = settle_runs(now=timezone.now())
    made = work_off_runs(now=timezone.now(), budget=Budget(REPORT_SECONDS))
    return bool(settled or made)


def _flows(is_ending: IsEnding) -> bool:
    """Run pipelines; a run goes back to the queue when the worker is to end."""
    return bool(sweep_or_work(now=timezone.now(), budget=Budget(FLOW_SECONDS), is_ending=is_ending))


PARTS: Final[Mapping[str, Callable[[IsEnding], bool]]] = {MESSAGES: _messages, REPORTS: _reports, FLOWS: _flows}


def _parts(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, (part.strip() for part in text.split(","))))
    if unknown := [name for name in names if name not in PARTS]:
        raise ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(PARTS)}")
    return names or tuple(PARTS)


def step(only: tuple[str, ...] = tuple(PARTS), is_ending: IsEnding = _never) -> bool:
    """Do the parts' work in their order; tell if anything moved."""
    worked = [PARTS[name](is_ending) for name in PARTS if name in only]
    return any(worked)
