"""Names and posts that nobody means well: markup, other directions, no width, 120 characters; drafts that are odd."""

import json
from typing import Any

import pytest

from flows.forms.drafts import write_draft
from flows.models import Pipeline, PipelineVersion, RunFile, RunLogLine
from flows.services import save_version
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import NOW, make_pipeline, orders_ir
from tests.pages.flow_world import HTMX, LIST, RUNS, draft_of, edit_of, fill_run, make_run, part_of, run_of
from tests.people import Person

pytestmark = pytest.mark.django_db
HOSTILE = {
    "markup": "<img src=x onerror=alert(1)>\"'`{{7*7}}{% now %}", "rtl": "שלום עולם הזמנות", "long": "W" * 120,
    "zero-width": "Or\u200bders\u2060\ufeff", "emoji": "👩‍👩‍👧 ﷽", "formula": "=1+1\\u003c/script\\u003e",
}  # fmt: skip


@pytest.fixture
def pipeline(acme: Tenant) -> Pipeline:
    """Return a pipeline with the documented IR."""
    return make_pipeline(acme)


def ask(person: Person, pipeline: Pipeline, part: str, draft: Any, **fields: str) -> Any:
    text = draft if isinstance(draft, str) else write_draft(draft)
    return person.browser().post(part_of(pipeline, part), {"draft": text, **fields}, headers=HTMX)


def versions(pipeline: Pipeline) -> list[int]:
    rows = PipelineVersion.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline)
    return list(rows.order_by("version").values_list("version", flat=True))


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_is_text_on_the_list_the_editor_the_run_and_in_the_drawer(
    name: str, acme: Tenant, eve: Person
) -> None:
    pipeline = make_pipeline(acme, name, ir=orders_ir())
    run = make_run(pipeline, "failed", error=name, error_node=name[:63], requested_by=name, load_strategy=name[:60])
    fill_run(run, mark=name)
    browser = eve.browser()

    addresses = {LIST: {}, RUNS: {}, edit_of(pipeline): {}, run_of(run): {}, f"{run_of(run)}?drawer=1": HTMX,
                 part_of(pipeline, "row"): HTMX, part_of(pipeline, "settings"): {}}  # fmt: skip
    answers = {address: browser.get(address, headers=headers) for address, headers in addresses.items()}

    shown = {address: answer.content.decode() for address, answer in answers.items()}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert [address for address, text in shown.items() if "<img" in text or "49" in text.partition("{{")[1]] == []
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = escaped.replace('"', "&quot;").replace("'", "&#x27;")
    assert [address for address, text in shown.items() if escaped not in text] == []


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_what_is_told_to_the_script_is_one_json_header(name: str, acme: Tenant, eve: Person) -> None:
    pipeline = make_pipeline(acme, name, ir=orders_ir())

    answer = eve.browser().post(part_of(pipeline, "pause"), headers=HTMX)

    assert json.loads(answer["HX-Trigger"])["k-say"]["text"].startswith(f"“{name}” is paused")
    assert answer["HX-Trigger"].isascii()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_that_is_typed_comes_back_as_typed_when_something_else_is_wrong(name: str, eve: Person) -> None:
    answer = eve.browser().post(f"{LIST}/new", {"name": name, "schema": "nonsense"})

    assert answer.status_code == 400
    assert answer.context["form"]["name"].value() == name
    assert "<img" not in answer.content.decode()


@pytest.mark.parametrize("name", ["\u202eredro", "a\x00b", "a\nb", "\u2066x\u2069", "x" * 121, "  "])
def test_a_name_that_deceives_is_refused(name: str, acme: Tenant, pipeline: Pipeline, eve: Person) -> None:
    answer = eve.browser().post(part_of(pipeline, "settings"), {"name": name})

    assert answer.status_code == 400
    assert Pipeline.objects.for_tenant(acme).get().name == "Load orders"


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", "\u202e", "x" * 500])
def test_a_search_for_anything_finds_nothing_and_does_no_harm(text: str, pipeline: Pipeline, bob: Person) -> None:
    answer = bob.browser().get(LIST, {"q": text})

    assert answer.status_code == 200
    assert answer.context["lines"] == []


