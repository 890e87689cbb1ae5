"""Fragments of the editor: a node's form opened, changed by its buttons, applied; the JSON checked as it is typed."""

from typing import Any

import pytest

from flows.forms.drafts import write_draft
from flows.models import Pipeline, PipelineVersion
from flows.services import create_connector
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import NOW, make_pipeline
from tests.pages.flow_world import HTMX, draft_of, events_of, part_of
from tests.people import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline(acme: Tenant) -> Pipeline:
    """Return a pipeline with the documented IR."""
    return make_pipeline(acme)


def ask(person: Person, pipeline: Pipeline, part: str, draft: Any = None, **fields: str) -> Any:
    """Post a fragment's form with the draft, as the page does."""
    text = draft if isinstance(draft, str) else write_draft(draft if draft is not None else draft_of(pipeline))
    return person.browser().post(part_of(pipeline, part), {"draft": text, **fields}, headers=HTMX)


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def filter_node(**fields: str) -> dict[str, str]:
    """Return the controls of a new transform that keeps some rows."""
    return {
        "kind": "transform", "act": "apply", "f.id": "only-big", "f.input": "check", "f.ops.0.__here": "1",
        "f.ops.0.op": "filter", "f.ops.0.expr": "amount > 5", **fields,
    }  # fmt: skip


def test_a_node_opens_with_what_stands_in_the_draft(pipeline: Pipeline, eve: Person) -> None:
    text = text_of(ask(eve, pipeline, "node", before="check"))

    assert "Validate check" in text
    assert 'value="gt:0"' in text
    assert 'value="dlq.orders"' in text


@pytest.mark.parametrize("kind", ["source", "transform", "validate", "enrich", "branch", "join", "target", "settings"])
def test_every_button_of_the_toolbar_opens_a_form(kind: str, pipeline: Pipeline, eve: Person) -> None:
    answer = ask(eve, pipeline, "node", kind=kind)

    assert answer.status_code == 200
    assert "Apply" in text_of(answer)


def test_inputs_are_offered_and_the_node_itself_is_not(pipeline: Pipeline, eve: Person) -> None:
    text = text_of(ask(eve, pipeline, "node", before="check"))

    assert '<option value="clean" selected>' in text
    assert '<option value="check"' not in text


def test_the_tenants_connectors_are_offered_and_nobody_elses(
    acme: Tenant, globex: Tenant, pipeline: Pipeline, eve: Person
) -> None:
    for tenant, name in ((acme, "Mine"), (globex, "Theirs")):
        values = {"name": name, "type": "local_fs", "config": {}}
        create_connector(tenant=tenant, values=values, actor=SYSTEM, now=NOW)

    text = text_of(ask(eve, pipeline, "node", before="src"))

    assert "Mine" in text
    assert "Theirs" not in text


def test_a_node_that_is_applied_stands_between_its_input_and_who_read_it(pipeline: Pipeline, eve: Person) -> None:
    answer = ask(eve, pipeline, "node", **filter_node(between="on"))

    text = text_of(answer)
    assert answer.status_code == 200
    assert answer["HX-Retarget"] == "#flow-visual"
    assert "keep rows where amount &gt; 5" in text
    assert "reads only-big" in text
    assert "Needs work" not in text
    assert events_of(answer)["k-draft"] == {"focus": "card-edit-only-big"}


def test_what_is_applied_goes_back_into_the_json_and_nothing_is_saved(pipeline: Pipeline, eve: Person) -> None:
    text = text_of(ask(eve, pipeline, "node", **filter_node(between="on")))

    assert 'id="flow-draft"' in text
    assert "hx-swap-oob" in text
    assert "&quot;only-big&quot;" in text
    assert PipelineVersion.objects.for_tenant(pipeline.tenant_id).count() == 1


def test_what_is_wrong_with_a_node_stands_beside_its_field(pipeline: Pipeline, eve: Person) -> None:
    answer = ask(eve, pipeline, "node", **filter_node(**{"f.ops.0.expr": "(SELECT 1)"}))

    text = text_of(answer)
    assert answer.status_code == 400
    assert "Not taken over" in text
    assert 'href="#f-ops-0-expr"' in text
    assert 'id="f-ops-0-expr-error"' in text


def test_what_is_wrong_elsewhere_keeps_nobody_from_applying_a_sound_node(pipeline: Pipeline, eve: Person) -> None:
    draft = draft_of(pipeline)
    draft["nodes"][3]["schema"] = "nonsense"

    answer = ask(eve, pipeline, "node", draft, **filter_node(between="on"))

    assert answer.status_code == 200
    assert "Needs work" in text_of(answer)


def test_buttons_change_the_form_and_keep_what_was_typed(pipeline: Pipeline, eve: Person) -> None:
    text = text_of(ask(eve, pipeline, "node", **filter_node(act="add:ops")))

    assert "Operation 2" in text
    assert "amount &gt; 5" in text
    assert 'name="between"' in text


