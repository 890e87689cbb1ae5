"""Who may push: the shared secret everything, a pipeline's own secret that pipeline, nobody else anything."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from flows.services import delete_pipeline
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.people import Person
from tests.triggers.files.world import NOW, drop, runs_of, trigger_ir, watching
from tests.triggers.push.world import CRON, native, push, secret_for
from triggers.models import TriggerSecret
from triggers.services.secrets import revoke_secret, rotate_secret

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "headers", [{"x-cron-secret": CRON}, {"Authorization": f"Bearer {CRON}"}, {"Authorization": f"bearer  {CRON}"}]
)
def test_the_shared_secret_is_taken_in_both_headers(acme: Tenant, inbox: Path, headers: dict[str, str]) -> None:
    assert push(native(watching(acme)), **headers).status_code == 200


def test_a_trigger_secret_is_taken_in_both_headers(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    text = secret_for(pipeline).text
    drop(inbox, "a.csv")

    assert push(native(pipeline), Authorization=f"Bearer {text}").status_code == 202
    assert push(native(pipeline), text).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"x-cron-secret": ""},
        {"x-cron-secret": "wrong"},
        {"x-cron-secret": "kts_wrong"},
        {"x-cron-secret": "kts_" + "x" * 10_000},
        {"x-cron-secret": "kts_\u00e4"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {CRON}"},
        {"X-API-Key": CRON},
    ],
)
def test_everybody_else_is_refused(acme: Tenant, inbox: Path, headers: dict[str, str]) -> None:
    answer = push(native(watching(acme)), **headers)

    assert answer.status_code == 401
    assert answer["Cache-Control"] == "no-store"


def test_an_api_key_is_no_secret_of_a_trigger(alice: Person, inbox: Path) -> None:
    assert push(native(watching(alice.tenant)), alice.key).status_code == 401


@pytest.mark.parametrize("unset", ["", " ", ","])
def test_without_a_shared_secret_nobody_is_let_in(acme: Tenant, inbox: Path, settings: Any, unset: str) -> None:
    pipeline = watching(acme)
    text = secret_for(pipeline).text
    settings.CRON_SECRET = unset

    assert [push(native(pipeline), secret).status_code for secret in (text, CRON, "", unset)] == [401] * 4


def test_a_secret_fires_no_other_pipeline(acme: Tenant, inbox: Path) -> None:
    text = secret_for(watching(acme, "Own")).text
    other = watching(acme, "Other", trigger_ir(config={"path": "elsewhere"}))

    answer = push(native(other), text)

    assert answer.status_code == 404
    assert runs_of(other) == []


def test_a_secret_fires_no_pipeline_of_another_tenant(acme: Tenant, globex: Tenant, inbox: Path) -> None:
    text, alices = secret_for(watching(globex)).text, watching(acme)
    drop(inbox, "a.csv")

    assert push(native(alices), text).status_code == 404
    assert push(native(alices, tenantId=str(globex.pk)), text).status_code == 404
    assert runs_of(alices) == []


def test_a_revoked_secret_is_refused_at_once(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    made = secret_for(pipeline)
    revoke_secret(tenant=acme, pipeline_id=pipeline.pk, secret_id=made.row.pk, actor=SYSTEM, now=NOW)

    assert push(native(pipeline), made.text).status_code == 401


def test_a_rotated_secret_works_beside_the_new_one_until_its_hours_are_over(acme: Tenant, inbox: Path) -> None:
    pipeline, start = watching(acme), timezone.now()
    old = secret_for(pipeline)
    new = rotate_secret(
        tenant=acme, pipeline_id=pipeline.pk, secret_id=old.row.pk, overlap_hours=2, actor=SYSTEM, now=start
    )

    def statuses(at: Any) -> list[int]:
        with time_machine.travel(at, tick=False):
            return [push(native(pipeline), made.text).status_code for made in (old, new)]

    assert statuses(start + timedelta(hours=2, seconds=-1)) == [200, 200]
    assert statuses(start + timedelta(hours=2)) == [401, 200]


def test_a_secret_goes_with_its_pipeline(acme: Tenant, inbox: Path) -> None:
    pipeline = watching(acme)
    text = secret_for(pipeline).text
    body = native(pipeline)
    delete_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=NOW)

    assert push(body, text).status_code == 401


def test_its_use_is_noted_once_a_minute(acme: Tenant, inbox: Path) -> None:
    pipeline, start = watching(acme), timezone.now()
    made = secret_for(pipeline)

    def used_after(seconds: int) -> Any:
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            push(native(pipeline), made.text)
        return TriggerSecret.objects.for_tenant(acme).get().last_used_at

    assert [used_after(seconds) - start for seconds in (0, 59, 60)] == [
        timedelta(0), timedelta(0), timedelta(seconds=60)
    ]  # fmt: skip


def test_no_secret_stands_in_the_log(acme: Tenant, inbox: Path, caplog: pytest.LogCaptureFixture) -> None:
    pipeline = watching(acme)
    made = secret_for(pipeline)
    drop(inbox, "a.csv")

    push(native(pipeline), made.text)
    push(native(pipeline), made.text + "x")

    assert made.text not in caplog.text
    assert made.text not in repr(made)
