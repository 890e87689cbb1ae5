"""The API of runs: run-now, preview, history, one run, its files, resend."""

import base64
import csv
import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.notifications.services import resend_delivery
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.models import NarrationCall, ReportArtifact, ReportOccurrence, ReportRun, ReportTemplate
from reports.services import run_template
from reports.services.artifacts import LINK_LASTS, signed_link
from tests.people import Person
from tests.reports.runs_world import (
    DAY,
    NOW,
    Told,
    make_schedule,
    make_template,
    make_webhook,
    only_run,
    runs,
    states,
    tick,
    told_runs,
)
from tests.servers import Receiver, Reply

RUNS = "/api/v1/reports/runs"
KEYS = [
    "id", "templateId", "scheduleId", "occurrenceAt", "triggeredBy", "status", "stage", "startedAt", "finishedAt",
    "durationMs", "isEmpty", "artifacts", "deliveries", "error",
]  # fmt: skip


def run_now(person: Person, template: ReportTemplate, query: str = "", **body: Any) -> Any:
    """Ask for a run."""
    return person.api().post(f"/api/v1/reports/templates/{template.pk}/run-now{query}", body, format="json")


def text_of(answer: Any) -> str:
    """Return the text of a file that was answered."""
    return b"".join(answer.streaming_content).decode("utf-8-sig")


# --- run now


def test_run_now_answers_202_with_the_files_and_the_deliveries(
    alice: Person, acme: Tenant, source: Told, hook: Receiver
) -> None:
    destination = make_webhook(acme, hook)
    template = make_template(acme, destination_ids=[destination.pk])

    answer = run_now(alice, template)

    run, artifact = only_run(acme), ReportArtifact.objects.for_tenant(acme).get()
    assert answer.status_code == 202
    assert answer.json() == {
        "runId": str(run.pk), "status": "completed", "error": None,
        "artifacts": [
            {
                "format": "csv", "filename": artifact.filename, "contentType": "text/csv; charset=utf-8",
                "sizeBytes": artifact.size_bytes, "sha256": artifact.sha256,
            }
        ],
        "deliveries": [
            {
                "providerId": str(destination.pk), "deliveryId": str(run.delivery_ids[0]), "kind": "webhook",
                "status": "delivered", "attempts": 1, "error": None,
            }
        ],
    }  # fmt: skip
    assert told_runs(hook) == [run.pk]
    assert (run.triggered_by, run.requested_by, run.schedule_id, run.occurrence_at) == ("api", "alice", None, None)


def test_run_now_without_waiting_answers_at_once_and_makes_nothing(
    alice: Person, acme: Tenant, source: Told, hook: Receiver
) -> None:
    template = make_template(acme, destination_ids=[make_webhook(acme, hook).pk])

    answer = run_now(alice, template, "?wait=0")

    body = answer.json()
    assert (answer.status_code, body["status"], body["artifacts"], body["deliveries"]) == (202, "running", [], [])
    assert (source.readings, only_run(acme).stage, hook.got) == (0, "queued", [])


def test_run_now_of_a_report_that_fails_says_why(alice: Person, acme: Tenant, source: Told) -> None:
    def fail(number: int) -> None:
        raise ValueError("no such table")

    source.act = fail

    answer = run_now(alice, make_template(acme))

    assert (answer.status_code, answer.json()["status"], answer.json()["error"]) == (
        202, "failed", "ValueError: no such table"
    )  # fmt: skip


