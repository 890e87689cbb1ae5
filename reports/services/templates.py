"""Create, change and delete report templates."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from kaireon.platform.audit.services import Entry, record_many
from kaireon.platform.errors import Conflict, NotFound, Unprocessable
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Membership, Tenant
from reports.decisions.checking import DEFINING, Errors, check_changes, in_one_sentence
from reports.decisions.definition import NarrativeWish, narrative_json
from reports.decisions.vocabulary import Format
from reports.models import ReportSchedule, ReportTemplate
from reports.selectors.templates import TEMPLATE_NOT_FOUND, SourceKeys, destination_errors, source_errors
from reports.services.announcing import (
    schedule_entry,
    schedule_state,
    settle_schedule_health,
    template_entry,
    template_state,
)

DESTINATIONS: Final = "filters.destinations"
NO_MEMBER: Final = "There is no such member of this tenant."
CHANGED_MEANWHILE: Final = (
    "Somebody else has saved this report meanwhile. What you typed is kept here: Save again puts it in place of theirs"
    "; open the report in another tab to see theirs first."
)


@transaction.atomic(durable=True)
def create_template(*, tenant: Tenant, values: Mapping[str, Any], actor: Actor, now: datetime) -> ReportTemplate:
    """Create a template and return it; who creates it owns it, unless `owner_id` names another member.

    `values` has the model's names. Raises Unprocessable that names every field that cannot be.
    """
    template, entry = insert_template(tenant, values, actor, now)
    record_many([entry], now=now)
    return template


def insert_template(
    tenant: Tenant, values: Mapping[str, Any], actor: Actor, now: datetime
) -> tuple[ReportTemplate, Entry]:  # fmt: skip
    """Insert a template in the caller's transaction; return it with the audit entry to record last."""
    template = ReportTemplate(
        id=new_id(), tenant=tenant, owner_id=actor.user_id, formats=[Format.PDF.value],
        narrative=narrative_json(NarrativeWish()), created_at=now, updated_at=now,
    )  # fmt: skip
    _apply(template, values, known=())
    template.save(force_insert=True)
    return template, template_entry(template, "create", actor, after=template_state(template))


@transaction.atomic(durable=True)
def update_template(
    *, tenant: Tenant, template_id: uuid.UUID, changes: Mapping[str, Any], actor: Actor, now: datetime,
    seen_at: datetime | None = None,
) -> ReportTemplate:  # fmt: skip
    """Change the given settings of a template and return it; runs that were made stay as they are.

    `seen_at` is the `updated_at` that the changes were made to. Raises NotFound, Conflict when the template was changed
    since, and Unprocessable that names every field that cannot be as the template would then stand.
    """
    template = lock_template(tenant, template_id)
    if seen_at is not None and template.updated_at != seen_at:
        raise Conflict(CHANGED_MEANWHILE, code="CHANGED_MEANWHILE")
    before = template_state(template)
    _apply(template, changes, known=template.destination_ids)
    template.updated_at = now
    template.save(update_fields=sorted({"updated_at", *changes}))
    record_many([template_entry(template, "update", actor, before=before, after=template_state(template))], now=now)
    return template


@transaction.atomic(durable=True)
def delete_template(*, tenant: Tenant, template_id: uuid.UUID, actor: Actor, now: datetime) -> None:
    """Delete a template with its schedules; runs and their files stay. Raises NotFound."""
    template = lock_template(tenant, template_id)
    # Locked before anything is deleted: a tick that has one of them in hand finishes first.
    schedules = list(
        ReportSchedule.objects.for_tenant(tenant).select_for_update().filter(template=template).order_by("pk")
    )
    entries = [schedule_entry(row, "delete", actor, before=schedule_state(row)) for row in schedules]
    entries.append(template_entry(template, "delete", actor, before=template_state(template)))
    ReportTemplate.objects.for_tenant(tenant).filter(pk=template.pk).delete()
    settle_schedule_health(*schedules, now=now)
    record_many(entries, now=now)


def lock_template(tenant: Tenant, template_id: uuid.UUID) -> ReportTemplate:
    """Lock a template until the transaction ends, so that it is there as long; raise NotFound."""
    template = ReportTemplate.objects.for_tenant(tenant).select_for_update().filter(pk=template_id).first()
    if template is None:
        raise NotFound(TEMPLATE_NOT_FOUND)
    return template


def _apply(template: ReportTemplate, changes: Mapping[str, Any], known: list[uuid.UUID] | tuple[()]) -> None:
    for name, value in changes.items():
        setattr(template, name, list(dict.fromkeys(value)) if name == "destination_ids" else value)
    merged = {name: getattr(template, name) for name in DEFINING}
    errors: Errors = check_changes(merged, changes, source_keys=SourceKeys())
    errors |= source_errors(merged["data_sources"] if "data_sources" in changes else ())
    errors |= destination_errors(
        template.tenant, changes.get("destination_ids", ()), known=known, path=DESTINATIONS
    )  # fmt: skip
    errors |= _owner_errors(template.tenant, changes.get("owner_id"))
    if errors:
        raise Unprocessable(in_one_sentence(errors), fields=errors)


def _owner_errors(tenant: Tenant, user_id: uuid.UUID | None) -> Errors:
    if user_id is None or Membership.objects.filter(tenant=tenant, user_id=user_id).exists():
        return {}
    return {"ownerUserId": [NO_MEMBER]}
