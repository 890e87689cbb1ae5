"""Save versions of a pipeline and publish one of them; what is saved never changes."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from flows.decisions.connector_types import Errors
from flows.decisions.pacing import schedule_problem, shortest_gap
from flows.ir.parsing import IrInvalid, parse_pipeline_ir
from flows.ir.pipeline import PipelineIR
from flows.models import Pipeline, PipelineVersion
from flows.selectors.pipelines import PIPELINE_NOT_FOUND, find_version
from flows.services.auditing import pipeline_entry, pipeline_state
from flows.services.connecting import source_errors
from flows.services.following import Change, followers_errors, tell_change
from flows.services.reaching import reach_errors
from kaireon.platform.audit.services import record_many
from kaireon.platform.errors import BadRequest, Conflict, NotFound, Unprocessable
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.guardrails import guardrails_of
from kaireon.platform.tenancy.models import Tenant

IR: Final = "ir"
MAX_SHOWN, MAX_WORDS = 100, 1_000
GUARDRAIL: Final = "guardrails.minCadenceMinutes"


@transaction.atomic(durable=True)
def save_version(
    *, tenant: Tenant, pipeline_id: uuid.UUID, ir: Mapping[str, Any], comment: str = "", actor: Actor, now: datetime,
    expected_version: int | None = None, publish: bool = False,
) -> PipelineVersion:  # fmt: skip
    """Save an IR as the next version and return it; with `publish` it also becomes the one that runs.

    `expected_version` is the latest one that the change was made to. Raises NotFound, Conflict when another was saved
    since, BadRequest for an IR that cannot be read and Unprocessable for one that cannot be: all problems at once, each
    as `ir.nodes[0]…`.
    """
    pipeline = lock_pipeline(tenant, pipeline_id)
    if expected_version is not None and pipeline.latest_version != expected_version:
        raise Conflict(
            f"Version {pipeline.latest_version} was saved meanwhile; the change was made to {expected_version}.",
            code="VERSION_CONFLICT", fields={"expectedVersion": [f"The latest is {pipeline.latest_version}."]},
        )  # fmt: skip
    read_ir(
        tenant, ir, connector_id=pipeline.connector_id, pipeline_id=pipeline.pk, now=now, created_at=pipeline.created_at
    )
    before = pipeline_state(pipeline)
    version = insert_version(pipeline, ir, comment, actor, now)
    if publish:
        pipeline.live_version = version.version
    pipeline.updated_at = now
    pipeline.save(update_fields=["latest_version", "live_version", "updated_at"])
    action = "save_and_publish" if publish else "save_version"
    after = pipeline_state(pipeline) | {"comment": comment}
    record_many([pipeline_entry(pipeline, action, actor, before=before, after=after, version=version.version)], now=now)
    if publish:
        tell_change(tenant.pk, pipeline.pk, Change.PUBLISHED, now)
    return version


@transaction.atomic(durable=True)
def publish_version(
    *, tenant: Tenant, pipeline_id: uuid.UUID, version: int, actor: Actor, now: datetime
) -> Pipeline:  # fmt: skip
    """Make a saved version the one that runs, and return the pipeline; the live one stays as it is.

    Raises NotFound, and Unprocessable when it can no longer be: its connector is gone, say.
    """
    pipeline = lock_pipeline(tenant, pipeline_id)
    saved = find_version(pipeline, version)
    if pipeline.live_version == saved.version:
        return pipeline
    read_ir(tenant, saved.ir, connector_id=pipeline.connector_id, pipeline_id=pipeline.pk)
    before = pipeline_state(pipeline)
    pipeline.live_version, pipeline.updated_at = saved.version, now
    pipeline.save(update_fields=["live_version", "updated_at"])
    after = pipeline_state(pipeline)
    entry = pipeline_entry(pipeline, "publish", actor, before=before, after=after, version=saved.version)
    record_many([entry], now=now)
    tell_change(tenant.pk, pipeline.pk, Change.PUBLISHED, now)
    return pipeline


def insert_version(
    pipeline: Pipeline, ir: Mapping[str, Any], comment: str, actor: Actor, now: datetime
) -> PipelineVersion:  # fmt: skip
    """Insert the next version of a pipeline that the caller's transaction has locked, or made."""
    pipeline.latest_version += 1
    version = PipelineVersion(
        id=new_id(), tenant_id=pipeline.tenant_id, pipeline=pipeline, version=pipeline.latest_version, ir=dict(ir),
        comment=comment, authored_by=actor.name[:254], created_at=now,
    )  # fmt: skip
    version.save(force_insert=True)
    return version


