"""Retry or purge dead letters: the rehearsal first, then the act. Admins only."""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.errors import NotFound
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role
from outbox.decisions.dead_letters import DeadAction
from outbox.decisions.events import MAX_TOPIC
from outbox.services.dead_letters import DeadOutcome, purge_dead_letters, retry_dead_letters
from outbox.views.settled import tier_settings

SHOWN_KEYS: Final = 5
SHOWN_TOPICS: Final = 20
SERVICES: Final = {DeadAction.RETRY: retry_dead_letters, DeadAction.PURGE: purge_dead_letters}


@dataclass(frozen=True, slots=True)
class Target:
    """Which dead letters are meant: one by its id, those of a topic, or all."""

    event_id: str
    topic: str

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Return it as the fields of a form."""
        named = [(name, value) for name, value in (("id", self.event_id), ("topic", self.topic)) if value]
        return named or [("all", "1")]

    def arguments(self) -> dict[str, Any]:
        """Return it in the services' words. Raises NotFound for an id that is none."""
        if self.event_id:
            return {"event_ids": [parse_id(self.event_id)]}
        return {"topic": self.topic} if self.topic else {"everything": True}


@require_http_methods(["GET"])
@page(role=Role.ADMIN)
def rehearsal(request: TenantRequest, action: str) -> HttpResponse:
    """Show what Retry or Purge would do now, with the button that does it; a drawer for HTMX, else a page."""
    chosen, target = _action(action), _target(request.GET)
    plan = _act(request, chosen, target, dry_run=True).plan
    assert plan is not None
    is_fragment = bool(request.headers.get("HX-Request"))
    context = page_context(
        request, title=f"{chosen.capitalize()} {_words(target)}", action=chosen.value, verb=chosen.capitalize(),
        plan=plan, target=target.fields, is_fragment=is_fragment, shown_keys=SHOWN_KEYS,
        topics=list(plan.by_topic.items())[:SHOWN_TOPICS], more_topics=max(0, len(plan.by_topic) - SHOWN_TOPICS),
        more_superseded=len(plan.superseded) - SHOWN_KEYS, more_held=len(plan.held) - SHOWN_KEYS,
        crumbs=[{"title": "Outbox", "link": reverse("outbox-page")}],
    )  # fmt: skip
    return render(request, f"outbox/{'_rehearsal_drawer' if is_fragment else 'rehearsal'}.html", context)


@require_http_methods(["POST"])
@page(role=Role.ADMIN)
def settle(request: TenantRequest, action: str) -> HttpResponse:
    """Retry or purge; then show the one event that was retried, or the outbox."""
    chosen, target = _action(action), _target(request.POST)
    count = _act(request, chosen, target, dry_run=False).count
    _say(request, chosen, count)
    # Without a history an event that leaves at once is nowhere to be shown.
    if chosen == DeadAction.RETRY and target.event_id and count and tier_settings().history_hours:
        return HttpResponseRedirect(reverse("outbox-event-page", args=[target.event_id]), status=303)
    return HttpResponseRedirect(reverse("outbox-page"), status=303)


def _act(request: TenantRequest, action: DeadAction, target: Target, *, dry_run: bool) -> DeadOutcome:
    assert request.tenant is not None
    assert request.actor is not None
    return SERVICES[action](
        tenant=request.tenant, actor=request.actor, now=timezone.now(), dry_run=dry_run, **target.arguments()
    )


def _action(word: str) -> DeadAction:
    if word not in set(DeadAction):
        raise NotFound("Dead letters are retried or purged; there is no other act.")
    return DeadAction(word)


def _target(given: QueryDict) -> Target:
    topic = given.get("topic", "")[:MAX_TOPIC]
    if not (given.get("id") or topic or given.get("all") == "1"):
        raise NotFound("Nothing was chosen: open a dead letter, a topic, or all of them.")
    return Target(given.get("id", ""), topic)


def _words(target: Target) -> str:
    if target.event_id:
        return "this dead letter"
    return f"the dead letters of {target.topic}" if target.topic else "all dead letters"


def _say(request: HttpRequest, action: DeadAction, count: int) -> None:
    if not count:
        messages.warning(request, "There was nothing left to do: somebody else was here first.")
        return
    what = "1 dead letter is" if count == 1 else f"{count:,} dead letters are"
    done = "back in line and leaves with the next batch" if count == 1 else "back in line and leave as their turn comes"
    messages.success(request, f"{what} {done if action == DeadAction.RETRY else 'purged'}.")


def scope_of(topic: str) -> str:
    """Return the query of a rehearsal for what a list shows: a topic's dead letters, or all."""
    return urlencode({"topic": topic} if topic else {"all": "1"})
