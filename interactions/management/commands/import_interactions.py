"""`manage.py import_interactions history.csv --tenant acme`: load history from CSV or Parquet."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from tqdm import tqdm

from interactions.decisions.imported_rows import COLUMNS, REQUIRED
from interactions.serializers import import_report_json
from interactions.services import ImportReport, import_interactions
from kaireon.platform.commands import plain_errors, tenant_or_exit

FOUND_PROBLEMS = 1


class Command(BaseCommand):
    """Import interactions; bad rows go to FILE.rejected with their line and the reason."""

    help = (
        "Import interactions from FILE.csv (UTF-8, commas, header) or FILE.parquet. "
        f"Columns: {', '.join(COLUMNS)}; {', '.join(REQUIRED)} are required; snake_case is understood. "
        "Times without offset are UTC. Importing a file again adds nothing: without idempotencyKey a row is known by "
        "its line and content. Exit 0 done, 1 some rows rejected (see FILE.rejected), 2 bad call. "
        "Example: manage.py import_interactions history.csv --tenant acme --dry-run"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--tenant", required=True, help="slug or id")
        parser.add_argument("--dry-run", action="store_true", help="check every row, write nothing to the database")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    @plain_errors
    def handle(self, *args: Any, **options: Any) -> None:
        """Import, report, and exit 1 when a row was rejected."""
        tenant = tenant_or_exit(options["tenant"])
        with tqdm(unit="", unit_scale=True, disable=not sys.stderr.isatty()) as bar:

            def show(position: int, size: int) -> None:
                bar.total = size
                bar.update(position - bar.n)

            report = import_interactions(
                tenant=tenant,
                path=options["file"],
                now=timezone.now(),
                dry_run=options["dry_run"],
                on_progress=show,
            )
        self.stdout.write(json.dumps(import_report_json(report)) if options["json"] else _sentence(report))
        if report.rejected:
            raise SystemExit(FOUND_PROBLEMS)


def _sentence(report: ImportReport) -> str:
    done = f"{report.valid} would do" if report.dry_run else f"{report.imported} imported, {report.duplicates} known"
    rejected = f"; see {report.rejected_file}" if report.rejected_file else ""
    return f"{report.rows} rows: {done}, {report.rejected} rejected{rejected}"
