"""`kill -9` at every boundary of a run, two ticks at once, two workers on one run.

Each test holds a real `manage.py tick --only reports` where it can be seen from outside, kills it there, and asks
afterwards who got what: every destination once, or `unknown` where a request was cut off. No occurrence is lost.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from kaireon.platform.budget import Budget
from kaireon.platform.locks import lock_key
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportArtifact, ReportOccurrence, ReportRun, ReportSchedule
from reports.services import ReportTick, run_tick, work_off_runs
from reports.services.claims import Claim, LeaseLost, claim_run
from reports.services.queueing import due_schedules, queue_due
from reports.services.running import make_run
from tests.chaos.processes import Gate, advisory_gate, gate_before_update, ticking, wait_until
from tests.chaos.receivers import Hold, allowed_receiver
from tests.chaos.test_outbox_pgbouncer import bouncer
from tests.people import make_tenant
from tests.reports.runs_world import (
    fresh,
    make_schedule,
    make_template,
    make_webhook,
    only_run,
    runs,
    states,
    told_runs,
)
from tests.servers import Receiver, Reply

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

RUNS = ReportRun._meta.db_table
DELIVERIES = Delivery._meta.db_table
# The distance of two ticks: long enough for every lease of a process that was killed to have run out.
LATER = timedelta(minutes=1)
ONLY = ["--only", "reports"]


@pytest.fixture
def acme() -> Tenant:
    """Return a tenant that other processes see."""
    return make_tenant("Acme")


@pytest.fixture
def hook(settings: object) -> Iterator[Receiver]:
    """Run a webhook that answers."""
    yield from allowed_receiver(settings)


@pytest.fixture
def slow_hook(settings: object) -> Iterator[Receiver]:
    """Run a webhook whose answers a test may hold back."""
    yield from allowed_receiver(settings)


def a_due_schedule(tenant: Tenant, *receivers: Receiver, name: str = "Due") -> ReportSchedule:
    """Create a schedule that is due now and then not before New Year, of a source that every process has."""
    due = timezone.now().replace(second=0, microsecond=0)
    template = make_template(
        tenant, name=name, data_sources=[{"sourceKey": "revenue_trend", "params": {"days": 7}}],
        formats=["csv", "markdown"],
    )  # fmt: skip
    destinations = [make_webhook(tenant, each, f"Hook {index}") for index, each in enumerate(receivers)]
    return make_schedule(
        template, *destinations, name=name, cron_expression="0 0 1 1 *", next_run_at=due,
        last_occurrence_at=due - timedelta(hours=1),
    )  # fmt: skip


def tick(now: datetime) -> ReportTick:
    """Run a tick in this process."""
    return run_tick(now=now, budget=Budget(50))


def soon() -> datetime:
    """Return a time at which every lease of now has run out."""
    return timezone.now() + LATER


def settle_all(schedule: ReportSchedule) -> ReportSchedule:
    """Tick twice, each time with every lease run out, and return the schedule as it is then."""
    tick(soon())
    tick(soon() + LATER)
    return fresh(schedule)


def occurrence_count(schedule: ReportSchedule) -> int:
    """Return how many occurrences of the schedule have a row."""
    return ReportOccurrence.objects.for_tenant(schedule.tenant_id).filter(schedule=schedule).count()


# --- killed before the report was handed over


def test_killed_while_it_decides_nothing_has_happened_and_the_next_tick_fires(acme: Tenant, hook: Receiver) -> None:
    schedule = a_due_schedule(acme, hook)
    with (
        gate_before_update(ReportSchedule._meta.db_table, "NEW.next_run_at <> OLD.next_run_at") as gate,
        ticking([hook.place], ONLY) as process,
    ):
        wait_until(gate.is_reached)
        process.kill()
        gate.terminate_waiting()
        gate.lift()
    before = (occurrence_count(schedule), len(runs(acme)))

    tick(timezone.now())

    assert before == (0, 0)
    assert (only_run(acme).status, told_runs(hook)) == ("completed", [only_run(acme).pk])


@pytest.mark.parametrize(
    "stage",
    [pytest.param("querying", id="claimed"), pytest.param("narrating", id="queried"), "rendering"],
)
def test_killed_while_it_is_made_the_run_is_made_again_and_told_once(acme: Tenant, hook: Receiver, stage: str) -> None:
    schedule = a_due_schedule(acme, hook)
    with (
        gate_before_update(RUNS, f"OLD.stage <> '{stage}' AND NEW.stage = '{stage}'") as gate,
        ticking([hook.place], ONLY) as process,
    ):
        wait_until(gate.is_reached)
        process.kill()
        gate.lift()
    at_the_kill = (only_run(acme).status, len(hook.got))
    too_early = tick(timezone.now()).ran if stage != "querying" else 0

    after = settle_all(schedule)

    assert (at_the_kill, too_early) == (("running", 0), 0)
    assert (only_run(acme).status, told_runs(hook)) == ("completed", [only_run(acme).pk])
    assert (states(acme), after.last_status, occurrence_count(schedule)) == (["delivered"], "completed", 1)


def test_killed_in_the_middle_of_a_query_the_run_is_made_again(acme: Tenant, hook: Receiver) -> None:
    schedule = a_due_schedule(acme, hook)
    gate = Gate()
    try:
        gate.holder.autocommit = False
        gate.holder.execute("LOCK TABLE interactions_interaction IN ACCESS EXCLUSIVE MODE")
        with ticking([hook.place], ONLY) as process:
            wait_until(lambda: waiting_for_a_lock() > 0)
            process.kill()
    finally:
        gate.holder.rollback()
        gate.holder.close()

    settle_all(schedule)

    assert (only_run(acme).status, told_runs(hook)) == ("completed", [only_run(acme).pk])


def waiting_for_a_lock() -> int:
    """Count who waits for a lock in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def test_killed_just_before_the_commit_nothing_is_there_and_the_next_one_hands_over_once(
    acme: Tenant, hook: Receiver
) -> None:
    schedule = a_due_schedule(acme, hook)
    with (
        gate_before_update(RUNS, "NEW.stage = 'delivering' AND OLD.stage <> 'delivering'") as gate,
        ticking([hook.place], ONLY) as process,
    ):
        wait_until(gate.is_reached)
        process.kill()
        # The server rolls back what waits at the gate: its client is gone.
        gate.terminate_waiting()
        gate.lift()
    at_the_kill = (ReportArtifact.objects.for_tenant(acme).count(), states(acme), len(hook.got))

    settle_all(schedule)

    assert at_the_kill == (0, [], 0)
    assert (only_run(acme).attempts, only_run(acme).status) == (2, "completed")
    assert (told_runs(hook), states(acme)) == ([only_run(acme).pk], ["delivered"])
    assert ReportArtifact.objects.for_tenant(acme).count() == 2


