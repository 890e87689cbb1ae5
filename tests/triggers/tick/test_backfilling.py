"""Backfills: a range of past occurrences runs once, however often somebody asks, and a dry run says so beforehand."""

import threading
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from flows.models import Pipeline
from flows.services import create_pipeline, pause_pipeline
from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.errors import Conflict, NotFound, Unprocessable
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import orders_ir
from tests.people import Person
from tests.triggers.tick.world import DAY, HOUR, NOW, SECOND, at, rows_of, runs_of, schedule_of, scheduled, tick
from triggers.models import Occurrence
from triggers.services.backfilling import Backfill, backfill

pytestmark = pytest.mark.django_db


def fill(pipeline: Pipeline, start: datetime, end: datetime, *, dry: bool = False, now: datetime = NOW) -> Backfill:
    """Backfill a range."""
    return backfill(
        tenant=pipeline.tenant, pipeline_id=pipeline.pk, start=start, end=end, is_dry_run=dry, actor=SYSTEM, now=now
    )


def states(found: Backfill) -> list[tuple[datetime, str]]:
    """Return each instant with its state."""
    return [(moment, state.value) for moment, state, _ in found.occurrences]


def test_a_range_runs_with_both_its_ends_oldest_first(acme: Tenant) -> None:
    pipeline = scheduled(acme)

    found = fill(pipeline, at(3), at(6))

    runs = runs_of(pipeline)
    assert states(found) == [(at(hour), "dispatched") for hour in (3, 4, 5, 6)]
    assert [run.parameters["occurrenceAt"][11:13] for run in runs] == ["03", "04", "05", "06"]
    assert {run.trigger_source for run in runs} == {"backfill"}
    assert [run_id for _, _, run_id in found.occurrences] == [run.pk for run in runs]
    assert [(row.kind, row.outcome, row.via) for row in rows_of(pipeline)] == [("backfill", "fired", "person")] * 4


