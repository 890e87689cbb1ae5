"""`manage.py watch_files`: fire what waits for files in folders of this machine, in a process of its own."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from kaireon.platform.commands import plain_errors
from kaireon.platform.loops import EXIT_OK, StopSignal
from triggers.services.clockwork import in_background, watching_loops


class Command(BaseCommand):
    """Watch until stopped: SIGTERM and Ctrl-C end it with exit code 0."""

    help = (
        "Watch the folders of this machine that file-arrival triggers name, and fire within a second of a file's"
        " arrival. The web server does so too, unless FLOW_INTERNAL_SCHEDULER_ENABLED is false: this is for machines"
        " that have the folders and no web server. Example: manage.py watch_files --polling"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --polling."""
        parser.add_argument(
            "--polling", action="store_true",
            help="look through the folders every few seconds: for file systems that tell nothing (NFS, SMB)",
        )  # fmt: skip

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        """Run the loops; exit 3 after 30 consecutive failures that are not the database's absence."""
        watcher, releaser = watching_loops(
            stopping=StopSignal(), clock=timezone.now, can_use_inotify=not options["polling"]
        )  # fmt: skip
        in_background(releaser.name, releaser.keep_turning)
        code = watcher.run()
        if code != EXIT_OK:
            raise SystemExit(code)