def test_a_run_that_dies_three_times_ends_as_failed_and_is_no_longer_running(acme: Tenant, hook: Receiver) -> None:
    schedule = a_due_schedule(acme, hook)
    for _ in range(3):
        with (
            gate_before_update(RUNS, "OLD.stage <> 'rendering' AND NEW.stage = 'rendering'") as gate,
            ticking([hook.place], ONLY) as process,
        ):
            wait_until(gate.is_reached)
            process.kill()
            gate.terminate_waiting()
            gate.lift()
        ReportRun.objects.for_tenant(acme).update(lease_until=timezone.now())

    result = tick(timezone.now())

    assert [(each.schedule_id, each.error.startswith("Begun 3 times")) for each in result.errors] == [
        (schedule.pk, True)
    ]
    assert (only_run(acme).status, fresh(schedule).last_status, hook.got) == ("failed", "failed", [])


# --- killed after it


def test_killed_just_after_the_commit_the_run_is_not_made_again_and_told_once(acme: Tenant, hook: Receiver) -> None:
    schedule = a_due_schedule(acme, hook)
    with (
        gate_before_update(DELIVERIES, "OLD.state = 'pending' AND NEW.state = 'sending'") as gate,
        ticking([hook.place], ONLY) as process,
    ):
        wait_until(gate.is_reached)
        process.kill()
        gate.terminate_waiting()
        gate.lift()
    at_the_kill = (only_run(acme).stage, states(acme), len(hook.got))

    after = settle_all(schedule)

    assert at_the_kill == ("delivering", ["pending"], 0)
    assert (only_run(acme).attempts, told_runs(hook)) == (1, [only_run(acme).pk])
    assert (states(acme), after.last_status) == (["delivered"], "completed")


