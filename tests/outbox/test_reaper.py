"""`/api/v1/cron/outbox-reaper` and `manage.py outbox_reaper`: who may, what they answer, and what a failure leaves."""

import json
import logging
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from kaireon.platform.tenancy.models import Tenant
from outbox.decisions.staleness import DEFAULT_STALENESS_SECONDS, LONGEST_STALENESS_SECONDS, read_staleness
from outbox.services import ReaperFailed, run_reaper
from tests.chaos.processes import ROOT
from tests.outbox.line import claimed, reread
from tests.people import Person, make_tenant

URL = "/api/v1/cron/outbox-reaper"
SECRET = "test-cron-secret-of-more-than-32-characters"
TOKEN = "test-cron-token-of-more-than-32-characters"
KEYS = ["status", "stalenessSeconds", "resetCount", "durationMs", "timestamp"]


def call(method: str = "get", **headers: str) -> Any:
    """Call the route with these headers."""
    return getattr(Client(headers=headers), method)(URL)


def reap(method: str = "get") -> Any:
    """Call the route as a scheduler does."""
    return call(method, authorization=f"Bearer {SECRET}")


def a_stuck_event(tenant: Tenant, minutes: float = 6) -> Any:
    """Write an event whose publisher died so long ago."""
    return claimed(tenant, at=timezone.now() - timedelta(minutes=minutes))


# --- who may


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {SECRET}"}, {"authorization": f"bearer  {SECRET} "}, {"x-cron-secret": SECRET},
        {"x-cron-secret": SECRET, "authorization": "Bearer wrong"},
        {"x-cron-secret": "wrong", "authorization": f"Bearer {SECRET}"},
    ],
)  # fmt: skip
def test_the_secret_opens_in_either_header_by_get_and_by_post(
    acme: Tenant, method: str, headers: dict[str, str]
) -> None:
    event = a_stuck_event(acme)

    answer = call(method, **headers)

    assert (answer.status_code, answer.json()["resetCount"], reread(event).status) == (200, 1, "pending")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "headers",
    [
        {}, {"authorization": "Bearer "}, {"authorization": SECRET}, {"authorization": f"Basic {SECRET}"},
        {"x-cron-secret": ""}, {"x-cron-secret": SECRET[:-1]}, {"x-cron-secret": SECRET.upper()},
        {"x-cron-secret": TOKEN}, {"x-cron-token": SECRET}, {"x-cron-secret": f"{SECRET},"},
        {"authorization": "Bearer \u00e9"},
    ],
)  # fmt: skip
def test_without_the_secret_it_is_401_and_nothing_runs(acme: Tenant, method: str, headers: dict[str, str]) -> None:
    event = a_stuck_event(acme)

    answer = call(method, **headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert reread(event).status == "processing"


@pytest.mark.parametrize("configured", ["", " ", ",", " , "])
@pytest.mark.parametrize("headers", [{}, {"x-cron-secret": ""}, {"authorization": "Bearer"}, {"x-cron-secret": ","}])
def test_with_no_secret_configured_it_is_401_for_everybody(
    db: None, settings: Any, configured: str, headers: dict[str, str]
) -> None:
    settings.CRON_SECRET = configured

    assert call(**headers).status_code == 401


def test_both_secrets_of_a_rotation_open(db: None, settings: Any) -> None:
    settings.CRON_SECRET = "old-secret-old-secret-old-secret-x, new-secret-new-secret-new-secret-x"

    answers = [call(**{"x-cron-secret": secret}).status_code for secret in settings.CRON_SECRET.split(", ")]

    assert answers == [200, 200]
    assert call(**{"x-cron-secret": settings.CRON_SECRET}).status_code == 401


def test_an_api_key_is_no_cron_secret(alice: Person) -> None:
    assert alice.api().get(URL).status_code == 401
    assert alice.browser().get(URL).status_code == 401


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(db: None, method: str) -> None:
    assert reap(method).status_code == 405


# --- what it answers


def test_it_answers_exactly_as_documented(acme: Tenant, globex: Tenant) -> None:
    a_stuck_event(acme)
    a_stuck_event(globex)
    fresh = a_stuck_event(acme, minutes=4)

    answer = reap()

    body = answer.json()
    assert list(body) == KEYS
    assert (body["status"], body["stalenessSeconds"], body["resetCount"]) == ("ok", 300, 2)
    assert isinstance(body["durationMs"], int)
    assert 0 <= body["durationMs"] < 10_000
    assert body["timestamp"].endswith("Z")
    assert abs(datetime.fromisoformat(body["timestamp"]) - timezone.now()) < timedelta(seconds=30)
    assert reread(fresh).status == "processing"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_second_run_resets_nothing(acme: Tenant) -> None:
    a_stuck_event(acme)

    assert [reap(method).json()["resetCount"] for method in ("get", "post")] == [1, 0]


def test_the_slash_form_works_too(db: None) -> None:
    assert Client(headers={"x-cron-secret": SECRET}).post(f"{URL}/").status_code == 200


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"\x00\xff"])
def test_the_body_does_not_matter(db: None, body: bytes) -> None:
    answer = Client(headers={"x-cron-secret": SECRET}).post(URL, body, content_type="application/json")

    assert answer.status_code == 200


