"""The API of report schedules: shapes, next times, parked and paused ones, previews, and every field wrongly filled."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key
from reports.models import ReportSchedule
from tests.people import Person
from tests.reports.keeping import MINUTE, NOBODYS, make_mail, make_schedule, make_template, spoil
from tests.reports.test_cadences import BAD_CRONS, BAD_ZONES

pytestmark = pytest.mark.django_db
PATH = "/api/v1/reports/schedules"
KEYS = [
    "id", "tenantId", "templateId", "name", "cronExpression", "timezone", "destinations", "enabled", "lastRunAt",
    "nextRunAt", "lastStatus", "createdAt", "updatedAt", "missedPolicy", "skipIfEmpty", "state", "stateReason",
    "pausedAt", "failuresInARow", "words",
]  # fmt: skip
HUGE = "x" * 900_000
# What a text field refuses as unreadable before its meaning is looked at.
UNREADABLE_TEXT = ("\0", "\ud800", "x" * 5_000, "* " * 5_000)


def post(client: APIClient, body: Any, path: str = PATH) -> Any:
    """POST a JSON body."""
    return client.post(path, json.dumps(body), content_type="application/json")


def patch(client: APIClient, schedule: ReportSchedule, body: Any) -> Any:
    """PATCH a JSON body."""
    return client.patch(f"{PATH}/{schedule.pk}", json.dumps(body), content_type="application/json")


def body_of(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    """Return a body that works."""
    template = make_template(tenant)
    return {"templateId": str(template.pk), "name": "Daily", "cronExpression": "0 8 * * *", **changes}


def named(answer: Any) -> list[str]:
    """Return the fields that an error names."""
    return list(answer.json()["error"].get("fields", {}))


# --- shapes


def test_a_schedule_reads_back_with_the_documented_keys_in_order_and_the_defaults(eve: Person) -> None:
    answer = post(eve.api(), body_of(eve.tenant))

    assert answer.status_code == 201
    schedule = answer.json()
    assert list(schedule) == KEYS
    assert {name: schedule[name] for name in KEYS[5:9] + KEYS[10:11] + KEYS[13:]} == {
        "timezone": "UTC", "destinations": [], "enabled": True, "lastRunAt": None, "lastStatus": "pending",
        "missedPolicy": "once", "skipIfEmpty": False, "state": "active", "stateReason": "", "pausedAt": None,
        "failuresInARow": 0, "words": "At 08:00",
    }  # fmt: skip
    assert schedule["nextRunAt"].endswith("T08:00:00.000Z")
    assert schedule["nextRunAt"] > schedule["createdAt"]


def test_everything_reads_back_as_it_was_sent(eve: Person) -> None:
    body = body_of(
        eve.tenant, name="Every weekday 📈", cronExpression="*/30 9-17 * * MON-FRI", timezone="America/New_York",
        destinations=[str(make_mail(eve.tenant))], enabled=False, missedPolicy="skip", skipIfEmpty=True,
    )  # fmt: skip

    schedule = post(eve.api(), body).json()

    assert {name: schedule[name] for name in body} == body
    assert schedule["words"] == "Every 30 minutes, between 09:00 and 17:59, Monday through Friday"
    assert eve.api().get(f"{PATH}/{schedule['id']}").json() == schedule


@pytest.mark.parametrize(
    ("expression", "most"),
    [
        ("*/5 * * * *", 5 * MINUTE),
        ("0 8 * * *", timedelta(days=1)),
        ("0 9 * * 1-5", timedelta(days=3)),
        ("0 9 1 * *", timedelta(days=31)),
    ],
)
def test_the_documented_expressions_have_their_next_time(eve: Person, expression: str, most: timedelta) -> None:
    before = timezone.now()

    post(eve.api(), body_of(eve.tenant, cronExpression=expression))

    row = ReportSchedule.objects.for_tenant(eve.tenant).get()
    assert row.next_run_at is not None
    assert timedelta() < row.next_run_at - before <= most


def test_the_list_is_an_envelope_newest_first_of_all_or_of_one_template(eve: Person) -> None:
    template = make_template(eve.tenant)
    first, other = make_schedule(eve.tenant, template), make_schedule(eve.tenant)
    second = make_schedule(eve.tenant, template)
    client = eve.api()

    everything, narrowed = client.get(PATH).json(), client.get(PATH, {"templateId": str(template.pk)}).json()

    ids = [str(row.pk) for row in sorted([first, other, second], key=lambda row: row.pk, reverse=True)]
    assert [row["id"] for row in everything["data"]] == ids
    assert everything["pagination"] == {"total": 3, "limit": 100, "hasMore": False, "cursor": None}
    assert {row["id"] for row in narrowed["data"]} == {str(first.pk), str(second.pk)}
    assert client.get(PATH, {"templateId": NOBODYS}).json()["data"] == []
    assert named(client.get(PATH, {"templateId": "7"})) == ["templateId"]


def test_a_list_of_many_costs_no_more_queries_than_one_of_few(
    eve: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client, template = eve.api(), make_template(eve.tenant)
    client.get(PATH)
    for _ in range(20):
        make_schedule(eve.tenant, template)

    # The key, the count, the page.
    with django_assert_num_queries(3):
        client.get(PATH)


# --- changing


@pytest.mark.parametrize(
    ("change", "also"),
    [
        ({"name": "Renamed"}, set()),
        ({"enabled": False}, set()),
        ({"missedPolicy": "skip"}, set()),
        ({"skipIfEmpty": True}, set()),
        ({"cronExpression": "0 9 * * *"}, {"nextRunAt", "words"}),
        ({"timezone": "Asia/Kolkata"}, {"nextRunAt"}),
    ],
    ids=["name", "enabled", "missedPolicy", "skipIfEmpty", "cronExpression", "timezone"],
)
def test_a_patch_changes_what_it_names_and_what_follows(eve: Person, change: dict[str, Any], also: set[str]) -> None:
    client = eve.api()
    schedule = post(client, body_of(eve.tenant)).json()

    answer = client.patch(f"{PATH}/{schedule['id']}", change, format="json")

    assert answer.status_code == 200
    changed = answer.json()
    assert {name for name in KEYS if changed[name] != schedule[name]} == {*change, *also, "updatedAt"}
    assert client.get(f"{PATH}/{schedule['id']}").json() == changed


def test_a_patch_of_a_late_schedule_that_names_no_cadence_leaves_its_next_time(eve: Person) -> None:
    schedule = make_schedule(eve.tenant)
    spoil(schedule, next_run_at=schedule.created_at)

    changed = patch(eve.api(), schedule, {"name": "Renamed", "cronExpression": "0 8 * * *"}).json()

    assert changed["nextRunAt"] == "2026-10-24T12:00:00.000Z"


def test_a_deleted_schedule_is_gone(eve: Person) -> None:
    client, schedule = eve.api(), make_schedule(eve.tenant)

    answer = client.delete(f"{PATH}/{schedule.pk}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert [client.get(f"{PATH}/{schedule.pk}").status_code, client.delete(f"{PATH}/{schedule.pk}").status_code] == [
        404, 404,
    ]  # fmt: skip


# --- parked and paused


@pytest.mark.parametrize(
    ("columns", "names"),
    [({"cron_expression": "0 8 ? * *"}, "cronExpression"), ({"timezone": "US/Pacific-New"}, "timezone")],
    ids=["expression", "zone"],
)
def test_a_row_that_cannot_be_read_shows_as_parked_with_the_reason(
    eve: Person, columns: dict[str, str], names: str
) -> None:
    schedule, client = make_schedule(eve.tenant), eve.api()
    spoil(schedule, **columns)

    shown = client.get(f"{PATH}/{schedule.pk}").json()
    listed = client.get(PATH).json()["data"]

    assert (shown["state"], shown["nextRunAt"]) == ("parked", None)
    assert shown["stateReason"].startswith(f"{names}: ")
    assert listed == [shown]


def test_correcting_a_parked_schedule_sets_it_going(eve: Person) -> None:
    schedule = make_schedule(eve.tenant)
    spoil(schedule, cron_expression="@daily", state="parked", state_reason="cronExpression: no.", next_run_at=None)

    mended = patch(eve.api(), schedule, {"cronExpression": "0 8 * * *"}).json()

    assert (mended["state"], mended["stateReason"]) == ("active", "")
    assert mended["nextRunAt"] is not None


def test_a_pause_and_its_end_read_back(eve: Person) -> None:
    schedule, client = make_schedule(eve.tenant), eve.api()
    spoil(schedule, failures_in_a_row=4, next_run_at=schedule.created_at)

    paused = client.post(f"{PATH}/{schedule.pk}/pause").json()
    resumed = client.post(f"{PATH}/{schedule.pk}/resume", {}, format="json").json()

    assert (paused["state"], paused["stateReason"], paused["failuresInARow"]) == ("paused", "Paused by eve.", 4)
    assert paused["pausedAt"] is not None
    assert (resumed["state"], resumed["stateReason"], resumed["pausedAt"]) == ("active", "", None)
    assert resumed["failuresInARow"] == 0
    assert resumed["nextRunAt"] > resumed["updatedAt"]


@pytest.mark.parametrize("act", ["pause", "resume"])
def test_a_parked_schedule_is_a_conflict_and_says_what_to_do(eve: Person, act: str) -> None:
    schedule = make_schedule(eve.tenant)
    spoil(schedule, cron_expression="@daily", state="parked", state_reason="cronExpression: no.", next_run_at=None)

    answer = eve.api().post(f"{PATH}/{schedule.pk}/{act}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "PARKED")
    assert "correct its cronExpression or timezone" in answer.json()["error"]["message"]


@pytest.mark.parametrize("act", ["pause", "resume"])
def test_a_pause_and_its_end_take_no_fields(eve: Person, act: str) -> None:
    answer = eve.api().post(f"{PATH}/{make_schedule(eve.tenant).pk}/{act}", {"until": None}, format="json")

    assert (answer.status_code, named(answer)) == (400, ["until"])


# --- what cannot be: 422 or 404, on creation and in a PATCH


@pytest.mark.parametrize("expression", BAD_CRONS, ids=range(len(BAD_CRONS)))
def test_a_bad_expression_is_named_on_creation_in_a_patch_and_in_a_preview(eve: Person, expression: str) -> None:
    client, kept = eve.api(), make_schedule(eve.tenant)
    answers = [
        post(client, body_of(eve.tenant, cronExpression=expression)),
        patch(client, kept, {"cronExpression": expression}),
        post(client, {"cronExpression": expression}, f"{PATH}/preview"),
    ]

    is_text = not any(part in expression for part in UNREADABLE_TEXT)
    assert [(answer.status_code, named(answer)) for answer in answers] == [
        (422 if is_text else 400, ["cronExpression"])
    ] * 3
    assert ReportSchedule.objects.for_tenant(eve.tenant).get().cron_expression == "0 8 * * *"


@pytest.mark.parametrize("zone", BAD_ZONES, ids=range(len(BAD_ZONES)))
def test_a_bad_zone_is_named_on_creation_in_a_patch_and_in_a_preview(eve: Person, zone: str) -> None:
    client, kept = eve.api(), make_schedule(eve.tenant)
    answers = [
        post(client, body_of(eve.tenant, timezone=zone)),
        patch(client, kept, {"timezone": zone}),
        post(client, {"cronExpression": "0 8 * * *", "timezone": zone}, f"{PATH}/preview"),
    ]

    if zone == "UTC ":
        # As typed by hand: a blank at the end of a field is cut off.
        assert [answer.status_code for answer in answers] == [201, 200, 200]
        return
    is_text = not any(part in zone for part in UNREADABLE_TEXT)
    assert [(answer.status_code, named(answer)) for answer in answers] == [(422 if is_text else 400, ["timezone"])] * 3
    assert ReportSchedule.objects.for_tenant(eve.tenant).get().timezone == "Europe/Berlin"


@pytest.mark.parametrize("template_id", [NOBODYS, "7", "", "not-an-id", "{" + NOBODYS + "}", "x" * 100])
def test_a_template_that_is_not_there_is_404_and_named(eve: Person, template_id: str) -> None:
    client, kept = eve.api(), make_schedule(eve.tenant)

    answers = [
        post(client, body_of(eve.tenant, templateId=template_id)),
        patch(client, kept, {"templateId": template_id, "name": "Changed"}),
    ]

    assert [(answer.status_code, named(answer)) for answer in answers] == [(404, ["templateId"])] * 2
    assert ReportSchedule.objects.for_tenant(eve.tenant).get().name == "Daily"


def test_another_tenants_template_and_destination_are_as_unknown_as_none(eve: Person, globex: Tenant) -> None:
    client, kept = eve.api(), make_schedule(eve.tenant)
    template, mail = str(make_template(globex).pk), str(make_mail(globex))

    answers = [
        post(client, body_of(eve.tenant, templateId=template)), patch(client, kept, {"templateId": template}),
        post(client, body_of(eve.tenant, destinations=[mail])), patch(client, kept, {"destinations": [mail]}),
    ]  # fmt: skip

    assert [(answer.status_code, named(answer)) for answer in answers] == [
        (404, ["templateId"]), (404, ["templateId"]), (422, ["destinations[0]"]), (422, ["destinations[0]"]),
    ]  # fmt: skip


def test_each_unknown_destination_is_named_by_its_place(eve: Person) -> None:
    mine = str(make_mail(eve.tenant))

    answer = post(eve.api(), body_of(eve.tenant, destinations=[NOBODYS, mine, NOBODYS]))

    assert (answer.status_code, named(answer)) == (422, ["destinations[0]", "destinations[2]"])


def test_the_cap_and_the_pace_of_the_tenant_are_guardrails(eve: Person) -> None:
    eve.tenant.settings = {"guardrails": {"maxReportSchedules": 1, "minCadenceMinutes": 30}}
    eve.tenant.save(update_fields=["settings"])
    client = eve.api()

    fast = post(client, body_of(eve.tenant, cronExpression="*/15 * * * *"))
    fine = post(client, body_of(eve.tenant, cronExpression="*/30 * * * *"))
    over = post(client, body_of(eve.tenant))

    assert [answer.status_code for answer in (fast, fine, over)] == [422, 201, 422]
    assert [answer.json()["error"]["code"] for answer in (fast, over)] == ["GUARDRAIL"] * 2
    assert named(fast) == ["guardrails.minCadenceMinutes", "cronExpression"]
    assert named(over) == ["guardrails.maxReportSchedules"]


# --- what cannot be read: 400, on creation and in a PATCH

MISTYPED: dict[str, dict[str, Any]] = {
    "templateId": {"null": None, "number": 7, "list": [], "huge": HUGE},
    "name": {"null": None, "number": 7, "empty": "", "too long": "x" * 121, "huge": HUGE, "NUL": "a\0b",
             "surrogate": "a\ud800", "line feed": "a\nb", "override": "a\u202eb"},
    "cronExpression": {"null": None, "number": 5, "list": ["0 8 * * *"], "huge": HUGE, "lines": "0 8 * * *\n* * * * *"},
    "timezone": {"null": None, "number": 1, "object": {}, "huge": HUGE, "NUL": "UTC\0"},
    "destinations": {"null": None, "text": NOBODYS, "object": {}, "many": [NOBODYS] * 51, "very many": [0] * 300_000},
    "destinations[0]": {"name": "ops", "null": None, "object": {"providerId": NOBODYS}, "braces": "{" + NOBODYS + "}"},
    "enabled": {"null": None, "1": 1, "text": "true"},
    "missedPolicy": {"null": None, "unknown": "twice", "empty": "", "list": ["once"], "huge": HUGE},
    "skipIfEmpty": {"null": None, "0": 0, "text": "no"},
    "nextRunAt": {"given": "2099-01-01T00:00:00Z"},
    "state": {"given": "active"},
    "tenantId": {"a stranger's": NOBODYS},
}  # fmt: skip
UNREADABLE = [
    pytest.param(field, value, id=f"{field} is {name}")
    for field, wrong in MISTYPED.items()
    for name, value in wrong.items()
]


@pytest.mark.parametrize(("field", "value"), UNREADABLE)
def test_what_cannot_be_read_is_400_and_named_on_creation_and_in_a_patch(eve: Person, field: str, value: Any) -> None:
    client, kept = eve.api(), make_schedule(eve.tenant)
    change = {field.removesuffix("[0]"): [value] if field.endswith("[0]") else value}

    answers = [post(client, body_of(eve.tenant) | change), patch(client, kept, change)]

    assert [(answer.status_code, named(answer)) for answer in answers] == [(400, [field])] * 2
    assert max(len(answer.content) for answer in answers) < 5_000
    assert ReportSchedule.objects.for_tenant(eve.tenant).count() == 1


@pytest.mark.parametrize("field", ["templateId", "name", "cronExpression"])
def test_what_is_required_is_named_when_it_is_missing(eve: Person, field: str) -> None:
    body = body_of(eve.tenant)
    del body[field]

    answer = post(eve.api(), body)

    assert (answer.status_code, named(answer)) == (400, [field])


# --- previews


def test_a_preview_says_the_next_times_in_words_and_in_the_zone(bob: Person) -> None:
    body = {"cronExpression": "0 9 * * 1-5", "timezone": "Europe/Berlin", "count": 3}

    answer = post(bob.api(), body, f"{PATH}/preview")

    assert answer.status_code == 200
    preview = answer.json()
    assert list(preview) == ["occurrences", "words", "warnings"]
    assert preview["words"] == "At 09:00, Monday through Friday"
    assert [list(each) for each in preview["occurrences"]] == [["at", "local", "isDstDay"]] * 3
    assert all(each["local"][11:] in {"09:00:00+01:00", "09:00:00+02:00"} for each in preview["occurrences"])
    assert preview["warnings"] == []


def test_a_preview_marks_the_days_on_which_the_clock_changes(bob: Person) -> None:
    body = {"cronExpression": "30 2 25-31 3,10 0", "timezone": "Europe/Berlin", "count": 50}

    preview = post(bob.api(), body, f"{PATH}/preview").json()

    changing = [each for each in preview["occurrences"] if each["isDstDay"]]
    assert changing
    assert all(each["local"][5:7] in {"03", "10"} for each in changing)
    assert any("the clock" in warning for warning in preview["warnings"])


def test_a_preview_is_of_five_in_utc_when_nothing_else_is_said(bob: Person) -> None:
    preview = post(bob.api(), {"cronExpression": "*/5 * * * *"}, f"{PATH}/preview").json()

    assert len(preview["occurrences"]) == 5
    assert all(each["local"].endswith("+00:00") for each in preview["occurrences"])


@pytest.mark.parametrize("count", [0, -1, 51, 10**30, "5", None, 1.0, True])
def test_a_preview_of_too_many_or_none_is_400_and_named(bob: Person, count: Any) -> None:
    answer = post(bob.api(), {"cronExpression": "0 8 * * *", "count": count}, f"{PATH}/preview")

    assert (answer.status_code, named(answer)) == (400, ["count"])


# --- roles, keys, strangers


def routes(schedule_id: Any) -> list[tuple[str, str, Any]]:
    """Return every route of one schedule: method, path, body."""
    path = f"{PATH}/{schedule_id}"
    return [
        ("get", path, None),
        ("patch", path, {"name": "mine now"}),
        ("post", f"{path}/pause", {}),
        ("post", f"{path}/resume", {}),
        ("delete", path, None),
    ]


def statuses(client: APIClient, schedule_id: Any) -> list[int]:
    """Return what every route of one schedule answers."""
    return [
        getattr(client, method)(path, body, format="json").status_code for method, path, body in routes(schedule_id)
    ]  # fmt: skip


def test_another_tenants_schedule_is_404_on_every_route(eve: Person, charlie: Person) -> None:
    schedule = make_schedule(eve.tenant)

    assert statuses(charlie.api(), schedule.pk) == [404] * 5
    assert charlie.api().get(PATH).json()["data"] == []
    schedule.refresh_from_db()
    assert (schedule.name, schedule.state) == ("Daily", "active")


@pytest.mark.parametrize("schedule_id", [NOBODYS, "7", "not-an-id", "x" * 500])
def test_an_id_that_is_none_is_404_on_every_route(eve: Person, schedule_id: str) -> None:
    assert statuses(eve.api(), schedule_id) == [404] * 5


def test_a_viewer_reads_and_previews_and_does_not_write(bob: Person) -> None:
    schedule, client = make_schedule(bob.tenant), bob.api()

    assert statuses(client, schedule.pk) == [200, 403, 403, 403, 403]
    assert post(client, body_of(bob.tenant)).status_code == 403
    assert client.get(PATH).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [(["reports:write"], [200, 201, 200]), (["reports:read"], [200, 403, 200]), (["outbox:write"], [403, 403, 403])],
    ids=["write", "read", "another area"],
)
def test_a_restricted_key_needs_the_scope_of_reports(acme: Tenant, scopes: list[str], expected: list[int]) -> None:
    _, key = create_api_key(
        tenant=acme, name="CI", role=Role.EDITOR, scopes=scopes, actor=SYSTEM, now=timezone.now()
    )  # fmt: skip
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=key)

    answers = [
        client.get(PATH), post(client, body_of(acme)), post(client, {"cronExpression": "0 8 * * *"}, f"{PATH}/preview")
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == expected


def test_nobody_reaches_it_without_credentials(acme: Tenant) -> None:
    schedule = make_schedule(acme)

    assert statuses(APIClient(), schedule.pk) == [401] * 5
