"""The editor of a pipeline: what it shows, Save Changes against somebody else's version, Publish, versions, lineage."""

from typing import Any

import pytest

from flows.forms.drafts import write_draft
from flows.models import Pipeline, PipelineVersion
from flows.services import pause_pipeline, publish_version, save_version
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import NOW, make_pipeline, orders_ir
from tests.pages.flow_world import HTMX, draft_of, edit_of, make_run, part_of, said
from tests.people import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline(acme: Tenant) -> Pipeline:
    """Return a pipeline with the documented IR."""
    return make_pipeline(acme)


def text_of(person: Person, address: str, **query: str) -> str:
    return str(person.browser().get(address, query).content.decode())


def save(person: Person, pipeline: Pipeline, draft: Any, **more: str) -> Any:
    text = draft if isinstance(draft, str) else write_draft(draft)
    return person.browser().post(edit_of(pipeline), {"draft": text, "seen": "1", "act": "save", **more})


def changed(pipeline: Pipeline) -> dict[str, Any]:
    """Return the draft with another name in its metadata."""
    draft = draft_of(pipeline)
    return {**draft, "metadata": {**draft["metadata"], "name": "Changed"}}


def versions(pipeline: Pipeline) -> list[int]:
    rows = PipelineVersion.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline)
    return list(rows.order_by("version").values_list("version", flat=True))


def live(pipeline: Pipeline) -> int | None:
    pipeline.refresh_from_db()
    return pipeline.live_version


def test_the_nodes_stand_as_cards_in_flow_order_with_what_they_do(pipeline: Pipeline, eve: Person) -> None:
    text = text_of(eve, edit_of(pipeline))

    places = [text.index(f'aria-label="{name}"') for name in ("Source src", "Transform clean", "Validate check")]
    assert places == sorted(places)
    assert "cast amount to double" in text
    assert "Needs work" not in text


def test_the_top_bar_tells_the_status_and_the_version_that_is_live(pipeline: Pipeline, eve: Person) -> None:
    text = text_of(eve, edit_of(pipeline))

    assert "Draft" in text
    assert "version <b>1</b>" in text
    assert ">live<" in text


def test_a_newer_version_that_is_not_live_is_said_so(acme: Tenant, pipeline: Pipeline, eve: Person) -> None:
    save_version(tenant=acme, pipeline_id=pipeline.pk, ir=changed(pipeline), actor=SYSTEM, now=NOW)

    assert "Runs use version 1, which is live" in text_of(eve, edit_of(pipeline))


def test_a_paused_pipeline_says_that_run_now_still_runs_it(acme: Tenant, pipeline: Pipeline, eve: Person) -> None:
    pause_pipeline(tenant=acme, pipeline_id=pipeline.pk, actor=SYSTEM, now=NOW)

    text = text_of(eve, edit_of(pipeline))

    assert "It does not run by itself" in text
    assert "Resume" in text


def test_the_strip_below_tells_the_last_run_and_what_is_in_quarantine(pipeline: Pipeline, eve: Person) -> None:
    make_run(pipeline, "completed_with_errors", failed_rows=1234)

    text = text_of(eve, edit_of(pipeline))

    assert "Completed with errors" in text
    assert "1,234" in text


def test_a_viewer_sees_everything_and_no_button_that_changes_it(pipeline: Pipeline, bob: Person) -> None:
    text = text_of(bob, edit_of(pipeline))

    assert "An editor of your tenant can change and run it" in text
    assert "Save Changes" not in text.replace("Save Changes makes", "")
    assert "readonly" in text
    assert "+ Transform" not in text


def test_save_changes_makes_a_version_and_leaves_the_live_one(pipeline: Pipeline, eve: Person) -> None:
    answer = save(eve, pipeline, changed(pipeline), comment="Another name")

    assert answer.status_code == 303
    assert said(answer) == "Version 2 of “Load orders” is saved."
    assert versions(pipeline) == [1, 2]
    assert live(pipeline) == 1
    assert PipelineVersion.objects.for_tenant(pipeline.tenant_id).get(version=2).comment == "Another name"


def test_save_without_a_change_makes_no_version(pipeline: Pipeline, eve: Person) -> None:
    answer = save(eve, pipeline, draft_of(pipeline))

    assert "Nothing has changed" in said(answer)
    assert versions(pipeline) == [1]


def test_publish_saves_what_was_changed_and_makes_it_live(pipeline: Pipeline, eve: Person) -> None:
    answer = save(eve, pipeline, changed(pipeline), act="publish")

    assert said(answer) == "Version 2 of “Load orders” is saved and live."
    assert live(pipeline) == 2


def test_publish_of_what_is_saved_only_moves_the_pointer(acme: Tenant, pipeline: Pipeline, eve: Person) -> None:
    save_version(tenant=acme, pipeline_id=pipeline.pk, ir=changed(pipeline), actor=SYSTEM, now=NOW)

    answer = save(eve, pipeline, draft_of(pipeline), act="publish", seen="2")

    assert said(answer) == "Version 2 of “Load orders” is live."
    assert versions(pipeline) == [1, 2]
    assert live(pipeline) == 2


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(acme: Tenant, pipeline: Pipeline, eve: Person) -> None:
    save_version(tenant=acme, pipeline_id=pipeline.pk, ir=changed(pipeline), actor=SYSTEM, now=NOW)
    mine = {**draft_of(pipeline), "metadata": {"name": "Mine"}}

    answer = save(eve, pipeline, mine)

    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Save over version 2" in text
    assert "&quot;Mine&quot;" in text
    assert versions(pipeline) == [1, 2]


