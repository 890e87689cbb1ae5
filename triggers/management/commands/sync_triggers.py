"""`manage.py sync_triggers`: derive schedules and file triggers again from what is live."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from kaireon.platform.commands import plain_errors
from triggers.services.syncing import sync_all


class Command(BaseCommand):
    """Bring every schedule, file trigger and count into line with the live versions; safe to repeat."""

    help = (
        "Derive schedules, file triggers and counts again from the live versions of pipelines: after a restore or an "
        "import. `make run` does it at every start. Example: manage.py sync_triggers --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help='print {"synced": 3}')

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        synced = sync_all(now=timezone.now())
        text = json.dumps({"synced": synced}) if options["json"] else f"{synced} pipelines brought into line"
        if options["json"] or options["verbosity"] > 0:
            self.stdout.write(text)
