"""What each kind of destination gets, and what the ledger keeps of it: the files' names, never their bytes."""

import base64
import email
import email.policy
import hashlib
import hmac
import json
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from kaireon.platform.notifications.models import Delivery
from kaireon.platform.notifications.services import carrying
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportArtifact
from reports.services import run_template
from tests.reports.runs_world import (
    NOW,
    Told,
    bodies,
    make_destination,
    make_schedule,
    make_template,
    make_webhook,
    only_run,
    states,
    tick,
)
from tests.servers import Receiver, Reply

SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"


@pytest.fixture
def mailbox(settings: Any, tmp_path: Path) -> Path:
    """Write mails to a folder."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return tmp_path


def only_mail(mailbox: Path) -> EmailMessage:
    """Return the one mail that was written."""
    (file,) = mailbox.iterdir()
    message = email.message_from_bytes(file.read_bytes().rsplit(b"\n" + b"-" * 79, 1)[0], policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def content_of(part: EmailMessage) -> bytes:
    """Return an attachment's bytes."""
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def run_path(tenant: Tenant) -> str:
    """Return the API's path of the tenant's run."""
    return f"/api/v1/reports/runs/{only_run(tenant).pk}"


# --- webhooks


def test_a_webhook_gets_the_documented_body_with_the_files_inline(acme: Tenant, source: Told, hook: Receiver) -> None:
    destination = make_destination(acme, "webhook", "Hook", url=hook.url(), secret=SECRET)
    template = make_template(acme, formats=["csv", "pdf"])
    schedule = make_schedule(template, destination)

    tick()

    run, (got,) = only_run(acme), hook.got
    body = json.loads(got.body)
    assert list(body) == [
        "type", "tenantId", "timestamp", "subject", "message", "severity", "link", "data", "extraPayload"
    ]  # fmt: skip
    assert (body["type"], body["tenantId"]) == ("report.completed", str(acme.pk))
    assert "Weekly performance" in body["subject"]
    assert body["link"] == f"http://127.0.0.1:3000/settings/reports/runs/{run.pk}"
    expected = {
        "runId": str(run.pk), "templateId": str(template.pk), "scheduleId": str(schedule.pk),
        "name": "Weekly performance", "apiUrl": f"http://127.0.0.1:3000{run_path(acme)}", "triggeredBy": "cron",
        "occurrenceAt": "2026-04-17T08:00:00.000Z",
    }  # fmt: skip
    assert {name: body["data"][name] for name in expected} == expected
    kept = {each.format: each for each in ReportArtifact.objects.for_tenant(acme)}
    files = body["extraPayload"]["artifacts"]
    assert [list(each) for each in files] == [["format", "filename", "contentType", "base64"]] * 2
    assert {each["format"]: hashlib.sha256(base64.b64decode(each["base64"])).hexdigest() for each in files} == {
        name: each.sha256 for name, each in kept.items()
    }
    assert got.headers["x-kaireon-signature"] == f"sha256={hmac.new(SECRET.encode(), got.body, 'sha256').hexdigest()}"
    assert b"offer-b" in base64.b64decode(files[0]["base64"])


def test_the_ledger_names_the_files_and_holds_none_of_their_bytes(acme: Tenant, source: Told, hook: Receiver) -> None:
    source.rows = [(f"offer-{number}", number) for number in range(3000)]
    make_schedule(make_template(acme), make_webhook(acme, hook))

    tick()

    row, artifact = Delivery.objects.for_tenant(acme).get(), ReportArtifact.objects.for_tenant(acme).get()
    assert row.message["extraPayload"]["artifacts"] == [
        {
            "format": "csv", "filename": artifact.filename, "contentType": "text/csv; charset=utf-8",
            "sizeBytes": artifact.size_bytes, "sha256": artifact.sha256, "artifactId": str(artifact.pk),
        }
    ]  # fmt: skip
    assert artifact.size_bytes > 30_000 > len(json.dumps(row.message))
    assert len(hook.got[0].body) > artifact.size_bytes