def test_another_kind_of_operation_brings_its_fields(pipeline: Pipeline, eve: Person) -> None:
    text = text_of(ask(eve, pipeline, "node", **filter_node(**{"act": "pick", "f.ops.0.op": "hash"})))

    assert 'name="f.ops.0.algorithm"' in text
    assert 'name="f.ops.0.expr"' not in text


def test_a_renamed_node_is_read_under_its_new_name(pipeline: Pipeline, eve: Person) -> None:
    fields = {
        "before": "clean", "act": "apply", "f.id": "tidy", "f.input": "src", "f.ops.0.__here": "1",
        "f.ops.0.op": "cast", "f.ops.0.field": "amount", "f.ops.0.to": "double", "f.ops.0.onError": "quarantine",
    }  # fmt: skip

    text = text_of(ask(eve, pipeline, "node", **fields))

    assert "reads tidy" in text
    assert "Needs work" not in text


def test_a_node_is_removed_and_its_readers_read_what_it_read(pipeline: Pipeline, eve: Person) -> None:
    answer = ask(eve, pipeline, "draft", act="remove:clean")

    text = text_of(answer)
    assert "Transform clean" not in text
    assert "reads src" in text
    assert "k-draft" in events_of(answer)


def test_settings_of_the_pipeline_are_applied(pipeline: Pipeline, eve: Person) -> None:
    fields = {
        "kind": "settings", "act": "apply", "f.metadata.__here": "1", "f.metadata.name": "Orders",
        "f.metadata.tags": "daily\nsales", "f.errorHandling.__here": "1", "f.errorHandling.dlq.enabled": "on",
        "f.errorHandling.dlq.__here": "1", "f.errorHandling.retry.__here": "1",
        "f.errorHandling.retry.maxAttempts": "5",
    }  # fmt: skip

    answer = ask(eve, pipeline, "node", **fields)

    text = text_of(answer)
    assert answer.status_code == 200, text
    assert "&quot;maxAttempts&quot;: 5" in text
    assert "&quot;sales&quot;" in text


def test_settings_that_cannot_be_stay_in_the_form(pipeline: Pipeline, eve: Person) -> None:
    fields = {
        "kind": "settings", "act": "apply", "f.metadata.__here": "1", "f.metadata.name": "",
        "f.errorHandling.__here": "1", "f.errorHandling.retry.__here": "1", "f.errorHandling.retry.maxAttempts": "5000",
    }  # fmt: skip

    answer = ask(eve, pipeline, "node", **fields)

    assert answer.status_code == 400
    assert 'href="#f-metadata-name"' in text_of(answer)


def test_the_json_is_checked_as_it_is_typed_each_problem_at_its_line(pipeline: Pipeline, eve: Person) -> None:
    draft = draft_of(pipeline)
    draft["nodes"][2]["input"] = "nowhere"

    text = text_of(ask(eve, pipeline, "check", draft))
    sound = text_of(ask(eve, pipeline, "check"))

    assert "nodes[2].input" in text
    assert "data-flow-line=" in text
    assert "Nothing is wrong with it" in sound


def test_json_that_cannot_be_read_names_the_line(pipeline: Pipeline, eve: Person) -> None:
    text = text_of(ask(eve, pipeline, "check", "{\n\n oops"))
    cards = text_of(ask(eve, pipeline, "draft", "{\n\n oops"))
    node = ask(eve, pipeline, "node", "{\n\n oops", before="src")

    assert "line 3" in text
    assert "The JSON cannot be read" in cards
    assert node.status_code == 400
    assert "Line 3" in text_of(node)


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"before": "nobody"}, {"kind": "explosion"}, {"kind": "archive"}, {"before": "src\x00"},
        {"kind": "settings\x00"},
    ],
    ids=["nothing", "nobody", "unknown", "old", "nul", "nul-kind"],
)  # fmt: skip
def test_a_node_that_is_not_there_is_not_found(fields: dict[str, str], pipeline: Pipeline, eve: Person) -> None:
    assert ask(eve, pipeline, "node", **fields).status_code == 404


def test_markup_in_a_draft_is_shown_as_text(pipeline: Pipeline, eve: Person) -> None:
    draft = draft_of(pipeline)
    nasty = "<script>alert(1)</script>\"'}"
    draft["nodes"][1] |= {"id": nasty, "ops": [{"op": nasty, "field": nasty}]}

    cards, form = ask(eve, pipeline, "draft", draft), ask(eve, pipeline, "node", draft, before=nasty)

    assert "<script>" not in text_of(cards)
    assert "<script>" not in text_of(form)


def test_a_viewer_changes_no_draft(pipeline: Pipeline, bob: Person) -> None:
    assert {ask(bob, pipeline, part).status_code for part in ("draft", "check", "node")} == {403}
