"""Making runs: what fails stands alone, what died is made again, and only the owner of the claim may hand over."""

import uuid
from datetime import timedelta
from itertools import chain, repeat
from typing import Any

import pytest
from django.db import OperationalError

from kaireon.platform.budget import Budget
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.notifications.services import delete_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.runs import LEASE, MAX_ATTEMPTS, SCHEDULE_GONE, STOPPED, TEMPLATE_GONE
from reports.decisions.vocabulary import Stage
from reports.models import NarrationCall, ReportArtifact, ReportArtifactChunk, ReportRun
from reports.renderers import registry as renderers
from reports.selectors import artifact_bytes, artifact_of
from reports.services import delete_schedule, delete_template, run_template, work_off_runs
from reports.services.claims import Claim, LeaseLost, OutOfTime, claim_run
from reports.services.queueing import due_schedules, queue_due
from reports.services.running import WorkPass, make_run
from tests.reports.runs_world import (
    DAY,
    DUE,
    MINUTE,
    NOW,
    Told,
    fresh,
    make_schedule,
    make_template,
    make_webhook,
    occurrences,
    only_run,
    runs,
    states,
    tick,
    told_runs,
)
from tests.servers import Receiver


def queue(now: Any = NOW) -> list[uuid.UUID]:
    """Queue what is due."""
    return queue_due(schedule_ids=list(due_schedules(now=now, limit=1000)), now=now).run_ids


def claim(now: Any = NOW) -> Claim:
    """Claim the run whose turn it is."""
    claimed = claim_run(now=now)
    assert claimed is not None
    return claimed


def work(now: Any = NOW, seconds: float = 20) -> int:
    """Do what a worker does with runs."""
    return work_off_runs(now=now, budget=Budget(seconds))


# --- what is made


def test_a_run_keeps_its_files_in_chunks_its_sections_and_its_words(acme: Tenant, source: Told) -> None:
    source.rows = [(f"offer-{number}-{'x' * 100}", number) for number in range(6000)]
    make_schedule(make_template(acme, formats=["csv", "markdown"]))

    tick()

    run = only_run(acme)
    csv = artifact_of(run, "csv")
    content = b"".join(artifact_bytes(csv))
    assert {each.format for each in ReportArtifact.objects.for_tenant(acme)} == {"csv", "markdown"}
    assert (len(content), csv.filename) == (csv.size_bytes, "weekly-performance-2026-04-17.csv")
    assert ReportArtifactChunk.objects.for_tenant(acme).filter(artifact=csv).count() == -(-len(content) // (256 * 1024))
    assert b"offer-5999-" in content
    (section,) = run.sections_data
    assert (section["rowCount"], len(section["rows"]), section["truncated"]) == (6000, 200, True)
    assert run.narrative_output is not None
    assert run.narrative_output["source"] == "deterministic"
    assert "AI_API_KEY" in run.narrative_output["reason"]
    assert not NarrationCall.objects.for_tenant(acme).exists()


def test_a_run_made_again_has_the_same_bytes(acme: Tenant, source: Told) -> None:
    make_schedule(make_template(acme, formats=["csv", "pdf", "html", "markdown"]))
    queue()
    first = claim()
    ReportRun.objects.for_tenant(acme).update(lease_until=NOW)
    work(NOW + MINUTE)
    once = {each.format: each.sha256 for each in ReportArtifact.objects.for_tenant(acme)}
    ReportArtifact.objects.for_tenant(acme).delete()
    ReportRun.objects.for_tenant(acme).update(status="running", stage="querying", lease_until=NOW)

    work(NOW + 5 * MINUTE)

    assert first.attempt == 1
    assert {each.format: each.sha256 for each in ReportArtifact.objects.for_tenant(acme)} == once


def test_the_times_of_a_scheduled_run_are_those_of_its_occurrence(acme: Tenant, source: Told) -> None:
    make_schedule(make_template(acme))

    tick(NOW + 20 * MINUTE)

    run = only_run(acme)
    assert (run.occurrence_at, run.data_until) == (DUE, DUE)
    assert run.started_at >= NOW + 20 * MINUTE


def test_without_words_wanted_there_are_none(acme: Tenant, source: Told) -> None:
    make_schedule(make_template(acme, narrative={"enabled": False}))

    tick()

    assert only_run(acme).narrative_output is None


def test_a_template_that_changes_after_queueing_changes_no_run(acme: Tenant, source: Told) -> None:
    template = make_template(acme)
    make_schedule(template)
    queue()
    template.name = "Another name"
    template.save()

    work()

    assert only_run(acme).definition["name"] == "Weekly performance"


# --- nothing to tell


def test_an_empty_report_that_may_be_skipped_tells_nobody_and_says_so(
    acme: Tenant, source: Told, hook: Receiver
) -> None:
    source.rows = []
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook), skip_if_empty=True)

    result = tick()

    run = only_run(acme)
    assert (result.ran, run.status, run.stage, run.is_empty, run.delivery_ids) == (1, "completed", "done", True, [])
    assert (fresh(schedule).last_status, occurrences(schedule)) == ("skipped_empty", [(DUE, "skipped_empty")])
    assert hook.got == []
    assert run.narrative_output is None