def test_files_beyond_the_limit_are_links_good_for_a_day(
    acme: Tenant, source: Told, hook: Receiver, settings: Any
) -> None:
    source.rows = [(f"offer-{number}", number) for number in range(500)]
    settings.WEBHOOK_ARTIFACT_MAX_BYTES = 3000
    make_schedule(make_template(acme, formats=["csv", "markdown"]), make_webhook(acme, hook))
    started = timezone.now()

    tick(started)

    (file, other) = bodies(hook.got)[0]["extraPayload"]["artifacts"]
    artifact = ReportArtifact.objects.for_tenant(acme).get(format="csv")
    assert list(file) == ["format", "filename", "contentType", "sizeBytes", "sha256", "url"]
    assert (file["sizeBytes"], file["sha256"]) == (artifact.size_bytes, artifact.sha256)
    parts = urlsplit(file["url"])
    expires = int(parse_qs(parts.query)["expires"][0])
    assert 0 <= expires - int(started.timestamp()) - 24 * 3600 < 300
    answer = Client().get(f"{parts.path}?{parts.query}")
    assert answer.status_code == 200
    assert hashlib.sha256(b"".join(answer)).hexdigest() == artifact.sha256
    assert ("url" in other) is (other.get("sizeBytes", 0) > 3000)


def test_the_limit_is_for_all_files_together(acme: Tenant, source: Told, hook: Receiver, settings: Any) -> None:
    make_schedule(make_template(acme, formats=["csv", "markdown", "html"]), make_webhook(acme, hook))
    tick()
    sizes = {each.format: each.size_bytes for each in ReportArtifact.objects.for_tenant(acme)}
    settings.WEBHOOK_ARTIFACT_MAX_BYTES = sizes["csv"] + sizes["markdown"]

    tick(NOW + timedelta(days=1))

    files = {each["format"]: each for each in bodies(hook.got)[1]["extraPayload"]["artifacts"]}
    assert {name: "base64" in each for name, each in files.items()} == {"csv": True, "markdown": True, "html": False}


def test_a_file_that_is_not_kept_any_more_fails_the_delivery_and_says_so(
    acme: Tenant, source: Told, hook: Receiver
) -> None:
    make_schedule(make_template(acme), make_webhook(acme, hook))
    hook.script = lambda got: Reply(status=503)
    tick()
    ReportArtifact.objects.for_tenant(acme).delete()
    Delivery.objects.for_tenant(acme).update(next_attempt_at=NOW)

    tick(NOW + timedelta(minutes=1))

    row = Delivery.objects.for_tenant(acme).get()
    assert (row.state, row.error) == ("failed", "Its file weekly-performance-2026-04-17.csv is not kept any more.")


def test_one_tenants_message_cannot_name_anothers_file(acme: Tenant, globex: Tenant, source: Told) -> None:
    make_schedule(make_template(acme))
    tick()
    artifact = ReportArtifact.objects.for_tenant(acme).get()

    assert carrying._keepers[0].read(globex.pk, artifact.pk) is None
    assert carrying._keepers[0].link(globex.pk, artifact.pk, NOW) is None
    assert carrying._keepers[0].read(acme.pk, artifact.pk) is not None


# --- mail


def test_a_mail_has_the_name_in_its_subject_the_words_in_its_body_and_the_files_attached(
    acme: Tenant, source: Told, mailbox: Path
) -> None:
    destination = make_destination(
        acme, "ops_email", "Ops", fromEmail="kaireon@example.com", recipients=["ops@example.com"]
    )
    make_schedule(make_template(acme, formats=["csv", "pdf"]), destination)

    tick()

    mail, run = only_mail(mailbox), only_run(acme)
    text = mail.get_body(("plain",))
    assert text is not None
    words = text.get_content()
    assert run.narrative_output is not None
    assert "Weekly performance" in mail["Subject"]
    assert not mail["Subject"].startswith("[info]")
    assert run.narrative_output["executiveSummary"] in words
    assert all(f"• {takeaway}" in words for takeaway in run.narrative_output["takeaways"])
    assert f"/settings/reports/runs/{run.pk}" in words
    attached = {part.get_filename(): part for part in mail.iter_attachments()}
    kept = {each.filename: each for each in ReportArtifact.objects.for_tenant(acme)}
    sums = {name: hashlib.sha256(content_of(part)).hexdigest() for name, part in attached.items()}
    assert sums == {name: each.sha256 for name, each in kept.items()}
    assert {part.get_content_type() for part in attached.values()} == {"text/csv", "application/pdf"}


