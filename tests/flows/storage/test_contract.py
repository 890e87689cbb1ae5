"""What every store does alike: list, look, move without overwriting, fetch within a limit."""

from pathlib import Path

import pytest

from flows.storage.base import FileGone, PlaceTaken, StorageError
from tests.flows.storage.world import Box


def test_a_folder_lists_its_own_files_and_none_below(box: Box) -> None:
    for name in ("b.csv", "a.csv", ".processing/c.csv", "sub/deep/d.csv"):
        box.put(f"inbox/{name}", b"a,b\n1,2\n")
    box.put("inbox2/e.csv", b"x")

    files = box.listed()

    assert [(file.name, file.size) for file in files] == [("a.csv", 8), ("b.csv", 8)]
    assert all(file.modified_at is not None and file.modified_at.tzinfo is not None for file in files)
    assert all(file.version and file.store == box.store.name for file in files)


def test_a_folder_that_is_not_there_has_no_files(box: Box) -> None:
    files = list(box.store.list_folder(box.key("nowhere"), limit=10))

    assert files == []


def test_a_folder_with_too_many_files_is_an_error_and_not_a_part_of_them(box: Box) -> None:
    for number in range(4):
        box.put(f"inbox/{number}.csv", b"x")

    with pytest.raises(StorageError, match="more than 3 files"):
        box.listed(limit=3)


def test_names_with_blanks_letters_and_signs_are_listed_moved_and_fetched(box: Box, into: Path) -> None:
    name = "Bestellungen März #1 50% [x] & 'y'+z.csv"
    box.put(f"inbox/{name}", b"data")
    store = box.store

    (file,) = box.listed()
    store.move(file.key, box.key(f".archive/{name}"))

    assert file.name == name
    assert store.fetch(box.key(f".archive/{name}"), into, most_bytes=10).read_bytes() == b"data"
    assert box.listed() == []


def test_a_look_finds_what_the_list_found(box: Box) -> None:
    box.put("inbox/a.csv", b"one")
    store = box.store

    (file,) = box.listed()

    assert store.stat(file.key) == file
    assert store.stat(box.key("none.csv")) is None
    assert store.stat(box.key("no/where/none.csv")) is None


def test_an_upload_of_the_same_name_is_another_file_to_us(box: Box) -> None:
    box.put("inbox/a.done", b"one")
    (before,) = box.listed()
    box.store.move(before.key, box.key(".archive/a.done"))
    box.put("inbox/a.done", b"other")

    (after,) = box.listed()

    assert after.key == before.key
    assert after.identity != before.identity


def test_a_move_takes_the_file_along_whole_and_leaves_nothing(box: Box) -> None:
    box.put("inbox/a.csv", b"data")
    store = box.store

    store.move(box.key("a.csv"), box.key(".processing/1/a.csv"))

    assert box.read("inbox/.processing/1/a.csv") == b"data"
    assert box.read("inbox/a.csv") is None


def test_a_move_never_overwrites_what_is_there(box: Box) -> None:
    box.put("inbox/a.csv", b"new")
    box.put("inbox/.archive/a.csv", b"old")

    with pytest.raises(PlaceTaken, match="taken"):
        box.store.move(box.key("a.csv"), box.key(".archive/a.csv"))

    assert box.read("inbox/a.csv") == b"new"
    assert box.read("inbox/.archive/a.csv") == b"old"


def test_a_move_of_a_file_that_is_gone_says_so(box: Box) -> None:
    box.put("inbox/a.csv", b"new")

    with pytest.raises(FileGone, match=r"b\.csv is not there"):
        box.store.move(box.key("b.csv"), box.key(".archive/b.csv"))


def test_a_move_that_was_done_already_says_that_the_file_is_gone(box: Box) -> None:
    box.put("inbox/a.csv", b"new")
    store = box.store
    store.move(box.key("a.csv"), box.key(".archive/a.csv"))

    with pytest.raises(FileGone):
        store.move(box.key("a.csv"), box.key(".archive/a.csv"))

    assert box.read("inbox/.archive/a.csv") == b"new"


def test_what_was_fetched_has_the_bytes_of_the_file(box: Box, into: Path) -> None:
    data = bytes(range(256)) * 40_000
    box.put("inbox/a.bin", data)

    path = box.store.fetch(box.key("a.bin"), into, most_bytes=len(data))

    assert path.read_bytes() == data


def test_an_empty_file_is_fetched_as_one(box: Box, into: Path) -> None:
    box.put("inbox/a.done", b"")

    path = box.store.fetch(box.key("a.done"), into, most_bytes=10)

    assert path.read_bytes() == b""


def test_a_file_that_is_too_large_is_not_fetched(box: Box, into: Path) -> None:
    box.put("inbox/a.csv", b"x" * 11)

    with pytest.raises(StorageError, match="10 bytes"):
        box.store.fetch(box.key("a.csv"), into, most_bytes=10)


def test_a_file_that_is_gone_is_not_fetched(box: Box, into: Path) -> None:
    with pytest.raises(FileGone):
        box.store.fetch(box.key("a.csv"), into, most_bytes=10)


@pytest.mark.parametrize(
    "name",
    ["../secret.csv", "a/../../secret.csv", "./a.csv", "a\x00.csv", "a\n.csv", "x" * 300, "a/" * 600, "\udcff.csv"],
    ids=["up", "up from below", "here", "nul", "line feed", "long name", "long key", "no text"],
)
def test_a_key_that_leads_elsewhere_is_refused_whatever_is_asked_of_it(box: Box, into: Path, name: str) -> None:
    box.put("inbox/a.csv", b"x")
    store = box.store
    bad, good = box.key(name), box.key("a.csv")

    for ask in (
        lambda: store.stat(bad),
        lambda: store.move(bad, good),
        lambda: store.move(good, bad),
        lambda: store.fetch(bad, into, most_bytes=10),
        lambda: list(store.list_folder(bad, limit=10)),
    ):
        with pytest.raises(StorageError, match="is no name for a file"):
            ask()

    assert box.read("inbox/a.csv") == b"x"


def test_closing_a_store_twice_is_harmless(box: Box) -> None:
    store = box.store
    list(store.list_folder(box.folder, limit=10))

    store.close()
    store.close()
