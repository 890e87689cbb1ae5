"""`manage.py generate_demo --tenant acme --days 14 --per-day 5000 --seed 7`: invent a history."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from tqdm import tqdm

from interactions.services import Anomaly, generate_demo
from kaireon.platform.commands import plain_errors, tenant_or_exit


class Command(BaseCommand):
    """Fill a tenant with an invented history; the same seed invents the same."""

    help = (
        "Invent offers, channels, decisions and interactions up to now. "
        "Example: manage.py generate_demo --tenant acme --days 14 --per-day 5000 --seed 7 --anomaly-hours 3"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, help="slug or id")
        parser.add_argument("--days", type=int, default=14, help="how far back")
        parser.add_argument("--per-day", type=int, default=5000, help="interactions per day")
        parser.add_argument("--seed", type=int, default=1, help="the same seed invents the same")
        parser.add_argument(
            "--anomaly-hours", type=float, default=0.0,
            help="let the contact policy suppress nearly everything in the last hours, so that a rule fires",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        """Invent and report."""
        tenant = tenant_or_exit(options["tenant"])
        hours = options["anomaly_hours"]
        with tqdm(total=options["days"], unit="day", disable=not sys.stderr.isatty()) as bar:

            def show(day: int, days: int) -> None:
                bar.update(day - bar.n)

            report = generate_demo(
                tenant=tenant,
                days=options["days"],
                per_day=options["per_day"],
                seed=options["seed"],
                now=timezone.now(),
                anomaly=Anomaly(hours=hours) if hours > 0 else None,
                on_progress=show,
            )
        counts = {"interactions": report.interactions, "traces": report.traces}
        sentence = f"{report.interactions} interactions and {report.traces} decisions"
        self.stdout.write(json.dumps(counts) if options["json"] else sentence)