def test_killed_in_the_middle_of_a_delivery_one_is_unknown_and_the_other_got_it_once(
    acme: Tenant, hook: Receiver, slow_hook: Receiver
) -> None:
    hold = Hold()
    slow_hook.script = hold
    schedule = a_due_schedule(acme, hook, slow_hook)
    with ticking([hook.place, slow_hook.place], ONLY) as process:
        assert hold.arrived.wait(30)
        wait_until(lambda: "delivered" in states(acme))
        process.kill()
    hold.let_go.set()
    slow_hook.script = lambda got: Reply()

    after = settle_all(schedule)

    run = only_run(acme)
    assert (told_runs(hook), told_runs(slow_hook)) == ([run.pk], [run.pk])
    assert sorted(states(acme)) == ["delivered", "unknown"]
    assert (run.status, after.last_status) == ("completed_with_errors", "completed_with_errors")


def test_killed_before_it_settled_the_next_tick_settles_and_sends_nothing(acme: Tenant, hook: Receiver) -> None:
    schedule = a_due_schedule(acme, hook)
    with (
        gate_before_update(RUNS, "NEW.stage = 'done' AND OLD.stage <> 'done'") as gate,
        ticking([hook.place], ONLY) as process,
    ):
        wait_until(gate.is_reached)
        process.kill()
        gate.terminate_waiting()
        gate.lift()
    unsettled = (only_run(acme).status, fresh(schedule).last_status)

    after = settle_all(schedule)

    assert unsettled == ("running", "pending")
    assert (only_run(acme).status, after.last_status, len(hook.got)) == ("completed", "completed", 1)


# --- two at once


def test_two_ticks_at_once_fire_every_schedule_once(acme: Tenant, hook: Receiver, slow_hook: Receiver) -> None:
    schedules = [a_due_schedule(acme, hook, slow_hook, name=f"S{number}") for number in range(8)]
    allowed = [hook.place, slow_hook.place]

    with ticking(allowed, ONLY) as one, ticking(allowed, ONLY) as other, ticking(allowed, ONLY) as third:
        answers = [process.answer() for process in (one, other, third)]

    expected = Counter({run.pk: 1 for run in runs(acme)})
    assert (len(expected), [occurrence_count(each) for each in schedules]) == (8, [1] * 8)
    assert (Counter(told_runs(hook)), Counter(told_runs(slow_hook))) == (expected, expected)
    assert sum(answer["reportsEvaluated"] for answer in answers) == 8
    assert sum(answer["reportsRan"] for answer in answers) == 8
    assert [answer["reportErrors"] + answer["errors"] for answer in answers] == [[], [], []]


def test_two_ticks_behind_a_pooler_fire_every_schedule_once(acme: Tenant, hook: Receiver) -> None:
    schedules = [a_due_schedule(acme, hook, name=f"S{number}") for number in range(6)]

    with (
        bouncer(pool=2) as url,
        ticking([hook.place], ONLY, url) as one,
        ticking([hook.place], ONLY, url) as other,
    ):
        answers = [process.answer() for process in (one, other)]

    assert Counter(told_runs(hook)) == {run.pk: 1 for run in runs(acme)}
    assert [occurrence_count(each) for each in schedules] == [1] * 6
    assert [answer["reportErrors"] + answer["errors"] for answer in answers] == [[], []]


def test_a_tick_retried_after_its_answer_was_lost_tells_nobody_again(acme: Tenant, hook: Receiver) -> None:
    a_due_schedule(acme, hook)
    with ticking([hook.place], ONLY) as first:
        first.answer()

    with ticking([hook.place], ONLY) as retried:
        answer = retried.answer()

    assert (answer["reportsEvaluated"], answer["reportsRan"], len(hook.got)) == (0, 0, 1)


def test_a_lapsed_run_is_taken_over_by_one_of_two(acme: Tenant, hook: Receiver) -> None:
    a_due_schedule(acme, hook)
    now = timezone.now()
    queue_due(schedule_ids=list(due_schedules(now=now, limit=10)), now=now)
    claim_run(now=now)
    claimed: list[Claim | None] = []
    both = threading.Barrier(2)

    def take() -> None:
        both.wait(10)
        claimed.append(claim_run(now=now + LATER))
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(each is None for each in claimed) == [False, True]