def read_ir(
    tenant: Tenant, ir: object, *, connector_id: uuid.UUID | None, pipeline_id: uuid.UUID | None = None,
    now: datetime | None = None, created_at: datetime | None = None,
) -> PipelineIR:  # fmt: skip
    """Return an IR that may be saved for a tenant: well-formed, within what it may reach, its schedule not too often.

    `pipeline_id` and `created_at` are the pipeline's that it is for, None for one that is not there yet. With `now` a
    schedule that has ended is refused: what was saved before its end stays publishable.

    Raises BadRequest for one that cannot be read, Unprocessable for one that cannot be; both name every problem.
    """
    try:
        parsed = parse_pipeline_ir(ir)
    except IrInvalid as invalid:
        fields: Errors = {}
        for problem in invalid.problems:
            fields.setdefault(ir_path(problem.path)[:MAX_WORDS], []).append(problem.message[:MAX_WORDS])
        error = BadRequest if invalid.is_unreadable else Unprocessable
        raise error(
            _in_one_sentence(fields), code="INVALID_IR", fields=dict(list(fields.items())[:MAX_SHOWN])
        ) from None
    refused = access_errors(tenant, parsed, connector_id=connector_id)
    refused |= followers_errors(tenant, parsed, pipeline_id=pipeline_id, connector_id=connector_id)
    paces = pace_errors(tenant, parsed, now=now, created_at=created_at)
    errors = {ir_path(path): texts for path, texts in (refused | paces).items()}
    if errors:
        is_hasty = list(paces) == ["schedule"] and not refused
        raise Unprocessable(
            _in_one_sentence(errors), code="GUARDRAIL" if is_hasty else "INVALID_IR",
            fields=errors | ({GUARDRAIL: paces["schedule"]} if is_hasty else {}),
        )  # fmt: skip
    return parsed


def access_errors(tenant: Tenant, ir: PipelineIR, *, connector_id: uuid.UUID | None) -> Errors:
    """Return what an IR may not reach: sources that no connector serves, hooks, addresses. Paths are the IR's own."""
    return source_errors(tenant, ir, connector_id=connector_id) | reach_errors(tenant, ir)


def pace_errors(
    tenant: Tenant, ir: PipelineIR, *, now: datetime | None = None, created_at: datetime | None = None
) -> Errors:  # fmt: skip
    """Return what is wrong with the schedule of an IR: it cannot be read, or fires more often than a guardrail allows.

    With `now`, also that it has ended. Paths are the IR's own.
    """
    if problem := schedule_problem(ir.schedule, now=now, created_at=created_at):
        return {f"schedule.{problem[0]}": [problem[1]]}
    limit = guardrails_of(tenant).min_cadence_minutes
    gap = shortest_gap(ir.schedule, begins_at=created_at or now)
    if gap is not None and gap < timedelta(minutes=limit):
        return {"schedule": [f"Two runs would be less than {limit} min apart ({GUARDRAIL})."]}
    return {}


def ir_path(path: str) -> str:
    """Return where a problem of an IR stands in a body that has it under `ir`."""
    return f"{IR}.{path}" if path else IR


def lock_pipeline(tenant: Tenant, pipeline_id: uuid.UUID, *, for_deletion: bool = False) -> Pipeline:
    """Lock a pipeline until the transaction ends, so that its versions come one after the other; raise NotFound.

    Runs may begin meanwhile, unless it is `for_deletion`.
    """
    rows = Pipeline.objects.for_tenant(tenant).select_for_update(no_key=not for_deletion)
    row = rows.filter(pk=pipeline_id).first()
    if row is None:
        raise NotFound(PIPELINE_NOT_FOUND)
    return row


def _in_one_sentence(fields: Errors) -> str:
    first = next(iter(fields))
    more = f" And {len(fields) - 1} more." if len(fields) > 1 else ""
    text = fields[first][0]
    return f"{first}: {text.rstrip('.')}.{more}" if more else f"{first}: {text}"
