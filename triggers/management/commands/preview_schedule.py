"""`manage.py preview_schedule`: when a schedule is due, without saving it anywhere."""

import json
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from kaireon.platform.commands import BAD_CALL, plain_errors
from triggers.serializers.previews import DEFAULT_COUNT, MAX_COUNT, schedule_preview_json
from triggers.services.previewing import preview_schedule

FOUND_PROBLEMS: Final = 1
_KINDS: Final = {"cron": "expression", "interval": "minutes", "rrule": "rule"}


class Command(BaseCommand):
    """Print the next times of a schedule, one a line in UTC; warnings go to stderr."""

    help = (
        "Print when a schedule is due. Exit 1 when nothing comes, 2 for a schedule that cannot be. Example: manage.py "
        "preview_schedule --kind cron --expression '0 9 * * 1-5' --timezone Europe/Berlin "
        "--after 2026-10-24T00:00:00Z --count 5"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", choices=_KINDS, required=True)
        parser.add_argument("--expression", help="of cron: five fields")
        parser.add_argument("--minutes", type=int, help="of an interval")
        parser.add_argument("--anchor", help="of an interval: a time with an offset, on which its grid lies")
        parser.add_argument("--rule", help="of rrule: FREQ=WEEKLY;BYDAY=MO")
        parser.add_argument("--dtstart", help="of rrule: where it begins; now without it")
        parser.add_argument("--timezone", help="of cron and rrule; UTC without it")
        parser.add_argument("--after", type=_moment, help="the moment to look from; now without it")
        parser.add_argument("--last-run-at", type=_moment, help="when the pipeline last ran; never without it")
        parser.add_argument("--count", type=_count, default=DEFAULT_COUNT, help=f"1 to {MAX_COUNT}")
        parser.add_argument("--json", action="store_true", help="print what the API answers")

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        """Print the times, or the API's answer."""
        forecast = preview_schedule(
            schedule=_schedule(options), now=options["after"] or timezone.now(), count=options["count"],
            last_run_at=options["last_run_at"],
        )  # fmt: skip
        if options["json"]:
            self.stdout.write(json.dumps(schedule_preview_json(forecast), indent=2))
        else:
            for each in forecast.occurrences:
                self.stdout.write(f"{each.at:%Y-%m-%dT%H:%M:%SZ}")
            for warning in forecast.warnings:
                self.stderr.write(warning)
        if not forecast.occurrences:
            raise SystemExit(FOUND_PROBLEMS)


def _schedule(options: dict[str, Any]) -> dict[str, Any]:
    """Return the schedule as an IR has it; raise CommandError when what its kind needs is not given."""
    kind = options["kind"]
    needed = _KINDS[kind]
    if options[needed] is None:
        raise CommandError(f"--kind {kind} needs --{needed}.", returncode=BAD_CALL)
    names = (*_KINDS.values(), "anchor", "dtstart", "timezone")
    return {"kind": kind} | {name: options[name] for name in names if options[name] is not None}


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or not 1970 <= moment.year <= 9000:
            raise ValueError
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time with an offset such as 2026-01-31T08:00:00Z") from None
    return moment.astimezone(UTC)


def _count(text: str) -> int:
    if not text.isdigit() or len(text) > 4 or not 1 <= int(text) <= MAX_COUNT:
        raise ArgumentTypeError(f"{text!r} is not from 1 to {MAX_COUNT}")
    return int(text)
