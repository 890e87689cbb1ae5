"""Bad calls of the import command, and Parquet files."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kaireon.platform.tenancy.models import Tenant
from tests.interactions.importing import GOOD, HEADER, rejections, rows, run


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        pytest.param("", "empty.csv", "no header", id="empty file"),
        pytest.param("\n\n", "blank.csv", "no header", id="blank lines"),
        pytest.param("customerId,outcome\n", "few.csv", "Missing columns", id="missing column"),
        pytest.param("customerId,outcome,timestamp,colour\n", "more.csv", "Unknown columns", id="unknown column"),
        pytest.param((HEADER + GOOD).encode("utf-16"), "utf16.csv", "Unknown columns", id="another encoding"),
        pytest.param('"customerId\n', "open.csv", "open.csv", id="header without end"),
        pytest.param("no parquet", "text.parquet", "text.parquet", id="no Parquet"),
        pytest.param("", "empty.parquet", "empty.parquet", id="empty Parquet"),
        pytest.param(HEADER, "history.xlsx", "must end in .csv or .parquet", id="another kind"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_bad_call(
    acme: Tenant, write: Callable[..., Path], content: str | bytes, name: str, reason: str
) -> None:
    path = write(content, name)

    code, text = run(path)

    assert code == 2
    assert reason in text
    assert "\n" not in text
    assert not Path(f"{path}.rejected").exists()


def test_a_missing_file_is_a_bad_call(acme: Tenant, tmp_path: Path) -> None:
    code, text = run(tmp_path / "nowhere.csv")

    assert (code, "No such file" in text) == (2, True)


def test_a_folder_is_a_bad_call(acme: Tenant, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()

    code, _ = run(tmp_path / "folder.csv")

    assert code == 2


def test_a_rejected_file_that_cannot_be_written_is_a_bad_call(acme: Tenant, write: Callable[..., Path]) -> None:
    path = write(HEADER + GOOD)
    Path(f"{path}.rejected").mkdir()

    code, text = run(path)

    assert (code, "cannot be written" in text) == (2, True)
    assert rows(acme) == []


def test_an_unknown_tenant_is_a_bad_call(acme: Tenant, write: Callable[..., Path]) -> None:
    code, text = run(write(HEADER + GOOD), tenant="nobody")

    assert (code, text) == (2, "There is no tenant 'nobody'.")


def parquet(path: Path, **columns: Any) -> Path:
    """Write a Parquet file."""
    pq.write_table(pa.table(columns), path)
    return path


def test_a_parquet_file_is_imported_with_its_types(acme: Tenant, tmp_path: Path) -> None:
    moment = datetime(2026, 3, 2, 12, 0, 0, 5, tzinfo=UTC)
    path = parquet(
        tmp_path / "history.parquet",
        customerId=pa.array([7, 8, 9]),
        outcome=pa.array(["click", "convert", "bought"]),
        timestamp=pa.array([moment] * 3, type=pa.timestamp("ns", tz="UTC")),
        conversionValue=pa.array([None, 19.9, 1.0]),
        rank=pa.array([1, 2, None], type=pa.int32()),
        attributes=pa.array([{"a": 1}, None, None]),
        idempotencyKey=pa.array(["1", "2", "3"]),
    )

    code, _ = run(path)

    first, second = rows(acme)
    assert code == 1
    assert (first.customer_id, first.occurred_at, first.rank, first.attributes) == ("7", moment, 1, {"a": 1})
    assert second.conversion_value == Decimal("19.9")
    assert rejections(path) == [(3, "outcome: there is no outcome type 'bought'")]


def test_a_value_that_python_cannot_hold_spoils_its_row_only(acme: Tenant, tmp_path: Path) -> None:
    far = 2**62
    path = parquet(
        tmp_path / "history.parquet",
        customerId=pa.array(["a", "b"]),
        outcome=pa.array(["click", "click"]),
        timestamp=pa.array([far, 0], type=pa.timestamp("us")),
    )

    code, _ = run(path)

    assert code == 1
    assert rejections(path) == [(1, "timestamp: cannot be read")]
    assert [row.customer_id for row in rows(acme)] == ["b"]
