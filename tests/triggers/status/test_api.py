"""The API of the scheduler's status and of occurrences: shapes, filters, refusals, and whose data is seen."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from kaireon.platform.tenancy.models import Tenant
from tests.pages.flow_world import make_run
from tests.pages.scheduler_world import (
    MINUTE,
    break_folder,
    change_schedule,
    hold,
    make_occurrence,
    make_tick,
    park,
    scheduled,
)
from tests.people import Person
from triggers.decisions.vocabulary import Outcome

pytestmark = pytest.mark.django_db

STATUS, OCCURRENCES = "/api/v1/scheduler-status", "/api/v1/occurrences"
NOON = datetime(2026, 4, 17, 12, tzinfo=UTC)


def get(person: Person, address: str, **query: Any) -> Any:
    answer = person.api().get(address, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_tenant_without_anything_has_a_whole_status(bob: Person) -> None:
    found = get(bob, STATUS)

    assert (found["alive"], found["state"], found["lastTick"]) == (False, "never", None)
    assert found["lagSeconds"] == {"p50": None, "max": None, "samples": 0}
    assert set(found["counts"].values()) == {0}
    assert [found[name] for name in ("nextFive", "overdue", "missed", "failedDispatches", "parked", "held")] == [[]] * 6


def test_the_status_says_who_ticked_last_and_how_late_things_are(acme: Tenant, bob: Person) -> None:
    pipeline = scheduled(acme)
    tick = make_tick(dispatched=2, due=2)
    make_tick(was_locked=True)
    for seconds in (1, 3, 8):
        at = timezone.now() - 5 * MINUTE
        make_occurrence(pipeline, at=at, decided_at=at + timedelta(seconds=seconds))

    found = get(bob, STATUS)

    assert (found["alive"], found["state"], found["intervalMs"]) == (True, "alive", 60_000)
    assert (found["lastTick"]["id"], found["lastTick"]["dispatched"]) == (str(tick.pk), 2)
    assert found["lagSeconds"] == {"p50": 3.0, "max": 8.0, "samples": 3}
    assert found["counts"]["fired"] == 3


def test_what_waited_on_purpose_is_late_from_its_own_time_on(acme: Tenant, bob: Person) -> None:
    at = timezone.now() - 10 * MINUTE
    make_occurrence(
        scheduled(acme), at=at, due_at=at + 5 * MINUTE, decided_at=at + 5 * MINUTE + timedelta(seconds=4)
    )  # fmt: skip

    assert get(bob, STATUS)["lagSeconds"]["max"] == 4.0


def test_the_status_lists_what_is_due_late_missed_failed_parked_and_held(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    soon, late, parked = scheduled(acme, "Soon"), scheduled(acme, "Late"), scheduled(acme, "Parked")
    change_schedule(late, next_due_at=now - 10 * MINUTE)
    park(parked, reason="No such zone.")
    make_occurrence(soon, Outcome.MISSED, reason="No tick came.")
    make_occurrence(soon, Outcome.FAILED, reason="Refused.")
    make_occurrence(soon, Outcome.MISSED, at=now - timedelta(days=2))
    hold(soon)

    found = get(bob, STATUS)

    assert [each["pipelineName"] for each in found["nextFive"]] == ["Late", "Soon"]
    assert [each["pipelineName"] for each in found["overdue"]] == ["Late"]
    assert [each["reason"] for each in found["missed"]] == ["No tick came."]
    assert [each["reason"] for each in found["failedDispatches"]] == ["Refused."]
    assert [(each["what"], each["reason"]) for each in found["parked"]] == [("schedule", "No such zone.")]
    assert [each["heldFor"] for each in found["held"]] == ["jitter"]
    counts = found["counts"]
    assert [counts[name] for name in ("overdue", "missed", "failedDispatches", "parked", "held")] == [1] * 5


def test_a_scheduler_that_is_silent_or_failed_says_so(acme: Tenant, bob: Person) -> None:
    make_tick(timezone.now() - 6 * MINUTE)
    silent = get(bob, STATUS)
    make_tick(error="connection refused")

    failing = get(bob, STATUS)

    assert (silent["alive"], silent["state"]) == (False, "silent")
    assert (failing["alive"], failing["state"], failing["lastTick"]["error"]) == (True, "failing", "connection refused")


def test_a_tick_of_one_tenant_does_not_make_the_scheduler_alive(acme: Tenant, bob: Person) -> None:
    make_tick(tenant=acme, source="session")

    assert get(bob, STATUS)["state"] == "never"


def test_nobody_sees_anothers_pipelines(acme: Tenant, globex: Tenant, bob: Person, charlie: Person) -> None:
    pipeline = scheduled(acme)
    row = make_occurrence(pipeline, Outcome.MISSED)
    hold(pipeline)
    break_folder(acme)

    status = get(charlie, STATUS)

    assert status["nextFive"] == status["missed"] == status["held"] == []
    assert get(charlie, OCCURRENCES)["data"] == []
    assert charlie.api().get(OCCURRENCES, {"pipelineId": str(pipeline.pk)}).status_code == 404
    assert charlie.api().get(f"{OCCURRENCES}/{row.pk}").status_code == 404
    assert len(get(bob, OCCURRENCES)["data"]) == 2


def test_an_occurrence_tells_its_whole_story(acme: Tenant, bob: Person) -> None:
    pipeline = scheduled(acme)
    run = make_run(pipeline)
    tick = make_tick(NOON)
    row = make_occurrence(
        pipeline, Outcome.COALESCED, at=NOON, until=NOON + 5 * MINUTE, count=3, reason="A run waited.", run=run,
        tick=tick, repeats=2, repeated_at=NOON,
    )  # fmt: skip

    found = get(bob, f"{OCCURRENCES}/{row.pk}")

    assert found == {
        "id": str(row.pk), "pipelineId": str(pipeline.pk), "pipelineName": "Load orders", "kind": "schedule",
        "occurrenceAt": "2026-04-17T12:00:00.000Z", "until": "2026-04-17T12:05:00.000Z", "count": 3,
        "outcome": "coalesced", "reason": "A run waited.", "run": {"id": str(run.pk), "status": "completed"},
        "decidedAt": "2026-04-17T12:00:02.000Z", "dueAt": None, "heldFor": None, "repeats": 2,
        "repeatedAt": "2026-04-17T12:00:00.000Z", "via": "tick", "tickId": str(tick.pk), "version": 1,
        "detail": {"catchUp": "latest", "overlap": "queue"},
    }  # fmt: skip
    assert get(bob, OCCURRENCES)["data"] == [found]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["c", "b", "a"]),
        ({"outcome": "missed"}, ["b"]),
        ({"kind": "file"}, ["c"]),
        ({"from": "2026-04-17T12:01:00Z"}, ["c", "b"]),
        ({"to": "2026-04-17T12:01:00Z"}, ["b", "a"]),
        ({"from": "2026-04-17T12:01:00Z", "to": "2026-04-17T12:01:00Z"}, ["b"]),
        ({"from": "2026-04-17T14:00:00+02:00", "outcome": "fired"}, ["c", "a"]),
    ],
)
def test_occurrences_are_narrowed(query: dict[str, str], expected: list[str], acme: Tenant, bob: Person) -> None:
    pipeline = scheduled(acme)
    make_occurrence(pipeline, at=NOON, reason="a")
    make_occurrence(pipeline, Outcome.MISSED, at=NOON + MINUTE, reason="b")
    make_occurrence(pipeline, at=NOON + 2 * MINUTE, reason="c", kind="file")

    found = get(bob, OCCURRENCES, **query)

    assert [each["reason"] for each in found["data"]] == expected
    assert found["pagination"] == {"total": len(expected), "limit": 20, "hasMore": False, "cursor": None}


def test_a_stretch_that_reaches_into_the_span_of_a_pipeline_is_found(acme: Tenant, bob: Person) -> None:
    pipeline, other = scheduled(acme), scheduled(acme, "Other")
    make_occurrence(pipeline, Outcome.MISSED, at=NOON, until=NOON + 50 * MINUTE, count=51)
    make_occurrence(other, Outcome.MISSED, at=NOON + 40 * MINUTE)

    found = get(bob, OCCURRENCES, pipelineId=str(pipeline.pk), **{"from": "2026-04-17T12:30:00Z"})

    assert [each["count"] for each in found["data"]] == [51]


def test_pages_follow_each_other_by_key_also_at_one_instant(acme: Tenant, bob: Person) -> None:
    pipeline = scheduled(acme)
    made = {str(make_occurrence(pipeline, at=NOON).pk) for _ in range(5)}

    first = get(bob, OCCURRENCES, limit=2)
    second = get(bob, OCCURRENCES, limit=2, cursor=first["pagination"]["cursor"])
    third = get(bob, OCCURRENCES, limit=2, cursor=second["pagination"]["cursor"])

    found = [each["id"] for page in (first, second, third) for each in page["data"]]
    assert (len(found), set(found)) == (5, made)
    assert (third["pagination"]["hasMore"], third["pagination"]["cursor"]) == (False, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pipelineId", "nonsense"), ("from", "yesterday"), ("from", "2026-04-17T12:00:00"), ("to", "12"),
        ("outcome", "lost"), ("kind", "cron"), ("limit", "0"), ("limit", "1000"), ("cursor", "nonsense"),
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be_read_is_named(name: str, value: str, bob: Person) -> None:
    answer = bob.api().get(OCCURRENCES, {name: value})

    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == [name]


def test_a_span_that_runs_backwards_is_refused(bob: Person) -> None:
    answer = bob.api().get(OCCURRENCES, {"from": "2026-04-17T12:00:00Z", "to": "2026-04-17T11:00:00Z"})

    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == ["to"]


def test_a_status_costs_the_same_queries_for_few_and_for_many(
    acme: Tenant, bob: Person, django_assert_max_num_queries: Any
) -> None:
    pipelines = [scheduled(acme, f"P{number}") for number in range(12)]
    for pipeline in pipelines:
        make_occurrence(pipeline, Outcome.MISSED)
        hold(pipeline)

    with django_assert_max_num_queries(16):
        found = get(bob, STATUS)

    assert len(found["nextFive"]) == 5
    assert len(found["missed"]) == 10