def test_run_now_by_a_person_is_manual_and_audited(alice: Person, acme: Tenant, source: Told) -> None:
    template = make_template(acme)

    answer = alice.browser().post(
        f"/api/v1/reports/templates/{template.pk}/run-now", "{}", content_type="application/json"
    )

    entry = AuditEntry.objects.for_tenant(acme).get(action="run_now")
    assert (answer.status_code, only_run(acme).triggered_by) == (202, "manual")
    assert (entry.entity_type, entry.entity_id, entry.entity_name) == (
        "report_run", str(only_run(acme).pk), "Weekly performance"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "body", "field"),
    [("?wait=perhaps", {}, "wait"), ("", {"force": True}, "force")],
    ids=["wait", "unknown-field"],
)
def test_what_run_now_cannot_read_is_400_and_runs_nothing(
    alice: Person, acme: Tenant, source: Told, query: str, body: dict[str, Any], field: str
) -> None:
    answer = run_now(alice, make_template(acme), query, **body)

    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])
    assert runs(acme) == []


def test_run_now_of_another_tenants_template_is_404(charlie: Person, acme: Tenant, source: Told) -> None:
    answer = run_now(charlie, make_template(acme))

    assert (answer.status_code, runs(acme)) == (404, [])


def test_a_viewer_cannot_run(bob: Person, acme: Tenant, source: Told) -> None:
    assert (run_now(bob, make_template(acme)).status_code, runs(acme)) == (403, [])


def test_a_run_by_hand_counts_days_in_the_zone_of_its_schedule(alice: Person, acme: Tenant, source: Told) -> None:
    template = make_template(acme)
    make_schedule(template, timezone="Asia/Kolkata", next_run_at=NOW + DAY)

    run_now(alice, template)

    assert only_run(acme).zone == "Asia/Kolkata"


# --- preview


def test_a_preview_shows_what_a_run_would_and_keeps_nothing(bob: Person, acme: Tenant, source: Told) -> None:
    template = make_template(acme, formats=["csv", "markdown"])

    answer = bob.api().post(f"/api/v1/reports/templates/{template.pk}/preview", {}, format="json")

    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == ["period", "sections", "narrative", "artifacts"]
    assert body["sections"][0]["rows"] == [["offer-a", 3], ["offer-b", 5]]
    assert (body["narrative"]["source"], body["narrative"]["tokens"]) == ("deterministic", 0)
    files = {each["format"]: base64.b64decode(each["base64"]) for each in body["artifacts"]}
    assert "offer-b,5" in files["csv"].decode()
    assert "offer-b" in files["markdown"].decode()
    kept = (ReportRun, ReportArtifact, ReportOccurrence, NarrationCall, Delivery, AuditEntry)
    assert [model.objects.for_tenant(acme).count() for model in kept[:-1]] == [0] * 5
    assert not AuditEntry.objects.for_tenant(acme).exclude(action="create").exists()


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"timezone": "Mars/Olympus"}, 422, "timezone"),
        ({"timezone": 5}, 400, "timezone"),
        ({"zone": "UTC"}, 400, "zone"),
    ],
)
def test_a_preview_in_no_zone_is_refused(
    alice: Person, acme: Tenant, source: Told, body: dict[str, Any], status: int, field: str
) -> None:
    answer = alice.api().post(f"/api/v1/reports/templates/{make_template(acme).pk}/preview", body, format="json")

    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (status, [field])


# --- history


def test_a_run_has_the_documented_keys(alice: Person, acme: Tenant, source: Told, hook: Receiver) -> None:
    schedule = make_schedule(make_template(acme), make_webhook(acme, hook))
    tick()

    body = alice.api().get(f"{RUNS}/{only_run(acme).pk}").json()

    assert list(body) == [*KEYS, "sectionsData", "narrativeOutput"]
    assert (body["scheduleId"], body["occurrenceAt"], body["triggeredBy"], body["status"]) == (
        str(schedule.pk), "2026-04-17T08:00:00.000Z", "cron", "completed"
    )  # fmt: skip
    assert body["durationMs"] >= 0
    assert body["narrativeOutput"]["executiveSummary"]
    assert len(body["narrativeOutput"]["takeaways"]) >= 1


