"""The outbox's page: is it draining, what is held, what is dead."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from kaireon.platform.badges import badge_of
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.models import Tenant
from outbox.decisions.dead_letters import DeadAction
from outbox.decisions.events import MAX_TOPIC
from outbox.models import PublisherProcess
from outbox.selectors.backlog import MOST_OF_A_TENANT, Backlog, backlog_of
from outbox.selectors.dead_letters import Depth, count_by_reason, dead_depth, dead_letters_page
from outbox.selectors.held import MOST_KEYS, held_keys
from outbox.selectors.publishers import is_alive, recent_publishers
from outbox.selectors.stream import EventState
from outbox.views.acting import scope_of
from outbox.views.answer import Draining, answer
from outbox.views.settled import tier_settings

PUBLISHERS_SHOWN: Final = 20
HELD_SHOWN: Final = 20
DEAD_SHOWN: Final = 25
TOPICS_SHOWN: Final = 12
# Reasons are counted row by row: beyond this a page that asks every few seconds does without.
REASONS_COUNTED_UP_TO: Final = 10_000
ACTS: Final = (
    (DeadAction.RETRY.value, "Retry", ""),
    (DeadAction.PURGE.value, "Purge", "k-button-danger"),
)
DOWN: Final = "backend_down"
FRAGMENT: Final = ("tenant", "actor", "can_edit", "is_admin")


class PublisherRow(NamedTuple):
    """A publisher as the page shows it; `state` is a word of the badges."""

    process: PublisherProcess
    is_alive: bool
    state: str


@require_http_methods(["GET"])
@page()
def outbox_page(request: TenantRequest) -> HttpResponse:
    """Show whether it is draining, held keys and dead letters; `?topic=` narrows those, `?after=` goes further back."""
    assert request.tenant is not None
    after = request.GET.get("after", "")
    topic = request.GET.get("topic", "")[:MAX_TOPIC]
    more: dict[str, Any] = {"is_first_page": not after, "topic": topic, "address": request.get_full_path()}
    more |= _dead(request.tenant, topic, after)
    if not after:
        more |= _draining(request.tenant, more["depth"], timezone.now())
    context = page_context(request, title="Outbox", **more)
    if request.headers.get("HX-Request"):
        kept = {name: context[name] for name in (*FRAGMENT, *more)}
        return render(request, "outbox/_live.html", kept)
    return render(request, "outbox/page.html", context)


def _dead(tenant: Tenant, topic: str, after: str) -> dict[str, Any]:
    depth = dead_depth(tenant.pk)
    found = dead_letters_page(tenant.pk, after=after, topic=topic, limit=DEAD_SHOWN)
    is_counted = 0 < depth.total <= REASONS_COUNTED_UP_TO and not topic
    return {
        "depth": depth,
        "topics": list(depth.by_topic.items())[:TOPICS_SHOWN],
        "more_topics": max(0, len(depth.by_topic) - TOPICS_SHOWN),
        "reasons": count_by_reason(tenant.pk) if is_counted else {},
        "dead_letters": found.rows,
        "next_key": found.next_key,
        "acts": ACTS,
        "scope": scope_of(topic),
    }


def _draining(tenant: Tenant, depth: Depth, now: datetime) -> dict[str, Any]:
    publishers = publisher_rows(now)
    backlog = backlog_of(tenant.pk, now)
    held = held_keys(tenant.pk, limit=MOST_KEYS)
    alive = [row for row in publishers if row.is_alive]
    facts = Draining(
        ready=backlog.ready, held=backlog.held, held_keys=held.total, dead=depth.total,
        oldest_seconds=seconds_since(backlog.oldest_at, now), seconds_to_empty=backlog.drain_seconds,
        ready_oldest_seconds=seconds_since(backlog.ready_oldest_at, now),
        states=[row.state for row in alive],
        backend_error=next((row.process.last_error for row in alive if row.state == DOWN), ""),
    )  # fmt: skip
    return {
        "answer": answer(facts),
        "backlog": backlog,
        "oldest_seconds": facts.oldest_seconds,
        "is_anybody_alive": bool(alive),
        "publishers": publishers,
        "held": held,
        "heads": held.heads[:HELD_SHOWN],
        "has_more_held": held.total > HELD_SHOWN,
        "max_attempts": tier_settings().max_attempts,
        "shares": _shares(backlog, depth.total),
    }


def publisher_rows(now: datetime) -> list[PublisherRow]:
    """Return the publishers heard of lately, those that live first."""
    rows = []
    for process in recent_publishers(limit=PUBLISHERS_SHOWN):
        lives = is_alive(process, now)
        rows.append(PublisherRow(process, lives, process.state if lives else "silent"))
    return sorted(rows, key=lambda row: not row.is_alive)


def seconds_since(at: datetime | None, now: datetime) -> float | None:
    """Return how long ago something was, never less than 0."""
    return None if at is None else max(0.0, (now - at).total_seconds())


def _shares(backlog: Backlog, dead: int) -> list[dict[str, Any]]:
    """Return the parts of the picture: how many events stand where, each with the stream that shows them."""
    parts = [
        (EventState.PENDING, "busy", backlog.ready, "ready or on the way out"),
        (EventState.HELD, "warn", backlog.held, "held"),
        (EventState.DEAD, "bad", dead, "dead"),
    ]
    stream = reverse("outbox-stream-page")
    return [
        {
            "state": state, "count": count, "words": words, "tone": tone, "shape": badge_of(state).shape,
            "link": f"{stream}?{urlencode({'state': state})}", "is_more": count == MOST_OF_A_TENANT,
        }
        for state, tone, count, words in parts
        if count
    ]  # fmt: skip