def test_an_empty_report_is_sent_all_the_same_when_it_may_not_be_skipped(
    acme: Tenant, source: Told, hook: Receiver
) -> None:
    source.rows = []
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook))

    tick()

    assert (only_run(acme).is_empty, fresh(schedule).last_status, len(hook.got)) == (True, "completed", 1)


# --- what raises


def test_a_source_that_raises_fails_its_run_and_no_other(acme: Tenant, source: Told, hook: Receiver) -> None:
    def fail_first(number: int) -> None:
        if number == 1:
            raise ValueError("the table is on fire\nand more")

    source.act = fail_first
    template, destination = make_template(acme), make_webhook(acme, hook)
    bad, good = (make_schedule(template, destination, name=name) for name in ("Bad", "Good"))

    result = tick()

    failed = next(run for run in runs(acme) if run.status == "failed")
    assert (result.evaluated, result.ran) == (2, 1)
    assert [each.error for each in result.errors] == ["ValueError: the table is on fire"]
    assert {result.errors[0].schedule_id} == {failed.schedule_id}
    assert (failed.error, failed.stage, failed.claim_token) == ("ValueError: the table is on fire", "done", None)
    assert sorted(fresh(each).last_status for each in (bad, good)) == ["completed", "failed"]
    assert len(hook.got) == 1


