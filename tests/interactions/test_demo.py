"""The invented history: deterministic, plausible, and with an anomaly that breaches."""

import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Model

from interactions.decisions.demo import Anomaly, DemoDay, invent_days
from interactions.models import Channel, Creative, DecisionTrace, Interaction, Offer
from interactions.selectors import MetricRequest, read_metrics
from interactions.services import generate_demo
from kaireon.platform.errors import Unprocessable
from kaireon.platform.tenancy.models import Tenant
from tests.interactions.history import NOON, minutes

ANOMALY = Anomaly(hours=3)


def invent(days: int = 2, per_day: int = 300, seed: int = 7, anomaly: Anomaly | None = None) -> list[DemoDay]:
    """Invent days up to noon."""
    return list(invent_days(days=days, per_day=per_day, seed=seed, now=NOON, anomaly=anomaly))


def count(model: type[Model], tenant: Tenant) -> int:
    """Count the tenant's rows."""
    manager: Any = model._default_manager
    return int(manager.for_tenant(tenant).count())


def test_the_same_seed_invents_the_same() -> None:
    assert invent(seed=7) == invent(seed=7)


def test_another_seed_invents_something_else() -> None:
    assert invent(seed=7) != invent(seed=8)


def test_every_day_has_exactly_so_many_interactions() -> None:
    assert [len(day.interactions) for day in invent(days=3, per_day=123)] == [123, 123, 123]


def test_everything_happens_within_its_day_and_before_now() -> None:
    for back, day in zip((2, 1), invent(), strict=True):
        start = NOON - timedelta(days=back)
        times = [row.occurred_at for row in day.interactions] + [trace.occurred_at for trace in day.traces]
        assert min(times) >= start
        assert max(times) < start + timedelta(days=1)


def test_keys_are_unique() -> None:
    days = invent()

    keys = [row.idempotency_key for day in days for row in day.interactions]
    keys += [trace.idempotency_key for day in days for trace in day.traces]

    assert len(keys) == len(set(keys))


def test_evenings_are_busier_than_nights() -> None:
    hours = Counter(row.occurred_at.hour for day in invent(per_day=2000) for row in day.interactions)

    assert sum(hours[hour] for hour in (18, 19, 20)) > 5 * sum(hours[hour] for hour in (2, 3, 4))


def test_outcomes_follow_a_funnel() -> None:
    outcomes = Counter(row.outcome for day in invent(per_day=2000) for row in day.interactions)

    assert outcomes["impression"] > outcomes["click"] > outcomes["accept"] > outcomes["convert"] > 0
    assert len({row.offer_id for day in invent() for row in day.interactions}) >= 5
    assert len({row.channel_id for day in invent() for row in day.interactions}) == 4


def test_only_conversions_have_a_value() -> None:
    for day in invent():
        for row in day.interactions:
            assert (row.conversion_value is not None) == (row.outcome == "convert")


def test_a_decision_never_keeps_more_than_it_had() -> None:
    for day in invent(anomaly=ANOMALY):
        for trace in day.traces:
            assert trace.after_qualification >= trace.after_contact_policy >= trace.final_count >= 0
            assert len(json.loads(trace.selected)) == trace.selected_count <= trace.final_count
            assert trace.total_latency_ms > 0


def test_a_history_of_nothing_but_suppression_ends() -> None:
    days = invent(days=1, per_day=50, anomaly=Anomaly(hours=24, suppression=1.0))

    assert [len(day.interactions) for day in days] == [0]
    assert len(days[0].traces) == 1000


def read(tenant: Tenant, metric: str, end: datetime = NOON) -> float | None:
    """Read the metric over the hour before `end`."""
    request = MetricRequest.ending(tenant.pk, metric, end, minutes(60))
    return read_metrics([request])[request]


def test_a_demo_without_anomaly_breaches_no_default_rule(acme: Tenant) -> None:
    generate_demo(tenant=acme, days=1, per_day=2000, seed=7, now=NOON)

    assert (read(acme, "suppression_rate") or 1) < 0.5
    assert (read(acme, "empty_candidate_rate") or 0) < 0.1
    assert (read(acme, "error_rate") or 0) < 0.05
    assert (read(acme, "degraded_scoring_rate") or 0) < 0.1


def test_an_anomaly_breaches_in_its_last_hours_and_not_before(acme: Tenant) -> None:
    generate_demo(tenant=acme, days=1, per_day=2000, seed=7, now=NOON, anomaly=ANOMALY)

    assert (read(acme, "suppression_rate") or 0) >= 0.8
    assert (read(acme, "empty_candidate_rate") or 0) >= 0.3
    assert (read(acme, "suppression_rate", NOON - minutes(181)) or 1) < 0.5


def test_the_rows_and_the_catalogue_are_written(acme: Tenant, globex: Tenant) -> None:
    report = generate_demo(tenant=acme, days=2, per_day=100, seed=7, now=NOON)

    assert report.interactions == count(Interaction, acme) == 200
    assert report.traces == count(DecisionTrace, acme) > 0
    assert [count(model, acme) for model in (Channel, Offer, Creative)] == [4, 6, 24]
    assert count(Interaction, globex) == 0


def test_generating_the_same_again_adds_nothing(acme: Tenant) -> None:
    generate_demo(tenant=acme, days=1, per_day=50, seed=7, now=NOON)

    report = generate_demo(tenant=acme, days=1, per_day=50, seed=7, now=NOON)

    assert (report.interactions, report.traces) == (0, 0)
    assert count(Creative, acme) == 24


def test_two_tenants_may_have_the_same_demo(acme: Tenant, globex: Tenant) -> None:
    for tenant in (acme, globex):
        generate_demo(tenant=tenant, days=1, per_day=50, seed=7, now=NOON)

    assert [count(Interaction, tenant) for tenant in (acme, globex)] == [50, 50]


@pytest.mark.parametrize(("days", "per_day"), [(0, 10), (401, 10), (1, 0), (1, 1_000_001), (-1, 10)])
def test_numbers_out_of_bounds_are_refused(acme: Tenant, days: int, per_day: int) -> None:
    with pytest.raises(Unprocessable, match="must be"):
        generate_demo(tenant=acme, days=days, per_day=per_day, seed=7, now=NOON)


def run(**options: Any) -> str:
    """Run the command and return what it prints."""
    out = io.StringIO()
    call_command("generate_demo", stdout=out, **options)
    return out.getvalue()


def test_the_command_generates_up_to_now(acme: Tenant) -> None:
    text = run(tenant="acme", days=1, per_day=20, seed=3, json=True)

    report = json.loads(text)
    newest = Interaction.objects.for_tenant(acme).order_by("-occurred_at").first()
    assert report["interactions"] == 20
    assert newest is not None
    assert newest.occurred_at > datetime.now(UTC) - timedelta(days=1)


def test_the_command_writes_a_sentence(acme: Tenant) -> None:
    assert run(tenant="acme", days=1, per_day=20).startswith("20 interactions and ")


def test_the_command_can_make_an_anomaly(acme: Tenant) -> None:
    run(tenant="acme", days=1, per_day=500, anomaly_hours=24.0)

    now = datetime.now(UTC)
    assert (read(acme, "suppression_rate", now) or 0) > 0.8


@pytest.mark.parametrize("options", [{"tenant": "nobody"}, {"tenant": "acme", "days": 0}])
def test_a_bad_call_exits_2(acme: Tenant, options: dict[str, Any]) -> None:
    with pytest.raises(CommandError) as caught:
        run(**options)

    assert caught.value.returncode == 2
