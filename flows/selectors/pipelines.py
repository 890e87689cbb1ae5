"""Questions about pipelines and their versions."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Prefetch

from flows.models import Pipeline, PipelineVersion
from kaireon.platform.errors import NotFound
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet

PIPELINE_NOT_FOUND = "There is no such pipeline for this tenant."
VERSION_NOT_FOUND = "The pipeline has no such version."


@dataclass(frozen=True, slots=True)
class Shape:
    """What a pipeline is made of: its nodes, and from where to where rows go."""

    nodes: list[dict[str, str]]
    edges: list[dict[str, str]]


def list_pipelines(tenant: Tenant) -> TenantQuerySet[Pipeline]:
    """Return the tenant's pipelines with connector, schema and live version; the caller orders and pages them."""
    live = PipelineVersion.objects.for_tenant(tenant).filter(version=F("pipeline__live_version"))
    rows: TenantQuerySet[Pipeline] = Pipeline.objects.for_tenant(tenant)
    return rows.select_related("connector", "data_schema").prefetch_related(
        Prefetch("versions", queryset=live, to_attr="live_rows")
    )


def find_pipeline(tenant: Tenant, pipeline_id: uuid.UUID) -> Pipeline:
    """Return one pipeline of the tenant, with connector, schema and live version; raise NotFound."""
    row = list_pipelines(tenant).filter(pk=pipeline_id).first()
    if row is None:
        raise NotFound(PIPELINE_NOT_FOUND)
    return row


def count_pipelines(tenant_id: uuid.UUID) -> int:
    """Return how many pipelines count against the tenant's `maxPipelines`: all of them."""
    return Pipeline.objects.for_tenant(tenant_id).count()


def list_versions(pipeline: Pipeline) -> Sequence[PipelineVersion]:
    """Return a pipeline's versions, newest first, without their IR."""
    rows = PipelineVersion.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline)
    return list(rows.defer("ir").order_by("-version"))


def find_version(pipeline: Pipeline, number: int | None = None) -> PipelineVersion:
    """Return one version of a pipeline, the latest unless a number is given; raise NotFound."""
    wanted = pipeline.latest_version if number is None else number
    rows = PipelineVersion.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline, version=wanted)
    row = rows.first()
    if row is None:
        raise NotFound(VERSION_NOT_FOUND)
    return row


def live_ir(pipeline: Pipeline) -> dict[str, Any] | None:
    """Return the IR that runs, or None when nothing is published. `pipeline` comes from the functions above."""
    rows: list[PipelineVersion] = getattr(pipeline, "live_rows", [])
    return rows[0].ir if rows else None


def shape_of(ir: dict[str, Any] | None) -> Shape:
    """Return the nodes and edges of a saved IR; an input of a branch's case goes out from the branch."""
    nodes = (ir or {}).get("nodes", [])
    shown = [{"id": node["id"], "kind": node["kind"]} for node in nodes]
    edges = [
        {"id": f"{read}->{node['id']}", "source": read.partition(".")[0], "target": node["id"]}
        for node in nodes
        for name in ("input", "left", "right")
        if isinstance(read := node.get(name), str)
    ]
    return Shape(shown, edges)
