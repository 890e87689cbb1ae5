"""Previews: the SQL of each node, and the first rows of one from a real file that stays where it is."""

from pathlib import Path
from typing import Any

import pytest

from tests.flows.pipeline_world import PIPELINES, drop_orders, make_pipeline, orders_ir, source_ir
from tests.people import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox(tmp_path: Path, settings: Any) -> Path:
    """Return the folder that a relative path leads to."""
    settings.FLOW_LOCAL_FS_ROOTS = [str(tmp_path)]
    settings.FLOW_TEMP_DIR = tmp_path / "work"
    return tmp_path / "inbox"


def ask(person: Person, what: str, body: Any) -> Any:
    path = f"{PIPELINES}/{make_pipeline(person.tenant).pk}/{what}"
    return person.api().post(path, body, format="json")


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
@pytest.mark.usefixtures("inbox")
def test_each_node_has_its_sql(bob: Person, dialect: str) -> None:
    answer = ask(bob, "preview", {"dialect": dialect})

    assert answer.status_code == 200
    nodes = answer.json()["nodes"]
    assert [(each["nodeId"], each["kind"]) for each in nodes] == [
        ("src", "source"), ("clean", "transform"), ("check", "validate"), ("load", "target"),
    ]  # fmt: skip
    assert "amount" in nodes[1]["sql"]


def test_a_sample_shows_what_leaves_a_node_and_leaves_the_file(eve: Person, inbox: Path) -> None:
    file = drop_orders(inbox)

    source = ask(eve, "sample", {"nodeId": "src", "limit": 2}).json()
    path = f"{PIPELINES}/{eve.api().get(PIPELINES).json()['data'][0]['id']}/sample"
    checked = eve.api().post(path, {"nodeId": "check"}, format="json").json()

    assert [each["name"] for each in source["columns"]] == ["order_id", "customer", "amount"]
    assert source["rows"] == [
        {"order_id": "1", "customer": "Ann", "amount": "10.5"}, {"order_id": "2", "customer": "Bob", "amount": "-3"},
    ]  # fmt: skip
    assert [row["amount"] for row in checked["rows"]] == [10.5, 7.0]
    assert file.exists()


def test_a_sample_of_no_file_says_so(eve: Person, inbox: Path) -> None:
    inbox.mkdir()

    answer = ask(eve, "sample", {"nodeId": "src"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "PREVIEW_REFUSED")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "nodeId"),
        ({"nodeId": "nowhere"}, 404, "nodeId"),
        ({"nodeId": "src", "limit": 0}, 400, "limit"),
        ({"nodeId": "src", "limit": 101}, 400, "limit"),
        ({"nodeId": "src", "ir": orders_ir(nodes=[])}, 422, "ir.nodes"),
        ({"nodeId": "src", "ir": source_ir(path="/etc/")}, 422, ""),
        ({"nodeId": "src", "ir": source_ir(path="../../etc/")}, 422, ""),
        ({"nodeId": "src", "ir": source_ir("ftp")}, 422, ""),
    ],
    ids=["no-node", "unknown-node", "none", "many", "bad-ir", "outside", "dots", "ftp"],
)
@pytest.mark.usefixtures("inbox")
def test_a_sample_that_cannot_be_is_refused(eve: Person, body: dict[str, Any], status: int, field: str) -> None:
    answer = ask(eve, "sample", body)

    # An IR that is empty is one that cannot be read.
    assert answer.status_code in {status, 400 if field == "ir.nodes" else status}
    assert not field or field in answer.json()["error"]["fields"]


def test_a_viewer_tries_nothing_on_real_files(bob: Person, inbox: Path) -> None:
    drop_orders(inbox)

    assert ask(bob, "sample", {"nodeId": "src"}).status_code == 403


def test_a_dialect_that_there_is_none_is_refused(bob: Person) -> None:
    answer = ask(bob, "preview", {"dialect": "oracle"})

    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["dialect"])
