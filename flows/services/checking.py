"""Whether an IR could be saved for a pipeline, without saving it: every problem with its path, and what to look at."""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.decisions.connector_types import OPEN_STORES, Errors
from flows.decisions.vocabulary import ConnectorStatus
from flows.ir.parsing import IrInvalid, IrProblem, parse_pipeline_ir
from flows.ir.pipeline import PipelineIR
from flows.ir.sources import SourceNode
from flows.ir.targets import TargetNode
from flows.models import Connector, DataSchema, Pipeline
from flows.services.following import followers_errors, followers_warnings
from flows.services.versions import access_errors, pace_errors
from kaireon.platform.fields import read_uuid
from kaireon.platform.tenancy.models import Tenant


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with an IR, and what a run of it may stumble over; paths are the IR's own."""

    errors: tuple[IrProblem, ...]
    warnings: tuple[IrProblem, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Tell whether it could be saved."""
        return not self.errors


def check_ir(*, tenant: Tenant, pipeline: Pipeline, ir: object) -> Checked:
    """Return every problem of an IR for a pipeline, and warnings when it has none."""
    try:
        parsed = parse_pipeline_ir(ir)
    except IrInvalid as invalid:
        return Checked(tuple(invalid.problems))
    errors = access_errors(tenant, parsed, connector_id=pipeline.connector_id) | pace_errors(tenant, parsed)
    errors |= followers_errors(tenant, parsed, pipeline_id=pipeline.pk, connector_id=pipeline.connector_id)
    if errors:
        return Checked(tuple(_problems(errors)))
    doubts = followers_warnings(tenant, parsed, pipeline_id=pipeline.pk, connector_id=pipeline.connector_id)
    return Checked((), (*_missing_tables(tenant, parsed), *_failing_connectors(pipeline, parsed), *_problems(doubts)))


def _problems(errors: Errors) -> list[IrProblem]:
    return [IrProblem(path, text) for path, texts in errors.items() for text in texts]


def _missing_tables(tenant: Tenant, ir: PipelineIR) -> list[IrProblem]:
    wanted = {
        f"nodes[{index}].schema": node.table.removeprefix("public.")
        for index, node in enumerate(ir.nodes)
        if isinstance(node, TargetNode)
    }
    rows = DataSchema.objects.for_tenant(tenant).filter(table_name__in=wanted.values())
    known = set(rows.values_list("table_name", flat=True))
    return [
        IrProblem(path, f"There is no schema for the table {table} yet: make it under Schemas, or a run fails.")
        for path, table in wanted.items()
        if table not in known
    ]


def _failing_connectors(pipeline: Pipeline, ir: PipelineIR) -> list[IrProblem]:
    named = _connectors_of(pipeline, ir)
    failed = Connector.objects.for_tenant(pipeline.tenant_id).filter(
        pk__in=set(named.values()), status=ConnectorStatus.FAILED
    )
    texts = {str(row.pk): f"The last test of the connector {row.name} failed: {row.last_error}" for row in failed}
    return [IrProblem(path, texts[row_id]) for path, row_id in named.items() if row_id in texts]


def _connectors_of(pipeline: Pipeline, ir: PipelineIR) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for index, node in enumerate(ir.nodes):
        if not isinstance(node, SourceNode):
            continue
        if own := read_uuid(node.config.connector_id):
            found[f"nodes[{index}].config.connectorId"] = str(own)
        elif pipeline.connector_id and node.connector not in OPEN_STORES:
            found[f"nodes[{index}].connector"] = str(pipeline.connector_id)
    return found
