"""SQL and sample rows of a draft that nobody has saved: of every node, in both dialects, and why there are none."""

from pathlib import Path
from typing import Any

import pytest

from flows.forms.drafts import write_draft
from flows.models import Pipeline, RunFile
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import drop_orders, make_pipeline, source_ir
from tests.pages.flow_world import HTMX, draft_of, part_of
from tests.people import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox(tmp_path: Path, settings: Any) -> Path:
    """Return a folder that the server may read, with the documented file in it."""
    settings.FLOW_LOCAL_FS_ROOTS = [str(tmp_path)]
    drop_orders(tmp_path / "inbox")
    return tmp_path / "inbox"


@pytest.fixture
def pipeline(acme: Tenant, inbox: Path) -> Pipeline:
    """Return the documented pipeline, which reads that folder."""
    return make_pipeline(acme, ir=source_ir(path=f"{inbox}/"))


def ask(person: Person, pipeline: Pipeline, part: str, draft: Any = None, **fields: str) -> str:
    text = draft if isinstance(draft, str) else write_draft(draft if draft is not None else draft_of(pipeline))
    answer = person.browser().post(part_of(pipeline, part), {"draft": text, **fields}, headers=HTMX)
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.parametrize("dialect", ["duckdb", "spark", "nonsense"])
def test_every_node_has_its_sql_in_the_dialect(dialect: str, pipeline: Pipeline, bob: Person) -> None:
    text = ask(bob, pipeline, "sql", dialect=dialect)

    assert text.count('class="k-payload"') >= 3
    assert "SELECT" in text
    assert "amount" in text


def test_the_rows_of_a_node_stand_with_its_sql_and_the_file_stays(inbox: Path, pipeline: Pipeline, eve: Person) -> None:
    text = ask(eve, pipeline, "sample", node="src")

    assert "First 4 rows" in text
    assert "Cid" in text
    assert "SQL" in text
    assert (inbox / "orders.csv").exists()
    assert not RunFile.objects.for_tenant(pipeline.tenant_id).exists()


@pytest.mark.parametrize(
    ("node", "said"),
    [("clean", "First 3 rows"), ("check", "First 2 rows"), ("load", "First 2 rows")],
)
def test_rows_that_are_set_aside_do_not_leave_a_node(node: str, said: str, pipeline: Pipeline, eve: Person) -> None:
    assert said in ask(eve, pipeline, "sample", node=node)


def test_a_branch_and_what_reads_its_case_can_be_looked_at(pipeline: Pipeline, eve: Person) -> None:
    draft = draft_of(pipeline)
    draft["nodes"].insert(
        3, {"id": "part", "kind": "branch", "input": "check", "cases": [{"id": "big", "when": "amount > 8"}]}
    )
    draft["nodes"][4]["input"] = "part.big"

    target, branch = ask(eve, pipeline, "sample", draft, node="load"), ask(eve, pipeline, "sample", draft, node="part")

    assert "First 1 row that" in target
    assert "SQL" in branch


def test_a_source_without_files_says_so(inbox: Path, pipeline: Pipeline, eve: Person) -> None:
    (inbox / "orders.csv").unlink()

    assert "no file in" in ask(eve, pipeline, "sample", node="src")


def test_a_folder_outside_of_the_roots_is_not_read(pipeline: Pipeline, eve: Person) -> None:
    draft = draft_of(pipeline)
    draft["nodes"][0]["config"] |= {"path": "/etc/", "pattern": {"type": "glob", "value": "passwd"}}

    text = ask(eve, pipeline, "sample", draft, node="src")

    assert "root:" not in text
    assert 'data-tone="warn"' in text


@pytest.mark.parametrize("part", ["sql", "sample"])
@pytest.mark.parametrize("draft", ["", "{", '{"nodes": []}'], ids=["empty", "open", "no-nodes"])
def test_a_draft_that_is_not_sound_says_to_correct_it_first(
    part: str, draft: str, pipeline: Pipeline, eve: Person
) -> None:
    assert "The draft is not sound yet" in ask(eve, pipeline, part, draft, node="src")


def test_a_node_that_the_draft_has_not_is_said_so(pipeline: Pipeline, eve: Person) -> None:
    assert "The draft has no such node" in ask(eve, pipeline, "sample", node="nobody")


def test_a_viewer_reads_no_files_through_a_draft(pipeline: Pipeline, bob: Person) -> None:
    answer = bob.browser().post(part_of(pipeline, "sample"), {"draft": "{}", "node": "src"}, headers=HTMX)

    assert answer.status_code == 403