def test_an_owner_that_slept_past_its_lease_cannot_commit(acme: Tenant, hook: Receiver) -> None:
    schedule = a_due_schedule(acme, hook)
    now = timezone.now()
    queue_due(schedule_ids=list(due_schedules(now=now, limit=10)), now=now)
    old = claim_run(now=now)
    assert old is not None
    outcome: list[object] = []

    def sleepy_clock() -> datetime:
        # Asleep from the first beat on, while another process takes the run over and finishes it.
        if not outcome:
            outcome.append("slept")
            work = threading.Thread(target=_work, args=(now + LATER,))
            work.start()
            work.join(30)
        return now

    with pytest.raises(LeaseLost):
        make_run(claim=old, clock=sleepy_clock)

    settle_all(schedule)
    assert (told_runs(hook), states(acme)) == ([only_run(acme).pk], ["delivered"])
    assert (only_run(acme).attempts, ReportArtifact.objects.for_tenant(acme).count()) == (2, 2)


def _work(now: datetime) -> None:
    work_off_runs(now=now, budget=Budget(20))
    connection.close()


def test_two_workers_beside_a_tick_make_every_run_once(acme: Tenant, hook: Receiver) -> None:
    for number in range(6):
        a_due_schedule(acme, hook, name=f"S{number}")
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            work_off_runs(now=timezone.now(), budget=Budget(5))
            time.sleep(0.01)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        with ticking([hook.place], ONLY) as process:
            process.answer()
        wait_until(lambda: {run.status for run in runs(acme)} == {"completed"})
    finally:
        stop.set()
        for worker in workers:
            worker.join(20)

    assert Counter(told_runs(hook)) == {run.pk: 1 for run in runs(acme)}
    assert {run.attempts for run in runs(acme)} == {1}


def test_a_tick_that_loses_its_database_stops_and_the_run_is_made_later(acme: Tenant, hook: Receiver) -> None:
    schedule = a_due_schedule(acme, hook)
    with (
        gate_before_update(RUNS, "OLD.stage <> 'rendering' AND NEW.stage = 'rendering'") as gate,
        ticking([hook.place], ONLY) as process,
    ):
        wait_until(gate.is_reached)
        gate.terminate_waiting()
        process.process.communicate(timeout=30)
        gate.lift()

    settle_all(schedule)

    assert process.process.returncode != 0
    assert (only_run(acme).status, told_runs(hook)) == ("completed", [only_run(acme).pk])


def test_a_schedule_deleted_while_its_run_is_handed_over_does_not_deadlock(acme: Tenant, hook: Receiver) -> None:
    schedule = a_due_schedule(acme, hook)
    failures: list[BaseException] = []

    def delete() -> None:
        try:
            fresh(schedule).delete()
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)
        finally:
            connection.close()

    with gate_before_update(RUNS, "NEW.stage = 'done' AND OLD.stage <> 'done'") as gate:
        with ticking([hook.place], ONLY) as process:
            wait_until(gate.is_reached)
            deleting = threading.Thread(target=delete)
            deleting.start()
            wait_until(lambda: gate.waiting() == 2)
            gate.lift()
            answer = process.answer()
        deleting.join(20)

    assert (failures, answer["errors"], answer["reportErrors"]) == ([], [], [])
    assert (only_run(acme).status, only_run(acme).schedule_id, len(hook.got)) == ("completed", None, 1)


def test_an_audit_in_the_way_delays_and_does_not_lose(acme: Tenant, hook: Receiver) -> None:
    schedule = a_due_schedule(acme, hook)
    ReportSchedule.objects.for_tenant(acme).filter(pk=schedule.pk).update(cron_expression="never")
    fine = a_due_schedule(acme, hook, name="Fine")
    with advisory_gate(lock_key("audit.chain", acme.pk)) as gate, ticking([hook.place], ONLY) as process:
        wait_until(gate.is_reached)
        process.kill()
        gate.terminate_waiting()
        gate.lift()

    tick(timezone.now())

    assert (fresh(schedule).state, fresh(fine).last_status, len(hook.got)) == ("parked", "completed", 1)
