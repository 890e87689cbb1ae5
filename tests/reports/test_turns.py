"""Reports that somebody waits for take turns: threads are left for pages, the API and the tick."""

from contextlib import ExitStack

from django.conf import settings

from kaireon.platform.tenancy.models import Tenant
from reports.turns import TURNS
from tests.people import Person
from tests.reports.runs_world import Told, make_template, make_webhook, only_run, tick, told_runs
from tests.servers import Receiver


def test_a_tenant_that_has_its_turns_is_told_to_come_again(alice: Person, acme: Tenant, source: Told) -> None:
    template = make_template(acme)
    with ExitStack() as held:
        for _ in range(settings.WEB_THREADS // 2):
            held.enter_context(TURNS.take(acme.pk))
        answers = [
            alice.api().post(f"/api/v1/reports/templates/{template.pk}/preview", {}, format="json"),
            alice.api().post("/api/v1/reports/export", {"dashboard": "executive", "format": "csv"}, format="json"),
        ]
    for answer in answers:
        assert (answer.status_code, answer["Retry-After"]) == (429, "5")
        assert answer.json()["error"]["code"] == "BUSY"


def test_the_preview_beside_the_editor_follows_by_itself(alice: Person, acme: Tenant, source: Told) -> None:
    address = f"/settings/reports/{make_template(acme).pk}/preview"
    with ExitStack() as held:
        for _ in range(settings.WEB_THREADS // 2):
            held.enter_context(TURNS.take(acme.pk))
        answer = alice.browser().get(address)
    assert answer.status_code == 200
    assert f'hx-get="{address}"' in answer.content.decode()
    assert 'hx-trigger="load delay:3s"' in answer.content.decode()
    assert "The preview follows by itself" not in alice.browser().get(address).content.decode()


def test_a_run_now_without_a_thread_to_spare_is_left_to_the_worker(
    alice: Person, acme: Tenant, source: Told, hook: Receiver
) -> None:
    template = make_template(acme, destination_ids=[make_webhook(acme, hook).pk])
    with ExitStack() as held:
        for _ in range(settings.WEB_THREADS // 2):
            held.enter_context(TURNS.take(acme.pk))
        answer = alice.api().post(f"/api/v1/reports/templates/{template.pk}/run-now", {}, format="json")

    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    tick()
    assert (only_run(acme).status, len(told_runs(hook))) == ("completed", 1)
