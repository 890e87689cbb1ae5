"""The IR that a run is of, parsed."""

from flows.decisions.runs import VERSION_GONE
from flows.ir.parsing import parse_pipeline_ir
from flows.ir.pipeline import PipelineIR
from flows.models import PipelineRun, PipelineVersion
from flows.services.failures import RunRefused


def ir_of(run: PipelineRun) -> PipelineIR:
    """Return the IR of the run's version; raise RunRefused when it is gone, IrInvalid when it cannot be read."""
    rows = PipelineVersion.objects.for_tenant(run.tenant_id)
    version = rows.filter(pipeline_id=run.pipeline_id, version=run.ir_version).first()
    if version is None:
        raise RunRefused(VERSION_GONE.format(version=run.ir_version))
    return parse_pipeline_ir(version.ir)