def test_a_renderer_that_raises_fails_the_run_and_leaves_no_file(
    acme: Tenant, source: Told, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(document: Any, file: Any) -> None:
        file.write(b"half of")
        raise RuntimeError("no ink")

    broken = renderers.Renderer("html", "HTML", "text/html", "html", fail)
    monkeypatch.setattr(renderers, "RENDERERS", {**renderers.RENDERERS, "html": broken})
    make_schedule(make_template(acme, formats=["csv", "html"]), make_webhook(acme, hook))

    result = tick()

    assert [each.error for each in result.errors] == ["RuntimeError: no ink"]
    assert not ReportArtifact.objects.for_tenant(acme).exists()
    assert not Delivery.objects.for_tenant(acme).filter(event_type="report.completed").exists()
    assert hook.got == []


def test_bad_params_are_a_section_with_an_error_and_the_report_goes_out(
    acme: Tenant, source: Told, hook: Receiver
) -> None:
    sources = [{"sourceKey": "told_rows", "params": {"days": "many"}}, {"sourceKey": "told_rows", "params": {}}]
    make_schedule(make_template(acme, data_sources=sources), make_webhook(acme, hook))

    result = tick()

    broken, whole = only_run(acme).sections_data
    assert (result.ran, result.errors, len(hook.got)) == (1, [], 1)
    assert ("days" in broken["error"], whole["error"]) == (True, "")


def test_a_failure_that_may_pass_is_tried_again_and_at_last_ends_with_its_reason(acme: Tenant, source: Told) -> None:
    def interrupt(number: int) -> None:
        raise OperationalError("canceling statement due to lock timeout")

    source.act = interrupt
    schedule = make_schedule(make_template(acme))

    results = [tick(NOW + minute * MINUTE) for minute in range(MAX_ATTEMPTS)]

    assert ([each.ran for each in results], source.readings) == ([0] * MAX_ATTEMPTS, MAX_ATTEMPTS)
    reason = "OperationalError: canceling statement due to lock timeout"
    assert [[each.error for each in result.errors] for result in results] == [[], [], [reason]]
    assert (only_run(acme).status, only_run(acme).error, fresh(schedule).last_status) == ("failed", reason, "failed")


def test_a_failure_that_passes_costs_nothing_but_time(acme: Tenant, source: Told, hook: Receiver) -> None:
    def interrupt_once(number: int) -> None:
        if number == 1:
            raise OperationalError("deadlock detected")

    source.act = interrupt_once
    make_schedule(make_template(acme), make_webhook(acme, hook))
    tick()

    tick(NOW + MINUTE)

    assert (only_run(acme).status, len(hook.got)) == ("completed", 1)


# --- what is deleted meanwhile


def test_a_template_deleted_after_queueing_is_not_told_of(acme: Tenant, source: Told, hook: Receiver) -> None:
    template = make_template(acme, destination_ids=[make_webhook(acme, hook).pk])
    run_template(
        tenant=acme, template_id=template.pk, actor=SYSTEM, triggered_by="manual", now=NOW, wait_seconds=0
    )  # fmt: skip
    delete_template(tenant=acme, template_id=template.pk, actor=SYSTEM, now=NOW)

    work()

    assert [(run.status, run.error) for run in runs(acme)] == [("failed", TEMPLATE_GONE)]
    assert hook.got == []


def test_a_schedule_deleted_after_queueing_is_not_told_of(acme: Tenant, source: Told, hook: Receiver) -> None:
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook))
    queue()
    delete_schedule(tenant=acme, schedule_id=schedule.pk, actor=SYSTEM, now=NOW)

    work()

    assert (only_run(acme).status, only_run(acme).error, hook.got) == ("failed", SCHEDULE_GONE, [])


def test_a_schedule_deleted_while_its_run_is_built_is_not_told_of(acme: Tenant, source: Told, hook: Receiver) -> None:
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook))
    # In the section's own transaction: what is seen is what a person's deletion leaves.
    source.act = lambda number: schedule.delete() and None

    result = tick()

    assert (only_run(acme).status, only_run(acme).error, hook.got) == ("failed", SCHEDULE_GONE, [])
    assert (result.ran, states(acme)) == (0, [])


def test_a_template_that_is_gone_is_named_in_the_documented_words(acme: Tenant, source: Told) -> None:
    template = make_template(acme)
    schedule = make_schedule(template)
    fine = make_schedule(make_template(acme, name="Fine"), name="Fine")
    # Past the service and the cascade, as a restored backup would.
    template_id = template.pk
    type(template).objects.for_tenant(acme).filter(pk=template_id)._raw_delete("default")

    result = tick()

    assert [tuple(each) for each in result.errors] == [(acme.pk, schedule.pk, f"Template {template_id} not found")]
    assert (result.evaluated, result.ran) == (2, 1)
    assert (fresh(schedule).last_status, fresh(fine).last_status) == ("failed", "completed")
    assert fresh(schedule).next_run_at == DUE + DAY


def test_a_destination_deleted_meanwhile_fails_alone(
    acme: Tenant, source: Told, hook: Receiver, other_hook: Receiver
) -> None:
    gone, there = make_webhook(acme, hook), make_webhook(acme, other_hook)
    schedule = make_schedule(make_template(acme), gone, there)
    delete_destination(tenant_id=acme.pk, destination_id=gone.pk, actor=SYSTEM, now=NOW)

    tick()

    assert sorted(states(acme)) == ["delivered", "failed"]
    assert (only_run(acme).status, fresh(schedule).last_status) == ("completed_with_errors",) * 2
    assert (len(hook.got), len(other_hook.got)) == (0, 1)


