"""Where files go: below the source's folder, under names that nothing else has."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flows.storage.base import StorageError
from flows.storage.folders import failure_key, restored_key, staged_key, success_key
from flows.storage.keys import LONGEST_PART, folder_key, key_problem, shown

NOW = datetime(2026, 3, 9, 23, 30, 5, tzinfo=UTC)


def test_a_staged_file_carries_the_token_of_its_claim() -> None:
    assert staged_key("/data/inbox", ".processing/", "a.csv", token="7f3a", now=NOW) == (
        "/data/inbox/.processing/7f3a-a.csv"
    )
    assert staged_key("inbox/", ".processing", "a.csv", token="7f3a", now=NOW) == "inbox/.processing/7f3a-a.csv"
    assert staged_key("", ".processing", "a.csv", token="7f3a", now=NOW) == ".processing/7f3a-a.csv"


def test_an_archive_is_dated_in_utc() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=9)))

    assert success_key("/in", ".archive/{YYYY-MM-DD}/", "a.csv", now=east) == "/in/.archive/2026-03-09/a.csv"
    assert success_key("/in", ".archive/{YYYY}/{MM}/{DD}/", "a.csv", now=NOW) == "/in/.archive/2026/03/09/a.csv"
    assert failure_key("/in", ".failed/{YYYYMMDD}_{HH}{mm}{ss}", "a.csv", now=NOW) == (
        "/in/.failed/20260309_233005/a.csv"
    )


@pytest.mark.parametrize(
    ("name", "attempt", "expected"),
    [
        ("a.csv", 1, "a.csv"),
        ("a.csv", 2, "a-2.csv"),
        ("a.csv.gz", 3, "a-3.csv.gz"),
        ("done", 2, "done-2"),
        (".done", 2, ".done-2"),
        (".a.csv", 2, ".a-2.csv"),
    ],
)
def test_a_taken_place_gets_a_number_before_the_ending(name: str, attempt: int, expected: str) -> None:
    assert success_key("in", ".archive", name, now=NOW, attempt=attempt) == f"in/.archive/{expected}"
    assert restored_key("in", name, attempt=attempt) == f"in/{expected}"


@pytest.mark.parametrize("folder", ["/etc", "../up", "a/../../b", ".", "a/./b", "", "/", "a\x00b", "x" * 300])
def test_a_folder_that_leads_out_of_the_source_s_own_is_refused(folder: str) -> None:
    places: list[Callable[[], str]] = [
        lambda: staged_key("/in", folder, "a.csv", token="t", now=NOW),
        lambda: success_key("/in", folder, "a.csv", now=NOW),
        lambda: failure_key("/in", folder, "a.csv", now=NOW),
    ]
    for place in places:
        with pytest.raises(StorageError):
            place()


@pytest.mark.parametrize("name", ["../a.csv", "b/a.csv", "..", ".", "", "a\nb", "a\x00"])
def test_a_name_that_is_a_path_is_refused(name: str) -> None:
    places: list[Callable[[], str]] = [
        lambda: staged_key("/in", ".p", name, token="t", now=NOW),
        lambda: staged_key("/in", ".p", "a.csv", token=name, now=NOW),
        lambda: success_key("/in", ".a", name, now=NOW),
        lambda: restored_key("/in", name),
    ]
    for place in places:
        with pytest.raises(StorageError):
            place()


def test_a_name_as_long_as_a_disk_takes_keeps_its_ending_and_its_token() -> None:
    name = "ü" * 120 + ".csv.gz"

    key = staged_key("/in", ".p", name, token="0123456789abcdef", now=NOW)

    assert key.startswith("/in/.p/0123456789abcdef-")
    assert key.endswith("ü.csv.gz")
    assert len(key.rpartition("/")[2].encode()) <= LONGEST_PART


@given(some.text(min_size=1, max_size=60), some.text(min_size=1, max_size=60), some.integers(1, 5))
def test_no_folder_and_no_name_ever_lead_outside(folder: str, name: str, attempt: int) -> None:
    try:
        key = success_key("/data/inbox", folder, name, now=NOW, attempt=attempt)
    except StorageError:
        return

    assert key.startswith("/data/inbox/")
    assert ".." not in key.split("/")
    assert key_problem(key) == ""


def test_folders_of_objects_end_in_a_slash_and_the_top_is_nothing() -> None:
    assert folder_key("/a//b/") == "a/b/"
    assert folder_key("/") == ""


def test_a_key_is_shown_so_that_no_line_of_a_log_can_be_forged() -> None:
    assert shown("a\nERROR b") == "a\\nERROR b"
    assert shown("a\udcff") == "a\\udcff"
    assert shown("März.csv") == "März.csv"
    assert len(shown("x" * 1_000)) == 201
