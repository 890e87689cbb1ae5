"""Who may send what: every route of the flow pages by a viewer, by another tenant, and with another tenant's ids."""

from typing import Any

import pytest

from flows.forms.drafts import write_draft
from flows.models import Connector, DataSchema, Pipeline, PipelineRun, PipelineVersion
from flows.page_urls import urlpatterns
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import make_connector, make_pipeline, orders_ir, source_ir
from tests.pages.flow_world import HTMX, LIST, draft_of, edit_of, make_run, make_schema, part_of
from tests.people import Person

pytestmark = pytest.mark.django_db
ROUTES = {str(route.name): str(route.pattern) for route in urlpatterns}
OF_ROWS = [name for name, address in ROUTES.items() if "<" in address]
# What a POST by a viewer may do: look at the SQL of a draft.
LOOKS = {"flow-pipeline-sql"}
READ_ONLY = {
    "flow-pipelines-page", "flow-pipeline-row", "flow-pipeline-lineage", "flow-pipeline-versions", "flow-runs-page",
    "flow-run-page", "flow-run-page-errors", "flow-run-page-rejects", "connectors-page", "schemas-page", "schema-page",
}  # fmt: skip


@pytest.fixture
def world(acme: Tenant) -> dict[str, Any]:
    """Return a pipeline with a failed run, a connector and a schema of Acme."""
    pipeline = make_pipeline(acme)
    run = make_run(pipeline, "failed")
    return {"pipeline": pipeline, "run": run, "connector": make_connector(acme), "schema": make_schema(acme)}


def address_of(name: str, world: dict[str, Any]) -> str:
    address = ROUTES[name]
    for row in ("pipeline", "run", "connector", "schema"):
        address = address.replace(f"<str:{row}_id>", str(world[row].pk))
    return f"/{address}"


def everything(tenant: Tenant) -> list[Any]:
    """Return all that a POST could have changed."""
    models: Any = (Pipeline, PipelineVersion, PipelineRun, Connector, DataSchema)
    return [list(model.objects.for_tenant(tenant).order_by("pk").values()) for model in models]


def fields(world: dict[str, Any]) -> dict[str, str]:
    """Return a POST that has something for every view."""
    draft = draft_of(world["pipeline"])
    draft["metadata"]["name"] = "Taken over"
    return {
        "draft": write_draft(draft), "seen": "1", "act": "save", "version": "1", "kind": "transform", "name": "Theirs",
        "node": "src",
    }  # fmt: skip


@pytest.mark.parametrize("name", ROUTES)
def test_a_viewers_post_is_refused_and_changes_nothing(
    name: str, acme: Tenant, bob: Person, world: dict[str, Any]
) -> None:
    before = everything(acme)

    answer = bob.browser().post(address_of(name, world), fields(world))

    assert answer.status_code == (405 if name in READ_ONLY else 200 if name in LOOKS else 403)
    assert everything(acme) == before


@pytest.mark.parametrize("name", OF_ROWS)
def test_a_post_to_another_tenants_row_finds_nothing_and_changes_nothing(
    name: str, acme: Tenant, charlie: Person, world: dict[str, Any]
) -> None:
    before = everything(acme)

    answer = charlie.browser().post(address_of(name, world), fields(world), headers=HTMX)

    assert answer.status_code == (405 if name in READ_ONLY else 404)
    assert "Load orders" not in answer.content.decode()
    assert everything(acme) == before


@pytest.mark.parametrize("name", [name for name in OF_ROWS if name not in READ_ONLY])
def test_an_id_that_is_none_is_not_found(name: str, eve: Person, world: dict[str, Any]) -> None:
    wrong = {row: type("Row", (), {"pk": "nonsense"}) for row in world}

    assert eve.browser().post(address_of(name, wrong), fields(world)).status_code == 404


@pytest.mark.parametrize("field", ["connector", "schema"])
def test_another_tenants_row_cannot_be_chosen_in_a_form(
    field: str, acme: Tenant, globex: Tenant, eve: Person, world: dict[str, Any]
) -> None:
    theirs = {"connector": make_connector(globex, "Theirs"), "schema": make_schema(globex, "theirs")}[field]
    typed = {"name": "Mine", "schema": str(world["schema"].pk), field: str(theirs.pk)}

    answers = [
        eve.browser().post(address, typed) for address in (f"{LIST}/new", part_of(world["pipeline"], "settings"))
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert not any("Theirs" in answer.content.decode() for answer in answers)
    assert list(Pipeline.objects.for_tenant(acme).values_list("name", flat=True)) == ["Load orders"]


@pytest.mark.parametrize("act", ["save", "publish"])
def test_another_tenants_connector_in_a_draft_is_as_one_that_is_not_there(
    act: str, acme: Tenant, globex: Tenant, eve: Person, world: dict[str, Any]
) -> None:
    theirs = make_connector(globex, "Theirs")
    draft = source_ir(connectorId=str(theirs.pk))

    answer = eve.browser().post(
        edit_of(world["pipeline"]), {"draft": write_draft(draft), "seen": "1", "act": act}
    )  # fmt: skip

    assert answer.status_code == 400
    assert "Theirs" not in answer.content.decode()
    assert PipelineVersion.objects.for_tenant(acme).count() == 1


@pytest.mark.parametrize("part", ["check", "draft", "sql", "sample"])
def test_fragments_of_a_draft_tell_nothing_of_another_tenants_connector(
    part: str, globex: Tenant, eve: Person, world: dict[str, Any]
) -> None:
    theirs = make_connector(globex, "Theirs", config={"basePath": "/srv/theirs"})
    draft = source_ir(connectorId=str(theirs.pk))

    answer = eve.browser().post(part_of(world["pipeline"], part), {"draft": write_draft(draft), "node": "src"})

    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Theirs" not in text
    assert "/srv/theirs" not in text


def test_another_tenants_pipeline_may_have_the_same_name_and_versions(acme: Tenant, charlie: Person) -> None:
    ours, theirs = make_pipeline(acme), make_pipeline(charlie.tenant)
    draft = orders_ir(metadata={"name": "Other"})

    answer = charlie.browser().post(edit_of(theirs), {"draft": write_draft(draft), "seen": "1", "act": "save"})

    assert answer.status_code == 303
    ours.refresh_from_db()
    assert ours.latest_version == 1