def test_a_file_that_no_mail_server_takes_is_a_link_in_the_mail(
    acme: Tenant, source: Told, mailbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "MAIL_MAX_BYTES", 10)
    destination = make_destination(
        acme, "ops_email", "Ops", fromEmail="kaireon@example.com", recipients=["ops@example.com"]
    )
    make_schedule(make_template(acme), destination)

    tick()

    mail = only_mail(mailbox)
    text = mail.get_body(("plain",))
    assert text is not None
    assert list(mail.iter_attachments()) == []
    assert (
        f"is too large for a mail: http://127.0.0.1:3000{run_path(acme)}/artifacts/csv?expires=" in text.get_content()
    )


# --- chats


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_chat_gets_the_words_the_takeaways_and_the_link_and_no_file(
    acme: Tenant, source: Told, hook: Receiver, kind: str
) -> None:
    make_schedule(make_template(acme), make_destination(acme, kind, "Chat", webhookUrl=hook.url()))

    tick()

    text, run = hook.got[0].body.decode(), only_run(acme)
    assert run.narrative_output is not None
    assert states(acme) == ["delivered"]
    assert "Weekly performance" in text
    assert "•" in text
    assert f"/settings/reports/runs/{run.pk}" in text
    assert run_path(acme) in text
    assert not any(word in text for word in ("base64", "artifactId", "sha256"))
    assert Delivery.objects.for_tenant(acme).get().message["extraPayload"] == {}


def test_without_words_the_sections_are_listed(acme: Tenant, source: Told, hook: Receiver) -> None:
    make_schedule(make_template(acme, narrative={"enabled": False}), make_webhook(acme, hook))

    tick()

    assert bodies(hook.got)[0]["message"] == "• Told rows: 2 rows"


# --- to whom


def test_a_run_by_hand_goes_to_the_templates_own_destinations(
    acme: Tenant, source: Told, hook: Receiver, other_hook: Receiver
) -> None:
    own, scheduled = make_webhook(acme, hook, "Own"), make_webhook(acme, other_hook, "Scheduled")
    template = make_template(acme, destination_ids=[own.pk])
    make_schedule(template, scheduled)

    run_template(tenant=acme, template_id=template.pk, actor=SYSTEM, triggered_by="manual", now=NOW)
    by_hand = (len(hook.got), len(other_hook.got))
    tick()

    assert (by_hand, (len(hook.got), len(other_hook.got))) == ((1, 0), (1, 1))


def test_a_schedule_with_nobody_to_tell_keeps_its_report(acme: Tenant, source: Told, hook: Receiver) -> None:
    make_schedule(make_template(acme, destination_ids=[make_webhook(acme, hook).pk]))

    result = tick()

    assert (result.ran, only_run(acme).status, hook.got) == (1, "completed", [])
    assert ReportArtifact.objects.for_tenant(acme).count() == 1


def test_a_tenant_over_its_cap_of_messages_is_told_by_the_run(acme: Tenant, source: Told, hook: Receiver) -> None:
    acme.settings = {"guardrails": {"notificationsPerHour": 0}}
    acme.save()
    make_schedule(make_template(acme), make_webhook(acme, hook))

    tick()

    assert (states(acme), only_run(acme).status, hook.got) == (["capped"], "completed_with_errors", [])
