"""Our own run, from the file in its folder to the file in its archive: `ours KIND LINEAGE FILE FOLDER`.

KIND is plain, checked or upsert; LINEAGE is 1 or 0. The process is warm, as a worker is, and the run is dispatched
before the time begins. What is timed: claiming, staging, reading, the engine, the load, the commit, the archiving.
"""

import shutil
import sys
import uuid
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from benchmarks.flows_lab.files import COLUMNS
from benchmarks.flows_lab.pipelines import pipeline
from benchmarks.flows_lab.weighing import weigh
from benchmarks.outbox_lab import started  # noqa: F401 - sets Django up for the imports below
from flows.decisions.vocabulary import RunStatus, TriggerSource
from flows.ir.parsing import parse_pipeline_ir
from flows.models import Pipeline, PipelineRun, PipelineVersion
from flows.services import dispatch_run
from flows.services.running import work_off_flows
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.models import Tenant

WARM = "ds_warm"


def main() -> None:
    """Run and print."""
    kind, lineage, file, folder = sys.argv[1:]
    tenant = Tenant.objects.order_by("created_at").first()
    assert tenant is not None
    inbox = Path(folder)
    shutil.rmtree(inbox, ignore_errors=True)
    inbox.mkdir(parents=True)
    _warm_up(tenant, Path(file), inbox)
    shutil.copy(file, inbox / "orders.csv")
    run_id = _dispatched(tenant, kind, str(inbox), has_lineage=lineage == "1")
    weigh(lambda: _run(tenant, run_id))


def _warm_up(tenant: Tenant, file: Path, inbox: Path) -> None:
    """Load two rows into another table: a worker has loaded something before."""
    with file.open(encoding="utf-8") as lines:
        (inbox / "few.csv").write_text("".join(next(lines) for _ in range(3)), encoding="utf-8")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS public.{WARM} ({COLUMNS}, PRIMARY KEY (order_id))")
        cursor.execute(f"TRUNCATE public.{WARM}")
    _run(tenant, _dispatched(tenant, "upsert", str(inbox), has_lineage=True, table=WARM))


def _run(tenant: Tenant, run_id: uuid.UUID) -> int:
    work_off_flows(now=timezone.now(), budget=Budget(3_600.0), run_ids=[run_id])
    run = PipelineRun.objects.for_tenant(tenant).get(pk=run_id)
    assert run.status == RunStatus.COMPLETED, f"{run.status}: {run.error}"
    return int(run.rows_out)


def _dispatched(tenant: Tenant, kind: str, folder: str, *, has_lineage: bool, table: str = "ds_orders") -> uuid.UUID:
    now, ir = timezone.now(), pipeline(folder, kind, table)
    parse_pipeline_ir(ir)
    Pipeline.objects.for_tenant(tenant).filter(name="Orders").delete()
    made = Pipeline.objects.create(
        tenant=tenant, name="Orders", live_version=1, latest_version=1, created_at=now, updated_at=now,
        execution_config={"lineage": has_lineage},
    )  # fmt: skip
    PipelineVersion.objects.create(tenant=tenant, pipeline=made, version=1, ir=ir, created_at=now)
    with transaction.atomic():
        dispatched = dispatch_run(
            tenant_id=tenant.pk, pipeline_id=made.pk, trigger_source=TriggerSource.MANUAL, requested_by="bench", now=now
        )
    assert dispatched.run_id is not None, dispatched.reason
    return dispatched.run_id


if __name__ == "__main__":
    main()
