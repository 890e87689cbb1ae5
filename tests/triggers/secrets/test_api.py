"""The API of trigger secrets: shown once, changed over without a gap, revoked at once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from flows.models import Pipeline
from kaireon.platform.audit.models import AuditEntry
from tests.people import Person
from tests.triggers.files.world import watching
from triggers.models import TriggerSecret

pytestmark = pytest.mark.django_db
NOBODYS = "0192f0c1-7e5a-7cc0-8a55-0123456789ab"
KEYS = {
    "id", "pipelineId", "name", "prefix", "state", "createdBy", "createdAt", "expiresAt", "revokedAt", "lastUsedAt",
    "rotatedTo",
}  # fmt: skip


@pytest.fixture
def pipeline(eve: Person, inbox: Path) -> Pipeline:
    """Return a pipeline of Acme that waits for a file."""
    return watching(eve.tenant)


def path_of(pipeline: Pipeline, *parts: str) -> str:
    """Return the route of a pipeline's secrets, or of one of them."""
    return "/".join([f"/api/v1/pipelines/{pipeline.pk}/trigger-secrets", *parts])


def make(person: Person, pipeline: Pipeline, name: str = "SAP") -> dict[str, Any]:
    """Make a secret and return what was answered."""
    answer = person.api().post(path_of(pipeline), {"name": name}, format="json")
    assert answer.status_code == 201
    return dict(answer.json())


def rotate(person: Person, pipeline: Pipeline, secret_id: str, **body: Any) -> Any:
    """Rotate a secret."""
    return person.api().post(path_of(pipeline, secret_id, "rotate"), body, format="json")