@pytest.mark.parametrize("name", ["seen", "over"])
@pytest.mark.parametrize("text", ["²", "٣", "9" * 12])
def test_a_version_that_is_no_number_overwrites_nothing(name: str, text: str, pipeline: Pipeline, eve: Person) -> None:
    draft = {**draft_of(pipeline), "metadata": {"name": "Mine"}}

    answer = eve.browser().post(
        edit_of(pipeline), {"draft": write_draft(draft), "act": "save", "seen": "0", name: text}
    )

    assert answer.status_code == 409
    assert versions(pipeline) == [1]


@pytest.mark.parametrize("text", ["²", "٣", "0"])
def test_versions_that_are_no_numbers_are_looked_for_and_published_nowhere(
    text: str, pipeline: Pipeline, eve: Person
) -> None:
    looked = eve.browser().get(part_of(pipeline, "versions"), {"old": text, "new": "1"})
    published = eve.browser().post(part_of(pipeline, "publish"), {"version": text})

    assert looked.status_code in {200, 404}
    assert published.status_code == 303
    assert versions(pipeline) == [1]


@pytest.mark.parametrize(
    "odd", [5, {"a": 1}, [None]], ids=["number", "object", "nothings"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["cases", "ops", "input", "id", "config", "datasetLevel", "on", "default"])
def test_a_node_with_anything_in_a_field_still_opens_and_is_drawn(
    field: str, odd: Any, pipeline: Pipeline, eve: Person
) -> None:
    draft = draft_of(pipeline)
    kinds = {"cases": "branch", "default": "branch", "on": "join", "datasetLevel": "validate", "config": "source"}
    kind = kinds.get(field, "transform")
    draft["nodes"][1] = {"id": "clean", "kind": kind, "input": "src", "left": "src", "right": "src", field: odd}

    drawn, opened = (ask(eve, pipeline, part, draft, kind="target") for part in ("draft", "node"))

    assert (drawn.status_code, opened.status_code) == (200, 200)


@pytest.mark.parametrize("act", ["save", "publish"])
def test_over_an_older_version_than_the_newest_nothing_is_saved(
    act: str, acme: Tenant, pipeline: Pipeline, eve: Person
) -> None:
    for name in ("Second", "Third"):
        theirs = {**draft_of(pipeline), "metadata": {"name": name}}
        save_version(tenant=acme, pipeline_id=pipeline.pk, ir=theirs, actor=SYSTEM, now=NOW)
    mine = {**draft_of(pipeline), "metadata": {"name": "Mine"}}

    answer = eve.browser().post(
        edit_of(pipeline), {"draft": write_draft(mine), "seen": "1", "over": "2", "act": act, "comment": "My reason"}
    )

    text = answer.content.decode()
    pipeline.refresh_from_db()
    assert answer.status_code == 409
    assert ("Save over version 3" in text, "&quot;Mine&quot;" in text, "My reason" in text) == (True, True, True)
    assert (versions(pipeline), pipeline.live_version) == ([1, 2, 3], 1)


def test_a_version_that_is_not_there_yet_is_no_leave_to_overwrite(pipeline: Pipeline, eve: Person) -> None:
    mine = {**draft_of(pipeline), "metadata": {"name": "Mine"}}

    answer = eve.browser().post(edit_of(pipeline), {"draft": write_draft(mine), "seen": "99", "act": "save"})

    assert answer.status_code == 409
    assert versions(pipeline) == [1]


def test_files_and_lines_of_log_with_markup_are_text(pipeline: Pipeline, bob: Person) -> None:
    run = make_run(pipeline)
    fill_run(run, mark="</script><script>alert(1)</script>")
    RunFile.objects.for_tenant(run.tenant_id).update(error="<b>gone</b>")
    RunLogLine.objects.for_tenant(run.tenant_id).update(message="<script>alert(2)</script>")

    text = bob.browser().get(run_of(run)).content.decode()

    assert "<script>alert" not in text
    assert "&lt;b&gt;gone&lt;/b&gt;" in text