# --- the threshold


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", DEFAULT_STALENESS_SECONDS), ("  ", DEFAULT_STALENESS_SECONDS), ("1", 1), (" 120 ", 120), ("0300", 300),
        (str(LONGEST_STALENESS_SECONDS), LONGEST_STALENESS_SECONDS), (str(LONGEST_STALENESS_SECONDS + 1), None),
        ("0", None), ("-5", None), ("+5", None), ("1.5", None), ("1e3", None), ("five", None), ("５", None),
        ("9" * 400, None), ("nan", None), ("300s", None),
    ],
)  # fmt: skip
def test_a_threshold_is_a_positive_whole_number(text: str, seconds: int | None) -> None:
    assert read_staleness(text) == seconds


def test_the_configured_threshold_counts_at_each_call(acme: Tenant, settings: Any) -> None:
    a_stuck_event(acme, minutes=2)

    settings.OUTBOX_REAPER_STALENESS_SECONDS = "600"
    before = reap().json()
    settings.OUTBOX_REAPER_STALENESS_SECONDS = "60"
    after = reap().json()

    assert (before["stalenessSeconds"], before["resetCount"]) == (600, 0)
    assert (after["stalenessSeconds"], after["resetCount"]) == (60, 1)


@pytest.mark.parametrize("text", ["0", "-1", "soon", "1.5"])
def test_an_invalid_threshold_is_the_default_with_a_warning(
    acme: Tenant, settings: Any, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    settings.OUTBOX_REAPER_STALENESS_SECONDS = text
    a_stuck_event(acme)

    body = reap().json()

    assert (body["stalenessSeconds"], body["resetCount"]) == (300, 1)
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "OUTBOX_REAPER_STALENESS_SECONDS" in record.getMessage()
    assert (vars(record)["event"], vars(record)["value"]) == ("outbox.staleness_invalid", text)


def test_an_unset_threshold_warns_nobody(db: None, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.OUTBOX_REAPER_STALENESS_SECONDS = ""

    assert reap().json()["stalenessSeconds"] == 300
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_lease_that_is_longer_than_the_threshold_counts(acme: Tenant) -> None:
    claimed_at = timezone.now() - timedelta(seconds=310)
    slow = claimed(acme, at=claimed_at, lease_until=claimed_at + timedelta(seconds=1200))

    assert (reap().json()["resetCount"], reread(slow).status) == (0, "processing")


# --- failures


@contextmanager
def mislaid_table() -> Iterator[None]:
    """Take the table of events away for the length of a block."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outbox_events RENAME TO mislaid")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE mislaid RENAME TO outbox_events")


@pytest.mark.django_db(transaction=True)
def test_a_failure_is_a_500_with_the_error_id_that_the_log_has(caplog: pytest.LogCaptureFixture) -> None:
    with mislaid_table():
        answer = reap()

    error = answer.json()["error"]
    (record,) = [record for record in caplog.records if record.name == "outbox.services.reaping"]
    logged = vars(record)
    assert (answer.status_code, error["status"], error["code"]) == (500, 500, "REAPER_FAILED")
    assert logged["event"] == "outbox.reaper_failed"
    assert error["errorId"] == str(uuid.UUID(logged["errorId"]))
    assert error["errorId"] in error["message"]
    assert (record.levelno, bool(record.exc_info)) == (logging.ERROR, True)
    assert error["requestId"] == answer.headers["x-request-id"]
    assert "outbox_events" not in error["message"]


@pytest.mark.django_db(transaction=True)
def test_the_next_attempt_names_the_failure_before_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with mislaid_table():
        reap()
        reap()
    reap()
    reap()

    lines = [vars(record) for record in caplog.records if vars(record).get("event", "").startswith("outbox.reape")]
    first, second, *after = lines
    assert second["previousErrorId"] == first["errorId"]
    assert [line["previousErrorId"] for line in after] == [second["errorId"], ""]


@contextmanager
def database_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let nobody reach the database for the length of a block."""
    lost = {"host": "127.0.0.1", "port": 9, "dbname": "prod", "user": "somebody", "password": "hidden-word"}
    connection.close()
    with monkeypatch.context() as patched:
        patched.setattr(connections["default"], "get_connection_params", lambda: dict(lost))
        yield


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_database_that_is_away_is_a_failure_with_an_error_id_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    with database_away(monkeypatch):
        answer = reap(method)

    (record,) = [record for record in caplog.records if record.name == "outbox.services.reaping"]
    assert answer.status_code == 500
    assert answer.json()["error"]["errorId"] == vars(record)["errorId"]
    assert "hidden-word" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_session_that_was_cut_is_a_failure_once_and_works_again(caplog: pytest.LogCaptureFixture) -> None:
    connection.ensure_connection()
    assert connection.connection is not None
    connection.connection.close()

    with pytest.raises(ReaperFailed) as failed:
        run_reaper(now=timezone.now())
    connection.close()

    (record,) = [record for record in caplog.records if record.name == "outbox.services.reaping"]
    assert failed.value.error_id == vars(record)["errorId"]
    assert run_reaper(now=timezone.now()).reset_count == 0


# --- as cron(8) calls it


@pytest.mark.django_db(transaction=True)
def test_the_lines_for_cron_that_the_page_shows_work_as_they_stand(live_server: Any) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs the program curl")
    page = (ROOT / "docs" / "dead-letters.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\*/2 \* \* \* \* (curl .+)$", page, re.MULTILINE)
    results: list[subprocess.CompletedProcess[bytes]] = []

    for line in lines:
        a_stuck_event(make_tenant(f"Tenant {len(results)}"))
        for secret in (SECRET, "wrong"):
            call_line = ["sh", "-c", line.replace("http://127.0.0.1:3000", live_server.url)]
            environment = os.environ | {"CRON_SECRET": secret}
            results.append(subprocess.run(call_line, env=environment, capture_output=True, timeout=60, check=False))

    assert [result.returncode for result in results] == [0, 22] * 2
    assert [json.loads(result.stdout)["resetCount"] for result in results[::2]] == [1, 1]


# --- the command


def command(*arguments: str) -> str:
    """Run `manage.py outbox_reaper` and return what it printed."""
    out = StringIO()
    call_command("outbox_reaper", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_documented_answer(acme: Tenant) -> None:
    a_stuck_event(acme)

    answer = json.loads(command("--json"))

    assert list(answer) == KEYS
    assert (answer["resetCount"], answer["stalenessSeconds"]) == (1, 300)


def test_the_command_says_it_in_words(acme: Tenant) -> None:
    a_stuck_event(acme)

    assert command().startswith("1 events untouched for 300 s went back to pending in ")


def test_the_commands_threshold_goes_before_the_configured_one(acme: Tenant, settings: Any) -> None:
    settings.OUTBOX_REAPER_STALENESS_SECONDS = "600"
    a_stuck_event(acme, minutes=2)

    assert json.loads(command("--json", "--staleness-seconds", "60"))["resetCount"] == 1


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1.5"])
def test_a_wrong_threshold_is_a_wrong_call(db: None, text: str) -> None:
    with pytest.raises(CommandError, match="positive whole number") as refused:
        command(f"--staleness-seconds={text}")

    assert refused.value.returncode == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_command_without_a_database_names_the_error_id_and_exits_1(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    with database_away(monkeypatch), pytest.raises(CommandError, match=r"See error [0-9a-f-]{36}") as failed:
        command(*arguments)

    assert failed.value.returncode == 1


@pytest.mark.django_db(transaction=True)
def test_a_command_that_fails_names_the_error_id_and_exits_1() -> None:
    with mislaid_table(), pytest.raises(CommandError, match=r"See error [0-9a-f-]{36}") as failed:
        command()

    assert failed.value.returncode == 1


def test_the_commands_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("outbox_reaper", "--help")

    assert "manage.py outbox_reaper --staleness-seconds 120 --json" in " ".join(capsys.readouterr().out.split())