def test_the_same_backfill_twice_runs_once(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    first = fill(pipeline, at(3), at(5))

    again = fill(pipeline, at(4), at(6))

    assert states(again) == [(at(4), "already_backfilled"), (at(5), "already_backfilled"), (at(6), "dispatched")]
    assert (again.occurrences[0][2], again.dispatched, len(runs_of(pipeline))) == (first.occurrences[1][2], 1, 4)


def test_a_dry_run_says_the_same_and_changes_nothing(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    fill(pipeline, at(3), at(3))

    found = fill(pipeline, at(3), at(5), dry=True)

    assert states(found) == [(at(3), "already_backfilled"), (at(4), "would_run"), (at(5), "would_run")]
    assert (found.dispatched, len(runs_of(pipeline)), len(rows_of(pipeline))) == (2, 1, 1)
    assert AuditEntry.objects.for_tenant(acme).filter(action="backfill").count() == 1


def test_what_the_schedule_fired_is_left_and_what_only_coalesced_gets_its_own_run(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    tick()

    found = fill(pipeline, at(7), at(8))

    assert states(found) == [(at(7), "dispatched"), (at(8), "already_ran")]


def test_a_backfill_moves_nothing_that_the_schedule_counts_from(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    tick()
    before = Pipeline.objects.for_tenant(acme).get().last_run_at

    fill(pipeline, at(3), at(5), now=NOW + SECOND)

    assert (Pipeline.objects.for_tenant(acme).get().last_run_at, schedule_of(pipeline).next_due_at) == (before, at(9))


def test_a_paused_pipeline_can_be_backfilled(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    pause_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=NOW)

    assert fill(pipeline, at(3), at(4)).dispatched == 2


def test_a_range_without_an_occurrence_runs_nothing(acme: Tenant) -> None:
    assert fill(scheduled(acme), at(3, 10), at(3, 50)) == Backfill([], 0)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (at(5), at(4), "before from"), (at(5), NOW + HOUR, "in the future"),
        (NOW - 22 * DAY, NOW, "at most 500"), (NOW - 8_000 * DAY, NOW, "at most 500"),
    ],
    ids=["backwards", "future", "too-many", "years"],
)  # fmt: skip
def test_a_range_that_cannot_be_is_refused(acme: Tenant, start: datetime, end: datetime, words: str) -> None:
    pipeline = scheduled(acme)

    with pytest.raises(Unprocessable, match=words) as refused:
        fill(pipeline, start, end)

    assert (list(refused.value.fields), runs_of(pipeline)) == (["to"], [])


@pytest.mark.parametrize(
    ("schedule", "words"),
    [(None, "no schedule"), ({"kind": "interval", "minutes": 5}, "without an anchor")],
    ids=["none", "relative"],
)
def test_a_schedule_without_instants_cannot_be_filled_in(acme: Tenant, schedule: Any, words: str) -> None:
    ir = orders_ir(**({"schedule": schedule} if schedule else {}))
    pipeline = create_pipeline(tenant=acme, values={"name": "Other", "ir": ir}, actor=SYSTEM, now=NOW)

    with pytest.raises(Unprocessable, match=words):
        fill(pipeline, at(3), at(4))


def test_a_pipeline_without_a_live_version_is_a_conflict(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    Pipeline.objects.for_tenant(acme).update(live_version=None)

    with pytest.raises(Conflict, match="no live version"):
        fill(pipeline, at(3), at(4))


def test_another_tenants_pipeline_is_not_found(acme: Tenant, globex: Tenant) -> None:
    pipeline = scheduled(acme)

    with pytest.raises(NotFound):
        backfill(tenant=globex, pipeline_id=pipeline.pk, start=at(3), end=at(4), is_dry_run=True, actor=SYSTEM, now=NOW)


def test_a_backfill_is_audited(acme: Tenant) -> None:
    fill(scheduled(acme), at(3), at(5))

    entry = AuditEntry.objects.for_tenant(acme).get(action="backfill")
    assert entry.after == {"from": "2026-04-17T03:00:00.000Z", "to": "2026-04-17T05:00:00.000Z", "runs": 3}


@pytest.mark.django_db(transaction=True)
def test_two_who_backfill_at_once_get_one_run_for_each(acme: Tenant) -> None:
    pipeline = scheduled(acme)
    both, dispatched = threading.Barrier(2), []

    def go() -> None:
        both.wait(20)
        dispatched.append(fill(pipeline, at(1), at(7)).dispatched)
        connection.close()

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert (sorted(dispatched), len(runs_of(pipeline)), Occurrence.objects.for_tenant(acme).count()) == ([0, 7], 7, 7)


# --- the route


def post(person: Person, pipeline: Pipeline, **body: Any) -> Any:
    """Ask for a backfill."""
    return person.api().post(f"/api/v1/pipelines/{pipeline.pk}/backfill", body, format="json")


RANGE = {"from": "2026-04-17T03:00:00Z", "to": "2026-04-17T06:00:00+02:00"}


def test_the_route_answers_each_occurrence_with_its_state(eve: Person) -> None:
    pipeline = scheduled(eve.tenant)

    dry, real = post(eve, pipeline, **RANGE, dryRun=True), post(eve, pipeline, **RANGE)

    assert dry.json() == {
        "dryRun": True, "dispatched": 2,
        "occurrences": [
            {"occurrence": f"2026-04-17T0{hour}:00:00.000Z", "state": "would_run", "runId": None} for hour in (3, 4)
        ],
    }  # fmt: skip
    assert (real.status_code, [line["runId"] for line in real.json()["occurrences"]]) == (
        200, [str(run.pk) for run in runs_of(pipeline)],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"from": RANGE["from"]}, 400, "to"), ({"to": RANGE["to"]}, 400, "from"),
        ({**RANGE, "from": "yesterday"}, 400, "from"), ({**RANGE, "to": "2026-04-17T06:00:00"}, 400, "to"),
        ({**RANGE, "dryRun": "yes"}, 400, "dryRun"), ({**RANGE, "speed": 3}, 400, "speed"),
        ({**RANGE, "from": "2020-01-01T00:00:00Z"}, 422, "to"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(eve: Person, body: dict[str, Any], status: int, field: str) -> None:
    answer = post(eve, scheduled(eve.tenant), **body)

    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (status, [field])


def test_who_may_backfill(eve: Person, bob: Person, charlie: Person) -> None:
    pipeline = scheduled(eve.tenant)

    assert [post(person, pipeline, **RANGE).status_code for person in (eve, bob, charlie)] == [200, 403, 404]
    assert eve.api().post("/api/v1/pipelines/no-id/backfill", RANGE, format="json").status_code == 404