def test_the_documented_path_works_for_a_signed_in_browser(bob: Person, acme: Tenant, source: Told) -> None:
    make_schedule(make_template(acme))
    tick()

    answer = bob.browser().get(f"{RUNS}/{only_run(acme).pk}")

    assert (answer.status_code, answer.json()["id"]) == (200, str(only_run(acme).pk))


def test_the_history_is_newest_first_paged_by_offset_and_without_what_runs_say(
    alice: Person, acme: Tenant, source: Told
) -> None:
    template, other = make_template(acme), make_template(acme, name="Other")
    for number in range(3):
        run_template(
            tenant=acme, template_id=template.pk, actor=SYSTEM, triggered_by="api", now=NOW + number * DAY,
            wait_seconds=0,
        )  # fmt: skip
    run_template(tenant=acme, template_id=other.pk, actor=SYSTEM, triggered_by="api", now=NOW, wait_seconds=0)

    first = alice.api().get(f"{RUNS}?templateId={template.pk}&limit=2").json()
    second = alice.api().get(f"{RUNS}?templateId={template.pk}&limit=2&offset=2").json()
    everything = alice.api().get(RUNS).json()

    assert list(first["data"][0]) == KEYS
    assert first["pagination"] == {"total": 3, "limit": 2, "hasMore": True, "cursor": None}
    assert second["pagination"] == {"total": 3, "limit": 2, "hasMore": False, "cursor": None}
    shown = [each["id"] for each in first["data"] + second["data"]]
    assert shown == [str(run.pk) for run in reversed([run for run in runs(acme) if run.template_id == template.pk])]
    assert everything["pagination"]["total"] == 4


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=201", "limit"), ("offset=-1", "offset"), ("templateId=x", "templateId")],
)
def test_a_bad_parameter_of_the_history_is_named(alice: Person, query: str, field: str) -> None:
    answer = alice.api().get(f"{RUNS}?{query}")

    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])


def test_the_history_takes_as_many_queries_for_two_runs_as_for_ten(
    alice: Person, acme: Tenant, source: Told, hook: Receiver, django_assert_max_num_queries: Any
) -> None:
    template = make_template(acme)
    for number in range(10):
        make_schedule(template, make_webhook(acme, hook, f"Hook {number}"), name=f"S{number}")
    tick()

    with django_assert_max_num_queries(12):
        answer = alice.api().get(RUNS)

    assert len(answer.json()["data"]) == 10


@pytest.mark.parametrize("path", ["", "/artifacts/csv"])
def test_another_tenants_run_is_404(charlie: Person, acme: Tenant, source: Told, path: str) -> None:
    make_schedule(make_template(acme))
    tick()

    answer = charlie.api().get(f"{RUNS}/{only_run(acme).pk}{path}")

    assert answer.status_code == 404


# --- files


def test_a_file_is_answered_as_it_was_made(bob: Person, acme: Tenant, source: Told) -> None:
    make_schedule(make_template(acme, formats=["csv", "html"]))
    tick()
    artifact = ReportArtifact.objects.for_tenant(acme).get(format="html")

    answer = bob.browser().get(f"{RUNS}/{only_run(acme).pk}/artifacts/html")

    content = b"".join(answer)
    assert (answer.status_code, len(content), int(answer["Content-Length"])) == (
        200, artifact.size_bytes, artifact.size_bytes
    )  # fmt: skip
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="{artifact.filename}"'
    assert (answer["X-Content-Type-Options"], answer["Content-Security-Policy"]) == ("nosniff", "sandbox")
    assert answer["ETag"] == f'"{artifact.sha256}"'