def test_save_over_it_is_a_choice_and_keeps_the_other_version(acme: Tenant, pipeline: Pipeline, eve: Person) -> None:
    save_version(tenant=acme, pipeline_id=pipeline.pk, ir=changed(pipeline), actor=SYSTEM, now=NOW)
    mine = {**draft_of(pipeline), "metadata": {"name": "Mine"}}

    answer = save(eve, pipeline, mine, over="2")

    assert answer.status_code == 303
    assert versions(pipeline) == [1, 2, 3]


@pytest.mark.parametrize("seen", ["", "nonsense", "-1", "9" * 30], ids=["none", "words", "negative", "long"])
def test_a_form_that_does_not_say_what_it_was_made_of_overwrites_nothing(
    seen: str, pipeline: Pipeline, eve: Person
) -> None:
    answer = save(eve, pipeline, changed(pipeline), seen=seen)

    assert answer.status_code == 409
    assert versions(pipeline) == [1]


def test_a_draft_that_is_not_sound_stays_with_its_problems_at_its_nodes(pipeline: Pipeline, eve: Person) -> None:
    draft = draft_of(pipeline)
    draft["nodes"][2]["input"] = "nowhere"

    answer = save(eve, pipeline, draft)

    text = answer.content.decode()
    assert answer.status_code == 400
    assert "The pipeline is not sound yet" in text
    assert "Needs work" in text
    assert "there is no node nowhere" in text
    assert 'data-dirty="1"' in text
    assert versions(pipeline) == [1]


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "null", '{"nodes": 5}', '{"nodes": [1, null, {"id": 5}]}', "x" * 100_000],
    ids=["empty", "open", "list", "null", "no-nodes", "odd-nodes", "long"],
)  # fmt: skip
def test_a_draft_that_is_no_pipeline_at_all_stays_to_be_corrected(text: str, pipeline: Pipeline, eve: Person) -> None:
    answer = save(eve, pipeline, text)

    assert answer.status_code == 400
    assert versions(pipeline) == [1]


def test_what_changed_between_any_two_versions_stands_with_both_values(
    acme: Tenant, pipeline: Pipeline, eve: Person
) -> None:
    draft = draft_of(pipeline)
    draft["nodes"][3]["loadMode"] = "truncate"
    save_version(tenant=acme, pipeline_id=pipeline.pk, ir=draft, comment="Replace", actor=SYSTEM, now=NOW)

    text = text_of(eve, part_of(pipeline, "versions"))
    same = text_of(eve, part_of(pipeline, "versions"), old="2", new="2")

    assert "nodes[3].loadMode" in text
    assert "append" in text
    assert "truncate" in text
    assert "Replace" in text
    assert "say the same" in same


def test_versions_that_are_not_there_are_not_found(pipeline: Pipeline, eve: Person) -> None:
    answer = eve.browser().get(part_of(pipeline, "versions"), {"old": "7", "new": "8"})

    assert answer.status_code == 404


def test_an_older_version_can_be_published_again(acme: Tenant, pipeline: Pipeline, eve: Person) -> None:
    save_version(tenant=acme, pipeline_id=pipeline.pk, ir=changed(pipeline), actor=SYSTEM, now=NOW, publish=True)

    answer = eve.browser().post(part_of(pipeline, "publish"), {"version": "1"})

    assert "Version 1" in said(answer)
    assert live(pipeline) == 1


@pytest.mark.parametrize("version", ["", "x", "7", "1e9"])
def test_publishing_what_is_not_there_changes_nothing(version: str, pipeline: Pipeline, eve: Person) -> None:
    answer = eve.browser().post(part_of(pipeline, "publish"), {"version": version})

    assert "cannot be published" in said(answer)
    assert live(pipeline) == 1


def test_lineage_shows_the_walk_and_says_why_there_are_no_rows(pipeline: Pipeline, bob: Person) -> None:
    text = text_of(bob, part_of(pipeline, "lineage"))

    places = [text.index(name) for name in ("src", "clean", "check", "load")]
    assert places == sorted(places)
    assert "There is no table public.ds_orders" in text


def test_settings_change_the_name_and_lead_back(pipeline: Pipeline, eve: Person) -> None:
    answer = eve.browser().post(part_of(pipeline, "settings"), {"name": "Orders in"}, headers=HTMX)

    pipeline.refresh_from_db()
    assert answer["HX-Redirect"] == edit_of(pipeline)
    assert pipeline.name == "Orders in"


def test_a_name_that_is_taken_stands_beside_its_field(acme: Tenant, pipeline: Pipeline, eve: Person) -> None:
    make_pipeline(acme, "Taken")

    answer = eve.browser().post(part_of(pipeline, "settings"), {"name": "Taken"})

    assert answer.status_code == 400
    assert "Another pipeline has this name" in answer.content.decode()


def test_a_pipeline_is_deleted_with_its_history_and_not_while_it_runs(pipeline: Pipeline, eve: Person) -> None:
    run = make_run(pipeline, "pending")

    kept = eve.browser().post(part_of(pipeline, "delete"))
    run.delete()
    gone = eve.browser().post(part_of(pipeline, "delete"))

    assert "waiting or under way" in said(kept)
    assert gone["Location"] == "/data/flow-pipelines"
    assert not Pipeline.objects.for_tenant(pipeline.tenant_id).exists()


def test_the_schedule_is_told_in_words(acme: Tenant, eve: Person) -> None:
    ir = orders_ir(schedule={"kind": "cron", "expression": "0 8 * * *", "timezone": "Europe/Berlin"})
    pipeline = make_pipeline(acme, ir=ir)

    text = text_of(eve, edit_of(pipeline))

    assert "At 08:00 Europe/Berlin" in text


def test_publish_version_is_recorded_once(acme: Tenant, pipeline: Pipeline) -> None:
    publish_version(tenant=acme, pipeline_id=pipeline.pk, version=1, actor=SYSTEM, now=NOW)

    assert live(pipeline) == 1
