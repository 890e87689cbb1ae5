"""Acts on trigger secrets: make one, change it over, revoke it. A secret is shown once, in the answer to its making."""

import uuid
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.selectors.pipelines import find_pipeline
from kaireon.platform.api import parse_id
from kaireon.platform.characters import text_refusal
from kaireon.platform.errors import DomainError
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role
from triggers.services.secrets import OVERLAP_HOURS, MadeSecret, create_secret, revoke_secret, rotate_secret
from triggers.views.secret_lines import secret_context

LONGEST_NAME: Final = 120


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def create(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Make a secret and show it once."""
    assert request.tenant is not None
    assert request.actor is not None
    pipeline_uuid = find_pipeline(request.tenant, parse_id(pipeline_id)).pk
    name = request.POST.get("name", "").strip()
    if refusal := text_refusal(name) if len(name) <= LONGEST_NAME else f"At most {LONGEST_NAME} characters.":
        return _answer(request, pipeline_uuid, refusal=refusal, name=name)
    try:
        made = create_secret(
            tenant=request.tenant, pipeline_id=pipeline_uuid, name=name, actor=request.actor, now=timezone.now()
        )
    except DomainError as error:
        return _answer(request, pipeline_uuid, refusal=error.message, name=name)
    return _answer(request, pipeline_uuid, made=made)


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def rotate(request: TenantRequest, pipeline_id: str, secret_id: str) -> HttpResponse:
    """Make the successor of a secret and show it once; the old one works on for the hours that were chosen."""
    assert request.tenant is not None
    assert request.actor is not None
    pipeline_uuid = find_pipeline(request.tenant, parse_id(pipeline_id)).pk
    hours = request.POST.get("hours", "")
    try:
        made = rotate_secret(
            tenant=request.tenant, pipeline_id=pipeline_uuid, secret_id=parse_id(secret_id),
            overlap_hours=int(hours) if hours.isdecimal() and len(hours) < 5 else OVERLAP_HOURS, actor=request.actor,
            now=timezone.now(),
        )  # fmt: skip
    except DomainError as error:
        return _answer(request, pipeline_uuid, refusal=error.message)
    return _answer(request, pipeline_uuid, made=made)


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def revoke(request: TenantRequest, pipeline_id: str, secret_id: str) -> HttpResponse:
    """Revoke a secret at once."""
    assert request.tenant is not None
    assert request.actor is not None
    pipeline_uuid = find_pipeline(request.tenant, parse_id(pipeline_id)).pk
    revoke_secret(
        tenant=request.tenant, pipeline_id=pipeline_uuid, secret_id=parse_id(secret_id), actor=request.actor,
        now=timezone.now(),
    )  # fmt: skip
    return _answer(request, pipeline_uuid)


def _answer(
    request: TenantRequest, pipeline_id: uuid.UUID, *, made: MadeSecret | None = None, refusal: str = "", name: str = ""
) -> HttpResponse:
    assert request.tenant is not None
    context: dict[str, Any] = {
        **secret_context(request, pipeline_id, timezone.now()), "made": made, "refusal": refusal, "typed_name": name,
        "pipeline": find_pipeline(request.tenant, pipeline_id),
    }  # fmt: skip
    answer = page_context(request, title="", **context)
    return render(request, "triggers/_secrets.html", answer, status=400 if refusal else 200)