def test_a_section_of_a_csv_is_one_clean_table(bob: Person, acme: Tenant, source: Told) -> None:
    source.rows = [('a, "quoted"\r\n\r\nname', 1), ("=1+1", 2), ("plain", 3)]
    sections = [
        {"id": "first", "title": "A\ntitle", "dataSourceIndex": 0}, {"id": "second", "title": "B", "dataSourceIndex": 0}
    ]  # fmt: skip
    make_schedule(make_template(acme, sections=sections, description='Lines\n\nand "more"'))
    tick()
    path = f"{RUNS}/{only_run(acme).pk}/artifacts/csv"

    tables = [text_of(bob.api().get(f"{path}?section={name}")) for name in ("first", "second")]
    missing = bob.api().get(f"{path}?section=third")

    rows = list(csv.reader(io.StringIO(tables[0], newline="")))
    assert tables[0] == tables[1]
    assert rows[0][0] == "Offer"
    assert [row[1] for row in rows[1:]] == ["1", "2", "3"]
    assert rows[2][0] == "'=1+1"
    assert missing.status_code == 404


@pytest.mark.parametrize("fmt", ["pdf", "docx", "..%2Fcsv"])
def test_a_file_that_was_not_made_is_404(alice: Person, acme: Tenant, source: Told, fmt: str) -> None:
    make_schedule(make_template(acme))
    tick()

    assert alice.api().get(f"{RUNS}/{only_run(acme).pk}/artifacts/{fmt}").status_code == 404


def test_without_sign_in_and_link_a_file_is_401(acme: Tenant, source: Told) -> None:
    make_schedule(make_template(acme))
    tick()

    assert Client().get(f"{RUNS}/{only_run(acme).pk}/artifacts/csv").status_code == 401


# --- signed links


def link_of(tenant: Tenant, age: timedelta = timedelta(0)) -> str:
    """Return path and query of a link to the tenant's file that was signed so long ago."""
    artifact = ReportArtifact.objects.for_tenant(tenant).get(format="csv")
    return signed_link(artifact, now=timezone.now() - age).removeprefix("http://127.0.0.1:3000")


def test_a_signed_link_needs_no_sign_in_and_ends_after_a_day(acme: Tenant, source: Told) -> None:
    make_schedule(make_template(acme))
    tick()

    fresh, last, late = (
        Client().get(link_of(acme, age)) for age in (timedelta(0), LINK_LASTS - timedelta(minutes=1), LINK_LASTS * 1.01)
    )

    assert (fresh.status_code, last.status_code, late.status_code) == (200, 200, 410)
    assert late.json()["error"]["code"] == "LINK_EXPIRED"
    assert "24 hours" in late.json()["error"]["message"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("token=", "token=x", id="token"),
        pytest.param("expires=1", "expires=2", id="expiry"),
        pytest.param("expires=", "expires=x", id="no-number"),
        pytest.param("artifacts/csv", "artifacts/markdown", id="another-file"),
        pytest.param("expires=", "other=", id="no-expiry"),
    ],
)
def test_a_link_that_was_changed_is_404(acme: Tenant, source: Told, old: str, new: str) -> None:
    make_schedule(make_template(acme, formats=["csv", "markdown"]))
    tick()

    answer = Client().get(link_of(acme).replace(old, new, 1))

    assert answer.status_code == 404


def test_a_link_leads_to_its_own_run_only(acme: Tenant, globex: Tenant, source: Told) -> None:
    make_schedule(make_template(acme))
    make_schedule(make_template(globex))
    tick()

    stolen = link_of(acme).replace(str(only_run(acme).pk), str(only_run(globex).pk))

    assert Client().get(stolen).status_code == 404


def test_a_link_to_a_run_that_was_deleted_is_404(acme: Tenant, source: Told) -> None:
    make_schedule(make_template(acme))
    tick()
    link = link_of(acme)
    only_run(acme).delete()

    assert Client().get(link).status_code == 404


def test_a_bad_token_is_no_way_around_a_role(charlie: Person, acme: Tenant, source: Told) -> None:
    make_schedule(make_template(acme))
    tick()

    answer = charlie.api().get(f"{RUNS}/{only_run(acme).pk}/artifacts/csv?token=x&expires=99999999999")

    assert answer.status_code == 404


# --- resend


