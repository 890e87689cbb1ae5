"""`/api/v1/cron/flow-scheduler-tick`: who may, what it answers, and whose pipelines it fires."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kaireon.platform.tenancy.models import Membership, Tenant
from tests.people import Person
from tests.triggers.tick.world import DAY, HOURLY, runs_of, scheduled
from triggers.models import SchedulerTick

URL = "/api/v1/cron/flow-scheduler-tick"
SECRET = "test-cron-secret-of-more-than-32-characters"
TOKEN = "test-cron-token-of-more-than-32-characters"
KEYS = [
    "tickAt", "totalPipelines", "scheduled", "due", "dispatched", "failed", "results", "durationMs", "remaining",
]  # fmt: skip
LINE_KEYS = ["pipelineId", "tenantId", "fired", "status", "runId", "occurrence", "triggerSource", "reason"]

pytestmark = pytest.mark.django_db


def a_due_pipeline(tenant: Tenant) -> Any:
    """Create a pipeline that is due by the real clock."""
    return scheduled(tenant, HOURLY, now=timezone.now() - DAY / 2)


def call(method: str = "post", **headers: str) -> Any:
    """Call the route with these headers."""
    return getattr(Client(headers=headers), method)(URL)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "headers",
    [{"authorization": f"Bearer {SECRET}"}, {"x-cron-secret": SECRET},
     {"x-cron-secret": "wrong", "authorization": f"bearer {SECRET}"}],
)  # fmt: skip
def test_the_secret_opens_in_either_header(acme: Tenant, method: str, headers: dict[str, str]) -> None:
    pipeline = a_due_pipeline(acme)

    answer = call(method, **headers)

    assert (answer.status_code, len(runs_of(pipeline))) == (200, 1)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer "}, {"authorization": SECRET}, {"x-cron-secret": ""}, {"x-cron-secret": SECRET[:-1]},
     {"x-cron-token": SECRET}, {"x-cron-secret": TOKEN}, {"authorization": "Bearer \u00e9"},
     {"x-kaireon-ticker": "web-1:17"}],
)  # fmt: skip
def test_without_the_secret_it_is_401_and_nothing_fires(acme: Tenant, method: str, headers: dict[str, str]) -> None:
    pipeline = a_due_pipeline(acme)

    answer = call(method, **headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert (runs_of(pipeline), SchedulerTick.objects.count()) == ([], 0)


@pytest.mark.parametrize("configured", ["", " ", ",", " , "])
def test_with_no_secret_configured_it_is_401_for_everybody_sessions_too(
    alice: Person, settings: Any, configured: str
) -> None:
    settings.CRON_SECRET = configured

    answers = [call(**{"x-cron-secret": ""}), call(**{"x-cron-secret": ","}), alice.browser().post(URL)]

    assert [answer.status_code for answer in answers] == [401, 401, 401]


def test_a_session_ticks_its_own_tenant_and_is_told_of_no_other(alice: Person, globex: Tenant) -> None:
    ours, theirs = a_due_pipeline(alice.tenant), a_due_pipeline(globex)

    body = alice.browser().post(URL).json()

    assert (body["totalPipelines"], body["scheduled"], body["dispatched"]) == (1, 1, 1)
    assert [line["pipelineId"] for line in body["results"]] == [str(ours.pk)]
    assert (len(runs_of(ours)), runs_of(theirs)) == (1, [])
    row = SchedulerTick.objects.get()
    assert (row.source, row.tenant_id) == ("session", alice.tenant.pk)


def test_an_editor_may_and_a_viewer_may_not(eve: Person, bob: Person) -> None:
    assert [person.browser().post(URL).status_code for person in (eve, bob)] == [200, 403]


def test_a_session_is_not_enough_to_get(alice: Person) -> None:
    answer = alice.browser().get(URL)

    assert (answer.status_code, SchedulerTick.objects.count()) == (401, 0)


def test_a_session_needs_its_csrf_token(alice: Person) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")

    answer = browser.post(URL)

    assert (answer.status_code, SchedulerTick.objects.count()) == (403, 0)


def test_a_session_with_the_secret_ticks_everybody_without_a_csrf_token(alice: Person, globex: Tenant) -> None:
    theirs = a_due_pipeline(globex)
    browser = Client(enforce_csrf_checks=True, headers={"x-cron-secret": SECRET})
    browser.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")

    assert (browser.post(URL).status_code, len(runs_of(theirs))) == (200, 1)


def test_a_member_of_no_tenant_is_refused(alice: Person) -> None:
    Membership.objects.filter(user=alice.user).delete()

    assert alice.browser().post(URL).status_code == 403


def test_an_api_key_is_no_cron_secret(alice: Person) -> None:
    assert [getattr(alice.api(), method)(URL).status_code for method in ("get", "post")] == [401, 401]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(method: str) -> None:
    assert call(method, **{"x-cron-secret": SECRET}).status_code == 405


# --- what it answers


def test_it_answers_exactly_as_documented(acme: Tenant) -> None:
    pipeline = a_due_pipeline(acme)

    body = call(**{"x-cron-secret": SECRET}).json()

    (line,), (run,) = body["results"], runs_of(pipeline)
    assert list(body) == KEYS
    assert (list(line), line["fired"], line["status"]) == (LINE_KEYS, True, 201)
    assert (line["pipelineId"], line["tenantId"], line["runId"]) == (str(pipeline.pk), str(acme.pk), str(run.pk))
    assert (line["triggerSource"], line["reason"]) == ("schedule", None)
    assert line["occurrence"] == run.parameters["occurrenceAt"]
    assert body["tickAt"].endswith("Z")
    assert isinstance(body["durationMs"], int)


def test_a_second_call_in_the_same_minute_fires_nothing(acme: Tenant) -> None:
    a_due_pipeline(acme)

    assert [call(m, **{"x-cron-secret": SECRET}).json()["dispatched"] for m in ("get", "post")] == [1, 0]


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"\x00\xff"])
def test_the_body_does_not_matter(body: bytes) -> None:
    answer = Client(headers={"x-cron-secret": SECRET}).post(f"{URL}/", body, content_type="application/json")

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("name", "source", "ticker"),
    [("web-1:17", "ticker", "web-1:17"), ("x" * 300, "ticker", "x" * 120), ("", "cron", "")],
)
def test_the_servers_own_ticker_says_who_it_is(name: str, source: str, ticker: str) -> None:
    call(**{"x-cron-secret": SECRET, **({"x-kaireon-ticker": name} if name else {})})

    row = SchedulerTick.objects.get()
    assert (row.source, row.ticker, row.tenant_id) == (source, ticker, None)


def test_a_session_cannot_say_that_it_is_the_ticker(alice: Person) -> None:
    alice.browser().post(URL, headers={"x-kaireon-ticker": "web-1:17"})

    assert SchedulerTick.objects.get().source == "session"
