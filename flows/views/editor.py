"""The editor of a pipeline: the draft in its tabs, Save Changes, Publish, and what stands in the strip below."""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.decisions.vocabulary import RunStatus
from flows.forms.checking import Checked, check_text, problems_of
from flows.forms.drafts import in_order, write_draft
from flows.models import Pipeline, PipelineVersion
from flows.selectors.overview import find_pipeline_page, runs_of
from flows.selectors.pipelines import find_version
from flows.selectors.showing import next_run_at, part, trigger_words
from flows.services.versions import publish_version, save_version
from flows.views.cards import BUTTONS, card_rows
from flows.views.lines import run_line
from flows.views.previews import DIALECTS
from flows.views.timing import take_pending
from kaireon.platform.api import parse_id
from kaireon.platform.errors import Conflict, DomainError
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role

TABS: Final = (
    ("visual", "Visual"), ("json", "JSON IR"), ("sql", "SQL Preview"), ("lineage", "Lineage"), ("versions", "Versions"),
    ("schedule", "Schedule"), ("triggers", "Triggers"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a draft was not saved; `newer` is a version that somebody else saved meanwhile."""

    message: str
    status: int
    newer: int | None = None


@require_http_methods(["GET", "POST"])
@page(write_role=Role.EDITOR)
def edit(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Show the editor with the latest version as the draft; a POST saves what was made of it, or publishes it."""
    assert request.tenant is not None
    pipeline = find_pipeline_page(request.tenant, parse_id(pipeline_id))
    latest = find_version(pipeline)
    if request.method != "POST":
        checked = check_text(request.tenant, pipeline, write_draft(in_order(latest.ir)))
        return _show(request, pipeline, latest, checked, None)
    checked = check_text(request.tenant, pipeline, take_pending(request))
    return _save(request, pipeline, latest, checked)


def _save(request: TenantRequest, pipeline: Pipeline, latest: PipelineVersion, checked: Checked) -> HttpResponse:
    is_publishing = request.POST.get("act") == "publish"
    if checked.problems or checked.draft is None:
        refused = Refused("The pipeline is not sound yet; what is wrong stands below.", 400)
        return _show(request, pipeline, latest, checked, refused)
    try:
        said = _keep(request, pipeline, latest, checked.draft, is_publishing=is_publishing)
    except Conflict as refusal:
        refused = Refused(refusal.message, 409, newer=latest.version)
        return _show(request, pipeline, latest, checked, refused)
    except DomainError as refusal:
        found = Checked(checked.text, checked.draft, problems_of(checked.text, refusal))
        return _show(request, pipeline, latest, found, Refused(refusal.message, 400))
    messages.success(request, said)
    return HttpResponseRedirect(reverse("flow-pipeline-page", args=[pipeline.pk]), status=303)


def _keep(
    request: TenantRequest, pipeline: Pipeline, latest: PipelineVersion, draft: dict[str, Any], *, is_publishing: bool
) -> str:
    """Save the draft, or publish it, and return what to say; what did not change makes no new version."""
    assert request.tenant is not None
    assert request.actor is not None
    who: dict[str, Any] = {"tenant": request.tenant, "pipeline_id": pipeline.pk, "actor": request.actor}
    seen = _number(request.POST.get("over") or request.POST.get("seen"))
    if draft == latest.ir:
        if not is_publishing or pipeline.live_version == latest.version:
            return f"Nothing has changed since version {latest.version}."
        publish_version(**who, version=latest.version, now=timezone.now())
        return f"Version {latest.version} of “{pipeline.name}” is live."
    saved = save_version(
        **who, ir=draft, comment=request.POST.get("comment", "").strip()[:500], expected_version=seen,
        publish=is_publishing, now=timezone.now(),
    )  # fmt: skip
    return f"Version {saved.version} of “{pipeline.name}” is {'saved and live' if is_publishing else 'saved'}."


def _number(text: str | None) -> int | None:
    # A form that does not say what it was made from is older than everything.
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0


def _show(
    request: TenantRequest, pipeline: Pipeline, latest: PipelineVersion, checked: Checked, refused: Refused | None
) -> HttpResponse:
    assert request.tenant is not None
    is_typed = request.method == "POST"
    context = {
        **work_context(checked), **_strip(request.tenant, pipeline, latest),
        "pipeline": pipeline, "latest": latest, "tabs": TABS, "dialects": DIALECTS, "refused": refused,
        "seen": request.POST.get("seen", "0") if is_typed else str(latest.version),
        "is_unsaved": is_typed and checked.draft != latest.ir,
        "comment": request.POST.get("comment", ""),
        "crumbs": [{"title": "Flow pipelines", "link": reverse("flow-pipelines-page")}],
    }  # fmt: skip
    answer = page_context(request, title=pipeline.name, **context)
    return render(request, "flows/editor/editor.html", answer, status=refused.status if refused else 200)


def work_context(checked: Checked) -> dict[str, Any]:
    """Return what the Visual and the JSON part show of a draft."""
    return {"checked": checked, "rows": card_rows(checked), "buttons": BUTTONS, "draft_text": checked.text}


def _strip(tenant: Tenant, pipeline: Pipeline, latest: PipelineVersion) -> dict[str, Any]:
    """Return what stands below the draft: the last run, the next one, and rows in quarantine."""
    now = timezone.now()
    run = runs_of(tenant, pipeline_id=pipeline.pk).order_by("-created_at", "-pk").first()
    live = latest if pipeline.live_version in {None, latest.version} else find_version(pipeline, pipeline.live_version)
    is_held = pipeline.paused_at is not None or pipeline.live_version is None
    next_at = next_run_at(live.ir, now, last_run_at=pipeline.last_run_at, created_at=pipeline.created_at)
    return {
        "line": run_line(run, now) if run else None,
        "is_running": run is not None and not RunStatus(run.status).is_final,
        "trigger": trigger_words(live.ir), "next_at": None if is_held else next_at,
        "schedule": part(live.ir, "schedule"), "arrival": part(live.ir, "trigger"),
    }  # fmt: skip