def test_a_template_that_is_switched_off_does_not_run_and_says_so(acme: Tenant, source: Told) -> None:
    schedule = make_schedule(make_template(acme, enabled=False))

    result = tick()

    assert (result.evaluated, result.ran, runs(acme)) == (1, 0, [])
    assert occurrences(schedule) == [(DUE, "missed")]
    assert fresh(schedule).next_run_at == DUE + DAY


# --- claims


def test_a_run_under_a_lease_is_nobody_elses(acme: Tenant, source: Told) -> None:
    make_schedule(make_template(acme))
    queue()
    claim()

    assert claim_run(now=NOW + LEASE - timedelta(seconds=1)) is None
    assert claim_run(now=NOW + LEASE) is not None


def test_a_claim_after_three_deaths_is_refused_and_the_run_fails(acme: Tenant, source: Told) -> None:
    schedule = make_schedule(make_template(acme))
    queue()
    for number in range(MAX_ATTEMPTS):
        claim(NOW + number * LEASE)
    later = NOW + MAX_ATTEMPTS * LEASE

    result = tick(later)

    assert claim_run(now=later) is None
    assert [each.error for each in result.errors] == [STOPPED]
    assert (only_run(acme).status, only_run(acme).attempts, fresh(schedule).last_status) == ("failed", 3, "failed")


def test_an_owner_that_wakes_up_after_its_lease_cannot_hand_over(acme: Tenant, source: Told, hook: Receiver) -> None:
    make_schedule(make_template(acme), make_webhook(acme, hook))
    queue()
    old = claim()
    ReportRun.objects.for_tenant(acme).update(lease_until=NOW)
    work(NOW + MINUTE)

    with pytest.raises(LeaseLost):
        make_run(claim=old, clock=lambda: NOW + MINUTE)

    assert (only_run(acme).status, states(acme), len(told_runs(hook))) == ("completed", ["delivered"], 1)


def test_an_owner_that_loses_its_lease_while_it_builds_throws_its_work_away(
    acme: Tenant, source: Told, hook: Receiver
) -> None:
    make_schedule(make_template(acme), make_webhook(acme, hook))
    queue()
    other = uuid.uuid4()

    def take_over(number: int) -> None:
        ReportRun.objects.for_tenant(acme).update(claim_token=other, lease_until=NOW + LEASE)

    source.act = take_over
    touched = WorkPass(Budget(20), lambda: NOW).execute()

    assert [(each.is_made, each.error) for each in touched] == [(False, "")]
    assert (only_run(acme).claim_token, only_run(acme).status) == (other, "running")
    assert (states(acme), ReportArtifact.objects.for_tenant(acme).count(), hook.got) == ([], 0, [])


def test_a_run_is_given_back_when_nobody_waits_for_it_any_more(acme: Tenant, source: Told) -> None:
    template = make_template(acme)
    instants = chain([NOW, NOW], repeat(NOW + 3 * MINUTE))
    run_template(
        tenant=acme, template_id=template.pk, actor=SYSTEM, triggered_by="api", now=NOW, wait_seconds=0
    )  # fmt: skip

    with pytest.raises(OutOfTime):
        make_run(claim=claim(), clock=lambda: NOW + 3 * MINUTE, ends_at=NOW + 2 * MINUTE)
    ReportRun.objects.for_tenant(acme).update(lease_until=NOW)
    worked = WorkPass(Budget(20), lambda: next(instants), ends_at=NOW + 2 * MINUTE).execute()

    assert [(each.is_made, each.error) for each in worked] == [(False, "")]
    run = only_run(acme)
    assert (run.status, run.stage, run.claim_token, run.attempts) == ("running", Stage.QUEUED, None, 1)


def test_a_worker_makes_what_was_queued(acme: Tenant, source: Told, hook: Receiver) -> None:
    template = make_template(acme, destination_ids=[make_webhook(acme, hook).pk])
    run = run_template(
        tenant=acme, template_id=template.pk, actor=SYSTEM, triggered_by="manual", now=NOW, wait_seconds=0
    )  # fmt: skip

    touched = [work(), work()]

    assert (run.status, run.stage) == ("running", "queued")
    assert (touched, only_run(acme).status, told_runs(hook)) == ([1, 0], "completed", [run.pk])
