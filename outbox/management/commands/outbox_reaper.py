"""`manage.py outbox_reaper`: do once what the cron route does."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kaireon.platform.commands import BAD_CALL, plain_errors
from kaireon.platform.telemetry.services import bound_request_id
from outbox.decisions.staleness import read_staleness
from outbox.serializers import reaper_json
from outbox.services import ReaperFailed, run_reaper
from outbox.tier.server_clock import ServerClock

FAILED = 1


class Command(BaseCommand):
    """Send events back that dead publishers left behind; exit 1 when it failed, 2 for a wrong call."""

    help = (
        "Reset events that have been `processing` for too long to `pending`; safe to repeat. "
        "Example: manage.py outbox_reaper --staleness-seconds 120 --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the documented answer of the cron route")
        parser.add_argument(
            "--staleness-seconds",
            help="how long an event must have been untouched; default: OUTBOX_REAPER_STALENESS_SECONDS, else 300",
        )

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        staleness = _read(options["staleness_seconds"])
        started, now = time.monotonic(), ServerClock()()
        try:
            with bound_request_id():
                report = run_reaper(now=now, staleness_seconds=staleness)
        except ReaperFailed as error:
            raise CommandError(error.message, returncode=FAILED) from None
        answer = reaper_json(report, seconds=time.monotonic() - started, now=now)
        self.stdout.write(json.dumps(answer, indent=2) if options["json"] else _in_words(answer))


def _read(text: str | None) -> int | None:
    if text is None:
        return None
    seconds = read_staleness(text or "none")
    if seconds is None:
        raise CommandError(f"--staleness-seconds must be a positive whole number, not {text!r}.", returncode=BAD_CALL)
    return seconds


def _in_words(answer: dict[str, Any]) -> str:
    return (
        f"{answer['resetCount']} events untouched for {answer['stalenessSeconds']} s went back to pending "
        f"in {answer['durationMs']} ms"
    )
