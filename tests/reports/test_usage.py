"""What narratives cost a tenant: counted by day and month in UTC, for that tenant alone, against its guardrails."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from kaireon.platform.tenancy.guardrails import usage_of
from kaireon.platform.tenancy.models import Tenant
from reports.models import NarrationCall
from reports.narration import Caps, Spending, Usage
from reports.services.usage import NarrationLedger, caps_of
from tests.reports.runs_world import Told, make_schedule, make_template, only_run, tick
from tests.servers import Receiver, Reply

NOON = datetime(2026, 4, 17, 12, 0, tzinfo=UTC)


def spend(tenant: Tenant, at: datetime, tokens: int = 100, usd: str | None = "0.5") -> None:
    """Write down one call."""
    NarrationLedger(tenant.pk).record(Spending(tokens, None if usd is None else Decimal(usd)), at)


def test_a_tenant_that_spent_nothing_has_used_nothing(acme: Tenant) -> None:
    assert NarrationLedger(acme.pk).used(NOON) == Usage(0, Decimal(0))


def test_tokens_count_since_midnight_and_dollars_since_the_first(acme: Tenant, globex: Tenant) -> None:
    spend(acme, NOON.replace(hour=0, minute=0), 1)
    spend(acme, NOON, 2)
    spend(acme, NOON - timedelta(days=1), 1000)
    spend(acme, NOON.replace(day=1, hour=0), 1000)
    spend(acme, NOON.replace(month=3, day=31), 1000, "99")
    spend(globex, NOON, 5000, "77")

    assert NarrationLedger(acme.pk).used(NOON) == Usage(3, Decimal("2.0"))


def test_the_day_begins_in_utc_whatever_the_zone_of_now(acme: Tenant) -> None:
    spend(acme, datetime(2026, 4, 17, 0, 30, tzinfo=UTC), 7)

    late = datetime.fromisoformat("2026-04-17T23:00:00-05:00")

    assert NarrationLedger(acme.pk).used(late).tokens_today == 0


def test_a_call_without_a_known_price_counts_its_tokens(acme: Tenant) -> None:
    spend(acme, NOON, 10, None)

    assert NarrationLedger(acme.pk).used(NOON) == Usage(10, Decimal(0))


def test_the_caps_are_the_guardrails(acme: Tenant) -> None:
    acme.settings = {"guardrails": {"llmDailyTokens": 5, "llmMonthlyUsd": 1.25}}

    assert caps_of(acme) == Caps(5, Decimal("1.25"))


def test_the_guardrails_page_knows_what_is_used(acme: Tenant) -> None:
    spend(acme, timezone.now(), 12, "1.5")

    used = {usage.name: usage.used for usage in usage_of(acme)}

    assert (used["llmDailyTokens"], used["llmMonthlyUsd"]) == (12, 1.5)


# --- in a run


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Run a server that speaks like a model and says nothing of use."""
    receiver = Receiver()
    receiver.script = lambda got: Reply(body=b'{"choices": []}', headers={"Content-Type": "application/json"})
    for name, value in {
        "AI_PROVIDER": "openai", "AI_MODEL": "gpt-4o-mini", "AI_API_KEY": "sk-test", "AI_BASE_URL": receiver.url("/v1"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    yield receiver
    receiver.close()


def reason(tenant: Tenant) -> Any:
    """Return why the run's words are deterministic."""
    narrative = only_run(tenant).narrative_output
    assert narrative is not None
    assert narrative["source"] == "deterministic"
    return narrative["reason"]


def test_what_a_model_was_asked_is_on_the_runs_account(acme: Tenant, source: Told, model: Receiver) -> None:
    make_schedule(make_template(acme))

    tick()

    calls = list(NarrationCall.objects.for_tenant(acme))
    assert len(calls) == len(model.got) > 0
    assert {call.run_id for call in calls} == {only_run(acme).pk}
    assert all(call.is_estimate and call.tokens > 0 for call in calls)
    assert only_run(acme).narrative_output["tokens"] == sum(call.tokens for call in calls)  # type: ignore[index]


def test_over_its_cap_no_model_is_asked_and_the_run_says_so(acme: Tenant, source: Told, model: Receiver) -> None:
    acme.settings = {"guardrails": {"llmDailyTokens": 10}}
    acme.save()
    make_schedule(make_template(acme))

    result = tick()

    assert (result.ran, model.got) == (1, [])
    assert "daily cap of 10 tokens" in reason(acme)


def test_a_model_that_does_not_answer_in_time_holds_up_no_report(
    acme: Tenant, source: Told, model: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.services.running.NARRATION_SECONDS", 0.2)
    is_over = threading.Event()
    model.script = lambda got: Reply() if is_over.wait(10) else None
    make_schedule(make_template(acme))

    result = tick()
    is_over.set()

    assert (result.ran, result.errors, only_run(acme).status) == (1, [], "completed")
    assert reason(acme)


def test_a_model_that_is_set_up_wrongly_fails_no_report(
    acme: Tenant, source: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AI_PROVIDER", "oracle at Delphi")
    make_schedule(make_template(acme))

    result = tick()

    assert (result.ran, result.errors) == (1, [])
    assert reason(acme).startswith("AI_PROVIDER must be one of")
