"""`manage.py run_worker`: deliver what waits, all day long."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from alerts.services import settle_transitions
from kaireon.platform.budget import Budget
from kaireon.platform.commands import plain_errors
from kaireon.platform.loops import EXIT_OK, Loop
from kaireon.platform.notifications.services import deliver_due

STEP_SECONDS = 20.0


class Command(BaseCommand):
    """Deliver messages as they fall due: retries, and what a tick's budget left."""

    help = "Deliver waiting messages until stopped. Example: manage.py run_worker --idle-seconds 1; --once for one pass"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --once, --idle-seconds and --liveness-file."""
        parser.add_argument("--once", action="store_true", help="one pass over what is due, then exit")
        parser.add_argument("--idle-seconds", type=float, default=1.0, help="wait after a pass that found nothing")
        parser.add_argument("--liveness-file", type=Path, help="touched before every pass, for a probe")

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        """Run the loop; exit 3 after 30 consecutive failures that are not the database's absence."""
        if options["once"]:
            step()
            return
        loop = Loop("worker", step, idle_seconds=options["idle_seconds"], liveness_file=options["liveness_file"])
        code = loop.run()
        if code != EXIT_OK:
            raise SystemExit(code)


def step() -> bool:
    """Deliver what is due, then settle what became of firings; return whether anything moved."""
    sent = deliver_due(now=timezone.now(), budget=Budget(STEP_SECONDS))
    if sent.did_work:
        settle_transitions(now=timezone.now())
    return sent.did_work
