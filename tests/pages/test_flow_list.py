"""The list of pipelines: what fails or is late first, each row with where it reads and writes, Run now, pause; New."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from flows.models import Pipeline, PipelineRun, PipelineVersion
from flows.selectors.overview import pipelines_in_trouble
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import make_connector, make_pipeline, orders_ir
from tests.pages.flow_world import HTMX, LIST, events_of, make_run, make_schema, part_of, said
from tests.people import Person

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def text_of(person: Person, address: str = LIST, **query: str) -> str:
    return str(person.browser().get(address, query).content.decode())


def test_a_pipeline_that_failed_stands_above_with_why_and_what_to_do(acme: Tenant, bob: Person) -> None:
    run = make_run(make_pipeline(acme), "failed", error="amount holds “many”", error_node="clean")

    text = text_of(bob)

    assert "“Load orders” failed" in text
    assert "At <code>clean</code>: amount holds “many”" in text
    assert f"/data/flow-runs/{run.pk}" in text
    assert text.index("“Load orders” failed") < text.index("All pipelines")


def test_a_pipeline_that_set_rows_aside_says_how_many(acme: Tenant, bob: Person) -> None:
    make_run(make_pipeline(acme), "completed_with_errors", failed_rows=2_000)

    assert "2,000 rows could not be taken" in text_of(bob)


def test_the_worst_is_first(acme: Tenant) -> None:
    make_run(make_pipeline(acme, "Aside"), "completed_with_errors")
    make_run(make_pipeline(acme, "Failed"), "failed")

    assert [row.pipeline.name for row in pipelines_in_trouble(acme, 5)] == ["Failed", "Aside"]


def test_a_run_that_nobody_takes_is_late_and_says_how_to_start_a_worker(acme: Tenant, bob: Person) -> None:
    make_run(make_pipeline(acme), "pending", now=timezone.now() - 5 * timedelta(minutes=1))

    text = text_of(bob)

    assert "“Load orders” is late" in text
    assert "manage.py run_worker" in text


def test_when_nothing_fails_the_page_says_so(acme: Tenant, bob: Person) -> None:
    make_run(make_pipeline(acme))

    assert "None is failing or late" in text_of(bob)


def test_a_row_tells_source_target_trigger_and_the_last_result(acme: Tenant, bob: Person) -> None:
    schedule = {"kind": "cron", "expression": "0 8 * * 1-5", "timezone": "Europe/Berlin"}
    make_run(make_pipeline(acme, ir=orders_ir(schedule=schedule)), rows_out=1_234)

    text = text_of(bob)

    assert "local_fs: inbox/orders*.csv" in text
    assert "public.ds_orders" in text
    assert "At 08:00, Monday through Friday Europe/Berlin" in text
    assert "1,234" in text
    assert "Completed" in text


def test_search_finds_names_and_says_when_there_is_none(acme: Tenant, bob: Person) -> None:
    make_pipeline(acme, "Accounts")

    assert "Accounts" in text_of(bob, q="ACC")
    assert "No pipeline matches “zzz”" in text_of(bob, q="zzz")


def test_pages_of_the_list_go_on_by_key(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    Pipeline.objects.bulk_create(
        Pipeline(tenant=acme, name=f"P{at:02}", created_at=now + at * timedelta(seconds=1), updated_at=now)
        for at in range(40)
    )
    first = bob.browser().get(LIST)
    key = first.context["next_key"]

    second = text_of(bob, after=key)

    assert "P39" in first.content.decode()
    assert "P09" in second
    assert "P10" not in second
    assert "First page" in second


def test_run_now_queues_a_run_and_the_row_watches_it(acme: Tenant, eve: Person) -> None:
    pipeline = make_pipeline(acme)

    answer = eve.browser().post(part_of(pipeline, "run"), headers=HTMX)

    text = answer.content.decode()
    assert PipelineRun.objects.for_tenant(acme).get().trigger_source == "manual"
    assert "data-poll" in text
    assert "Queued" in text
    assert events_of(answer)["k-say"]["text"] == "“Load orders” is running."


def test_run_now_without_a_script_leads_to_the_run(acme: Tenant, eve: Person) -> None:
    answer = eve.browser().post(part_of(make_pipeline(acme), "run"))

    assert answer["Location"] == f"/data/flow-runs/{PipelineRun.objects.for_tenant(acme).get().pk}"


def test_run_now_in_the_editor_opens_the_run(acme: Tenant, eve: Person) -> None:
    headers = {**HTMX, "HX-Target": "k-drawer-content"}

    text = eve.browser().post(part_of(make_pipeline(acme), "run"), headers=headers).content.decode()

    assert "Waits to be run" in text
    assert 'data-poll="1"' in text


def test_a_pipeline_without_a_live_version_says_what_to_do(acme: Tenant, eve: Person) -> None:
    pipeline = make_pipeline(acme)
    Pipeline.objects.for_tenant(acme).update(live_version=None)

    answer = eve.browser().post(part_of(pipeline, "run"))

    assert "publish one first" in said(answer)


def test_the_end_of_a_run_is_news_of_its_row(acme: Tenant, bob: Person) -> None:
    pipeline = make_pipeline(acme)
    make_run(pipeline)

    answer = bob.browser().get(part_of(pipeline, "row"), headers=HTMX)

    assert events_of(answer)["k-say"] == {"text": "“Load orders”: completed.", "tone": "good"}


def test_pause_and_resume_answer_with_the_row(acme: Tenant, eve: Person) -> None:
    pipeline = make_pipeline(acme)

    paused = eve.browser().post(part_of(pipeline, "pause"), headers=HTMX).content.decode()
    resumed = eve.browser().post(part_of(pipeline, "resume"), headers=HTMX).content.decode()

    assert "Paused" in paused
    assert "Resume Load orders" in paused
    assert "Pause Load orders" in resumed


def test_the_dialog_asks_for_name_connector_and_schema(acme: Tenant, eve: Person) -> None:
    make_connector(acme, "Lake")
    make_schema(acme)

    text = str(eve.browser().get(f"{LIST}/new", headers=HTMX).content.decode())

    assert "Lake" in text
    assert "Orders (public.ds_orders)" in text
    assert "Create &amp; Open Editor" in text
    assert "<html" not in text


def test_without_a_schema_the_dialog_leads_to_making_one(eve: Person) -> None:
    text = text_of(eve, f"{LIST}/new")

    assert "There is no schema yet" in text
    assert "/data/schemas/new" in text


@pytest.mark.parametrize(
    ("values", "kind", "path"),
    [
        ({"type": "local_fs", "config": {"basePath": "/srv/in"}}, "local_fs", "/srv/in"),
        ({"type": "local_fs", "config": {}}, "local_fs", "/data/inbox/"),
        ({"type": "aws_s3", "config": {"bucket": "lake", "region": "eu-west-1"}}, "s3", "s3://lake/inbox/"),
        ({"type": "sftp", "config": {"host": "93.184.216.34", "port": 22}}, "sftp", "/inbox/"),
    ],
    ids=["folder", "any-folder", "s3", "sftp"],
)
def test_a_new_pipeline_has_a_source_for_its_connector_and_opens_in_the_editor(
    values: dict[str, Any], kind: str, path: str, acme: Tenant, eve: Person
) -> None:
    secret: dict[str, Any] = {} if kind == "local_fs" else {"auth_config": AUTH[kind]}
    connector, schema = make_connector(acme, **values, **secret), make_schema(acme)
    typed = {"name": "Orders  (daily)!", "connector": str(connector.pk), "schema": str(schema.pk)}

    answer = eve.browser().post(f"{LIST}/new", typed, headers=HTMX)

    pipeline = Pipeline.objects.for_tenant(acme).get()
    ir = PipelineVersion.objects.for_tenant(acme).get().ir
    assert answer["HX-Redirect"] == f"{LIST}/{pipeline.pk}/edit"
    assert (ir["id"], ir["nodes"][0]["connector"], ir["nodes"][0]["config"]["path"]) == ("orders-daily", kind, path)
    assert ir["nodes"][1]["schema"] == "public.ds_orders"
    assert pipeline.live_version == 1


AUTH = {"s3": {"accessKeyId": "A", "secretAccessKey": "B"}, "sftp": {"username": "u", "password": "p"}}


@pytest.mark.parametrize(
    ("typed", "said_about"),
    [({"name": ""}, "Name"), ({"name": "x\x00"}, "Name"), ({"name": "Taken"}, "Another pipeline"),
     ({"schema": ""}, "Schema"), ({"schema": "00000000-0000-0000-0000-000000000000"}, "Schema"),
     ({"connector": "nonsense"}, "Connector"), ({"name": "x" * 121}, "Name")],
    ids=["no-name", "nul", "taken", "no-schema", "nobodys-schema", "no-connector", "long"],
)  # fmt: skip
def test_what_cannot_be_made_stays_in_the_dialog(
    typed: dict[str, str], said_about: str, acme: Tenant, eve: Person
) -> None:
    make_pipeline(acme, "Taken")
    schema = make_schema(acme)

    answer = eve.browser().post(f"{LIST}/new", {"name": "New", "schema": str(schema.pk), **typed})

    assert answer.status_code == 400
    assert said_about in answer.content.decode()
    assert Pipeline.objects.for_tenant(acme).count() == 1


def test_what_failed_today_and_what_is_under_way_stand_on_the_overview(acme: Tenant, bob: Person) -> None:
    make_run(make_pipeline(acme, "Broken"), "failed", error="No such column.", error_node="clean")
    make_run(make_pipeline(acme, "Working"), "running")

    text = text_of(bob, "/")

    assert "Broken</a> failed at clean" in text
    assert "Under way:" in text
    assert "Working" in text