def listed(person: Person, pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return the secrets as they are listed."""
    return list(person.api().get(path_of(pipeline)).json()["data"])


def test_a_secret_is_shown_once(eve: Person, bob: Person, pipeline: Pipeline) -> None:
    made = make(eve, pipeline)

    (row,) = listed(bob, pipeline)
    assert set(made) == KEYS | {"secret"}
    assert set(row) == KEYS
    assert made["secret"].startswith(row["prefix"])
    assert (row["name"], row["state"], row["createdBy"], len(made["secret"])) == ("SAP", "live", "eve", 47)
    assert made["secret"] not in str(TriggerSecret.objects.for_tenant(eve.tenant).values())


def test_a_stolen_table_is_useless_without_the_pepper(eve: Person, pipeline: Pipeline, settings: Any) -> None:
    text = make(eve, pipeline)["secret"]
    headers = {"x-cron-secret": text}
    body = {"pipelineId": str(pipeline.pk), "tenantId": str(eve.tenant.pk), "objectKey": "a.csv"}
    route = "/api/v1/triggers/file-arrival"
    assert eve.api().post(route, body, format="json", headers=headers).status_code == 200

    settings.API_KEY_PEPPER = "another-pepper-of-more-than-32-characters"

    assert eve.api().post(route, body, format="json", headers=headers).status_code == 401


def test_the_old_secret_works_for_a_day_unless_said_otherwise(eve: Person, pipeline: Pipeline) -> None:
    start = timezone.now().replace(microsecond=0)
    with time_machine.travel(start, tick=False):
        old = make(eve, pipeline)
        answer = rotate(eve, pipeline, old["id"])
        rows = {row["id"]: row for row in listed(eve, pipeline)}

    new = answer.json()
    assert answer.status_code == 201
    assert new["secret"] != old["secret"]
    assert (new["name"], new["state"]) == ("SAP", "live")
    assert (rows[old["id"]]["state"], rows[old["id"]]["rotatedTo"]) == ("rotated", new["id"])
    ends = (start + timedelta(hours=24)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert rows[old["id"]]["expiresAt"] == ends


def test_without_overlap_the_old_one_ends_at_once(eve: Person, pipeline: Pipeline) -> None:
    old = make(eve, pipeline)

    rotate(eve, pipeline, old["id"], overlapHours=0)

    assert {row["id"]: row["state"] for row in listed(eve, pipeline)}[old["id"]] == "expired"


@pytest.mark.parametrize(
    ("hours", "status"), [(-1, 422), (169, 422), (168, 201), ("2", 400), (1.5, 400), (True, 400), (None, 400)]
)
def test_hours_are_zero_to_168(eve: Person, pipeline: Pipeline, hours: Any, status: int) -> None:
    answer = rotate(eve, pipeline, make(eve, pipeline)["id"], overlapHours=hours)

    assert answer.status_code == status
    assert status == 201 or list(answer.json()["error"]["fields"]) == ["overlapHours"]


def test_a_secret_that_was_rotated_or_ended_has_no_other_successor(eve: Person, pipeline: Pipeline) -> None:
    rotated, revoked, ended = (make(eve, pipeline) for _ in range(3))
    rotate(eve, pipeline, rotated["id"])
    eve.api().delete(path_of(pipeline, revoked["id"]))
    TriggerSecret.objects.for_tenant(eve.tenant).filter(pk=ended["id"]).update(expires_at=timezone.now())

    answers = [rotate(eve, pipeline, secret["id"]) for secret in (rotated, revoked, ended)]

    assert [(answer.status_code, answer.json()["error"]["code"]) for answer in answers] == [
        (409, "ROTATED"), (409, "REVOKED"), (409, "EXPIRED")
    ]  # fmt: skip


def test_revoking_again_changes_nothing(eve: Person, pipeline: Pipeline) -> None:
    made = make(eve, pipeline)

    answers = [eve.api().delete(path_of(pipeline, made["id"])) for _ in range(2)]

    (row,) = listed(eve, pipeline)
    assert ([answer.status_code for answer in answers], row["state"]) == ([204, 204], "revoked")
    assert AuditEntry.objects.for_tenant(eve.tenant).filter(action="revoke").count() == 1


def test_ten_are_live_at_most(eve: Person, pipeline: Pipeline) -> None:
    made = [make(eve, pipeline) for _ in range(10)]

    refused = eve.api().post(path_of(pipeline), {}, format="json")
    rotated = rotate(eve, pipeline, made[0]["id"])
    eve.api().delete(path_of(pipeline, made[1]["id"]))
    again = eve.api().post(path_of(pipeline), {}, format="json")

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "TOO_MANY_SECRETS")
    assert (rotated.status_code, again.status_code) == (201, 201)


def test_rotating_over_and_over_leaves_no_crowd_that_works(eve: Person, pipeline: Pipeline) -> None:
    secret, statuses = make(eve, pipeline)["id"], []
    for _ in range(25):
        answer = rotate(eve, pipeline, secret, overlapHours=168)
        statuses.append(answer.status_code)
        secret = answer.json().get("id", secret)

    assert (statuses.count(201), set(statuses[19:])) == (19, {409})


def test_what_people_do_is_in_the_audit_log_without_the_secret(eve: Person, pipeline: Pipeline) -> None:
    made = make(eve, pipeline)
    new = rotate(eve, pipeline, made["id"]).json()
    eve.api().delete(path_of(pipeline, new["id"]))

    rows = AuditEntry.objects.for_tenant(eve.tenant).filter(entity_type="trigger_secret").order_by("sequence")
    assert [(row.action, row.entity_id, row.user_name) for row in rows] == [
        ("create", made["id"], "eve"), ("rotate", new["id"], "eve"), ("revoke", new["id"], "eve")
    ]  # fmt: skip
    assert (rows[1].after or {})["replaces"] == made["id"]
    kept = str([(row.before, row.after, row.changes) for row in rows])
    assert made["secret"] not in kept
    assert new["secret"] not in kept


def test_a_viewer_sees_them_and_makes_none(bob: Person, eve: Person, pipeline: Pipeline) -> None:
    made = make(eve, pipeline)

    assert bob.api().get(path_of(pipeline)).status_code == 200
    assert bob.api().post(path_of(pipeline), {}, format="json").status_code == 403
    assert rotate(bob, pipeline, made["id"]).status_code == 403
    assert bob.api().delete(path_of(pipeline, made["id"])).status_code == 403


def test_nobody_else_finds_them(charlie: Person, eve: Person, pipeline: Pipeline) -> None:
    made = make(eve, pipeline)

    assert charlie.api().get(path_of(pipeline)).status_code == 404
    assert charlie.api().post(path_of(pipeline), {}, format="json").status_code == 404
    assert rotate(charlie, pipeline, made["id"]).status_code == 404
    assert charlie.api().delete(path_of(pipeline, made["id"])).status_code == 404
    assert listed(eve, pipeline)[0]["state"] == "live"


def test_a_secret_is_found_through_its_own_pipeline_only(eve: Person, pipeline: Pipeline) -> None:
    made, other = make(eve, pipeline), Pipeline.objects.for_tenant(eve.tenant).get()
    other = Pipeline.objects.create(
        tenant=eve.tenant, name="Other", created_at=other.created_at, updated_at=other.created_at
    )  # fmt: skip

    assert rotate(eve, other, made["id"]).status_code == 404
    assert eve.api().delete(path_of(other, made["id"])).status_code == 404
    assert rotate(eve, pipeline, NOBODYS).status_code == 404
    assert eve.api().delete(path_of(pipeline, "7")).status_code == 404


@pytest.mark.parametrize("body", [{"name": 7}, {"name": "x" * 121}, {"colour": "red"}, {"name": "a\x00"}, []])
def test_what_cannot_be_read_is_refused(eve: Person, pipeline: Pipeline, body: Any) -> None:
    assert eve.api().post(path_of(pipeline), body, format="json").status_code == 400