def broken_once(acme: Tenant, hook: Receiver, other: Receiver, status: int = 400) -> ReportRun:
    """Make a run that one of two destinations refused."""
    hook.script = lambda got: Reply(status=status)
    make_schedule(make_template(acme), make_webhook(acme, hook), make_webhook(acme, other))
    tick()
    hook.script = lambda got: Reply()
    return only_run(acme)


def resend(person: Person, run: ReportRun) -> Any:
    """Ask for a resend."""
    return person.api().post(f"{RUNS}/{run.pk}/resend", {}, format="json")


def test_a_resend_goes_only_to_those_that_did_not_get_it(
    alice: Person, acme: Tenant, source: Told, hook: Receiver, other_hook: Receiver
) -> None:
    run = broken_once(acme, hook, other_hook)
    before = (run.status, len(hook.got), len(other_hook.got))

    answer = resend(alice, run)

    assert before == ("completed_with_errors", 1, 1)
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert [each["status"] for each in answer.json()["deliveries"]] == ["delivered", "delivered"]
    assert (told_runs(hook), len(other_hook.got)) == ([run.pk, run.pk], 1)
    assert (sorted(states(acme)), source.readings) == (["delivered", "delivered", "failed"], 1)


def test_a_report_that_is_sent_again_months_later_took_no_months(
    alice: Person, acme: Tenant, source: Told, hook: Receiver, other_hook: Receiver
) -> None:
    run = broken_once(acme, hook, other_hook)
    before = alice.api().get(f"{RUNS}/{run.pk}").json()
    hook.script = lambda got: Reply(503)
    resend(alice, run)
    between = alice.api().get(f"{RUNS}/{run.pk}").json()
    hook.script = lambda got: Reply()
    Delivery.objects.for_tenant(acme).filter(state="pending").update(next_attempt_at=NOW)

    tick(timezone.now())

    after = alice.api().get(f"{RUNS}/{run.pk}").json()
    assert (between["status"], between["finishedAt"], between["durationMs"]) == ("running", None, None)
    assert after["status"] == "completed"
    assert (after["finishedAt"], after["durationMs"]) == (before["finishedAt"], before["durationMs"])


def test_a_resend_with_nothing_failed_is_409(alice: Person, acme: Tenant, source: Told, hook: Receiver) -> None:
    make_schedule(make_template(acme), make_webhook(acme, hook))
    tick()

    answer = resend(alice, only_run(acme))

    assert (answer.status_code, len(hook.got)) == (409, 1)


def test_a_resend_of_a_run_that_is_not_over_is_409(alice: Person, acme: Tenant, source: Told) -> None:
    run_now(alice, make_template(acme), "?wait=0")

    assert resend(alice, only_run(acme)).status_code == 409


def test_what_was_sent_again_by_itself_is_not_sent_once_more(
    alice: Person, acme: Tenant, source: Told, hook: Receiver, other_hook: Receiver
) -> None:
    run = broken_once(acme, hook, other_hook)
    failed = Delivery.objects.for_tenant(acme).get(state="failed")
    resend_delivery(tenant_id=acme.pk, delivery_id=failed.pk, actor=SYSTEM, now=NOW)

    answer = resend(alice, run)

    assert (answer.status_code, len(hook.got)) == (409, 2)
    shown = alice.api().get(f"{RUNS}/{run.pk}").json()["deliveries"]
    assert [each["status"] for each in shown] == ["delivered", "delivered"]


def test_a_viewer_cannot_resend(bob: Person, acme: Tenant, source: Told, hook: Receiver, other_hook: Receiver) -> None:
    run = broken_once(acme, hook, other_hook)

    assert (resend(bob, run).status_code, len(hook.got)) == (403, 1)


def test_a_resend_of_an_unknown_run_is_404(alice: Person) -> None:
    assert alice.api().post(f"{RUNS}/{uuid.uuid4()}/resend", {}, format="json").status_code == 404
