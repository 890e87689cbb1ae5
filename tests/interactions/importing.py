"""Run the import command in tests."""

import csv
import io
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

from interactions.models import Interaction
from kaireon.platform.tenancy.models import Tenant

HEADER = "customerId,outcome,timestamp,idempotencyKey,conversionValue\n"
GOOD = "c-1,click,2026-03-02T12:00:00Z,k-1,\n"


def run(path: Path, tenant: str = "acme", **options: Any) -> tuple[int, str]:
    """Run the command; return its exit code and what it printed."""
    out = io.StringIO()
    try:
        call_command("import_interactions", str(path), tenant=tenant, stdout=out, **options)
    except SystemExit as stop:
        return int(str(stop.code)), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def rows(tenant: Tenant) -> list[Interaction]:
    """Return the tenant's interactions by key."""
    return list(Interaction.objects.for_tenant(tenant).order_by("idempotency_key"))


def rejections(path: Path) -> list[tuple[int, str]]:
    """Return line and reason of each rejected row."""
    with Path(f"{path}.rejected").open(encoding="utf-8", newline="") as file:
        return [(int(row["line"]), row["reason"]) for row in csv.DictReader(file)]
