"""Import interactions from a file: bounded memory, idempotent, and no bad row is lost silently."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction

from interactions.decisions import SYSTEM_OUTCOMES
from interactions.decisions.cells import RowRejected
from interactions.decisions.imported_rows import ImportedRow, OutcomeMeaning, parse_row
from interactions.models import OutcomeType
from interactions.services.files import RowFile, SourceRow, UnreadableFile, open_rows
from interactions.services.loading import load_interactions
from interactions.services.outcome_types import ensure_outcome_types
from kaireon.platform.audit.services import record
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant

BATCH_ROWS = 10_000
SHOWN_CHARACTERS = 2_000


@dataclass(slots=True)
class ImportReport:
    """What became of the rows of a file: rows = imported + duplicates + rejected, unless it was a dry run."""

    rows: int = 0
    valid: int = 0
    imported: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejected_file: str | None = None
    dry_run: bool = False


Progress = Callable[[int, int], None]
"""Told the position and the size of the file after each batch."""


def _no_progress(position: int, size: int) -> None:
    """Tell nobody."""


def import_interactions(
    *, tenant: Tenant, path: Path, now: datetime, dry_run: bool = False, on_progress: Progress = _no_progress
) -> ImportReport:
    """Import a CSV or Parquet file; bad rows go to `<path>.rejected` with their line and the reason.

    Each batch of rows is its own transaction: an import that was cut off is simply run again, because a known
    idempotency key is a duplicate and not a second row. Raises UnreadableFile before anything is written.
    """
    with open_rows(path) as file:
        if not dry_run:
            ensure_outcome_types(tenant=tenant, now=now)
        outcomes = _meanings(tenant)
        with _rejections(path) as reject:
            report = ImportReport(dry_run=dry_run)
            for batch in _batches(file, outcomes, report, reject):
                report.valid += len(batch)
                if not dry_run:
                    new = load_interactions(tenant_id=tenant.pk, rows=batch)
                    report.imported += new
                    report.duplicates += len(batch) - new
                on_progress(file.position(), file.size)
    if report.imported:
        _note_import(tenant, path, report, now)
    report.rejected_file = str(_rejected_path(path)) if report.rejected else None
    return report


@transaction.atomic(durable=True)
def _note_import(tenant: Tenant, path: Path, report: ImportReport, now: datetime) -> None:
    """Record in the audit log that an operator added history."""
    record(
        tenant_id=tenant.pk,
        actor=SYSTEM,
        action="import",
        entity_type="interactions",
        entity_id=path.name,
        entity_name=path.name,
        after={"imported": report.imported, "duplicates": report.duplicates, "rejected": report.rejected},
        now=now,
    )


def _meanings(tenant: Tenant) -> dict[str, OutcomeMeaning]:
    rows = list(OutcomeType.objects.for_tenant(tenant))
    if not rows:
        # A dry run seeds nothing; a real one has seeded these.
        return {row.key: OutcomeMeaning(row.classification, row.category) for row in SYSTEM_OUTCOMES}
    return {row.key: OutcomeMeaning(row.classification, row.category) for row in rows if row.deleted_at is None}


Reject = Callable[[SourceRow, str], None]


def _batches(
    file: RowFile, outcomes: Mapping[str, OutcomeMeaning], report: ImportReport, reject: Reject
) -> Iterator[list[ImportedRow]]:
    batch: list[ImportedRow] = []
    for source in file.rows():
        report.rows += 1
        try:
            batch.append(_parsed(source, outcomes))
        except RowRejected as error:
            report.rejected += 1
            reject(source, str(error))
        if report.rows % BATCH_ROWS == 0:
            yield batch
            batch = []
    yield batch


def _parsed(source: SourceRow, outcomes: Mapping[str, OutcomeMeaning]) -> ImportedRow:
    if source.problem:
        raise RowRejected(source.problem)
    return parse_row(source.line, source.fields, outcomes)


def _rejected_path(path: Path) -> Path:
    return path.with_name(path.name + ".rejected")


@contextmanager
def _rejections(path: Path) -> Iterator[Reject]:
    """Write rejected rows beside the file; a report of an earlier import goes away, an empty one is not left."""
    target = _rejected_path(path)
    try:
        handle = target.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise UnreadableFile(f"{target} cannot be written: {error.strerror}") from None
    written = 0
    with handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["line", "reason", "row"])

        def reject(source: SourceRow, reason: str) -> None:
            nonlocal written
            written += 1
            row = json.dumps(dict(source.fields), default=str)[:SHOWN_CHARACTERS]
            writer.writerow([source.line, reason.encode("utf-8", "backslashreplace").decode(), row])

        yield reject
    if not written:
        target.unlink()
