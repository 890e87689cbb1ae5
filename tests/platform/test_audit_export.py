"""The CSV export."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from kaireon.platform.audit import selectors
from kaireon.platform.audit.csv_export import COLUMNS
from tests.people import Person
from tests.platform.audit_world import forget_everything, write

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEYS = {
    "id", "sequence", "action", "entityType", "entityId", "entityName", "changes", "before", "after", "entityVersion",
    "actorKind", "userId", "userName", "tenantId", "requestId", "integrityHash", "prevHash", "timestamp",
}  # fmt: skip


@pytest.fixture(autouse=True)
def empty_log(alice: Person, bob: Person, eve: Person, charlie: Person) -> None:
    """Forget what making the people recorded."""
    forget_everything()


def read_export(person: Person, query: str = "") -> list[dict[str, str]]:
    response: Any = person.api().get(f"/api/v1/audit-export{query}")
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))


def test_every_entry_is_a_row_newest_first(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "CHUNK", 2)
    write(alice.tenant, 5, after={"a": 1})

    rows = read_export(alice)

    assert [row["sequence"] for row in rows] == ["5", "4", "3", "2", "1"]
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["after"] == '{"a": 1}'


def test_it_is_a_download_named_after_the_tenant(alice: Person) -> None:
    response = alice.api().get("/api/v1/audit-export")

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="audit-acme.csv"'


def test_names_that_look_like_formulas_stay_text(alice: Person) -> None:
    write(alice.tenant, entity_name='=HYPERLINK("http://evil.example","x")')

    assert read_export(alice)[0]["entityName"].startswith("'=HYPERLINK(")


@pytest.mark.parametrize("accept", ["text/csv", "text/html", "*/*", "application/json", "nonsense"])
def test_any_accept_header_gets_the_file(alice: Person, accept: str) -> None:
    response = alice.api().get("/api/v1/audit-export", headers={"Accept": accept})

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_an_error_is_json_whatever_was_asked_for(alice: Person) -> None:
    response = alice.api().get("/api/v1/audit-export?since=soon", headers={"Accept": "text/csv"})

    assert response.status_code == 400
    assert response.json()["error"]["fields"]["since"]


def test_filters_apply(alice: Person) -> None:
    write(alice.tenant, 2)
    write(alice.tenant, entity_type="destination")

    assert len(read_export(alice, "?entityType=destination")) == 1


def test_it_holds_nothing_of_another_tenant(alice: Person, charlie: Person) -> None:
    write(alice.tenant, 2)

    assert read_export(charlie) == []


def test_the_eleventh_export_in_a_minute_is_refused(alice: Person) -> None:
    statuses = [alice.api().get("/api/v1/audit-export").status_code for _ in range(11)]

    assert statuses == [200] * 10 + [429]
