"""Folders of this machine: confined, whatever stands or changes below the roots."""

import errno
import itertools
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from pytest_django import Settings

from flows.storage.base import FileGone, PlaceTaken, StorageError
from flows.storage.local_fs import LocalStore
from flows.storage.opening import open_store
from flows.storage.renaming import link_into_free_place, rename_into_free_place


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "inbox").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.csv").write_text("secret")
    return tmp_path / "root"


@pytest.fixture
def store(root: Path) -> LocalStore:
    return LocalStore([str(root)])


@pytest.mark.parametrize("path", ["/etc", "/", "/tmp/root-elsewhere", "/root/../etc"], ids=str)
def test_a_folder_outside_of_the_roots_is_refused(settings: Settings, root: Path, path: str) -> None:
    settings.FLOW_LOCAL_FS_ROOTS = [str(root)]

    def look() -> None:
        opened = open_store(kind="local_fs", path=path, config={}, secret={})
        list(opened.store.list_folder(opened.folder, limit=10))

    with pytest.raises(StorageError, match=r"FLOW_LOCAL_FS_ROOTS|not followed"):
        look()


def test_a_folder_whose_name_only_begins_like_a_root_is_refused(store: LocalStore, root: Path) -> None:
    beside = root.parent / "root-beside"
    beside.mkdir()

    with pytest.raises(StorageError, match="FLOW_LOCAL_FS_ROOTS"):
        list(store.list_folder(str(beside), limit=10))


def test_without_roots_nothing_of_this_machine_is_read(settings: Settings) -> None:
    settings.FLOW_LOCAL_FS_ROOTS = []

    with pytest.raises(StorageError, match="FLOW_LOCAL_FS_ROOTS is not set"):
        open_store(kind="local_fs", path="/tmp", config={}, secret={})


def test_a_relative_path_begins_at_the_first_root(settings: Settings, root: Path) -> None:
    settings.FLOW_LOCAL_FS_ROOTS = [str(root), "/elsewhere"]
    (root / "inbox" / "a.csv").write_text("x")

    opened = open_store(kind="local_fs", path="inbox/", config={}, secret={})

    assert [file.key for file in opened.store.list_folder(opened.folder, limit=10)] == [f"{root}/inbox/a.csv"]


def test_a_link_to_a_file_outside_is_neither_listed_nor_read_nor_moved(
    store: LocalStore, root: Path, tmp_path: Path
) -> None:
    link = root / "inbox" / "orders.csv"
    link.symlink_to(tmp_path / "outside" / "secret.csv")

    assert list(store.list_folder(str(link.parent), limit=10)) == []
    assert store.stat(str(link)) is None
    with pytest.raises(StorageError, match="link"):
        store.fetch(str(link), tmp_path, most_bytes=100)
    with pytest.raises(StorageError, match="no regular file"):
        store.move(str(link), str(root / "inbox" / "moved.csv"))


def test_a_folder_that_is_a_link_is_not_entered_also_when_it_stays_inside(
    store: LocalStore, root: Path, tmp_path: Path
) -> None:
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "in").symlink_to(root / "inbox")
    (root / "inbox" / "a.csv").write_text("x")

    for folder in ("out", "in"):
        with pytest.raises(StorageError, match="links are not followed"):
            list(store.list_folder(str(root / folder), limit=10))
        with pytest.raises(StorageError, match="links are not followed"):
            store.move(str(root / "inbox" / "a.csv"), str(root / folder / "a.csv"))
        with pytest.raises(StorageError, match="links are not followed"):
            store.fetch(str(root / folder / "secret.csv"), tmp_path, most_bytes=100)

    assert sorted(path.name for path in (tmp_path / "outside").iterdir()) == ["secret.csv"]


def test_folders_that_are_swapped_for_links_meanwhile_never_lead_outside(
    store: LocalStore, root: Path, tmp_path: Path
) -> None:
    staging = root / "inbox" / ".processing"
    stop = threading.Event()

    def swap() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            with suppress(OSError):
                staging.rename(root / f"aside-{number}")
            with suppress(OSError):
                staging.symlink_to(tmp_path / "outside")
            with suppress(OSError):
                staging.unlink()

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for number in range(300):
            (root / "inbox" / f"{number}.csv").write_text("x")
            try:
                store.move(str(root / "inbox" / f"{number}.csv"), str(staging / f"{number}.csv"))
            except StorageError:
                continue
    finally:
        stop.set()
        swapper.join()

    assert sorted(path.name for path in (tmp_path / "outside").iterdir()) == ["secret.csv"]


def test_a_pipe_in_the_folder_holds_nobody_up(store: LocalStore, root: Path, tmp_path: Path) -> None:
    pipe = root / "inbox" / "orders.csv"
    os.mkfifo(pipe)

    assert list(store.list_folder(str(pipe.parent), limit=10)) == []
    with pytest.raises(StorageError, match="no regular file"):
        store.fetch(str(pipe), tmp_path, most_bytes=10)


def test_names_that_no_message_could_hold_are_left_out_of_the_list(store: LocalStore, root: Path) -> None:
    for name in (b"a\nb.csv", b"\xff.csv", b"good.csv", b"tab\t.csv"):
        Path(os.fsdecode(os.fsencode(root / "inbox") + b"/" + name)).write_text("x")

    files = store.list_folder(str(root / "inbox"), limit=10)

    assert [file.name for file in files] == ["good.csv"]


def test_what_is_fetched_is_the_file_itself_and_costs_no_copy(store: LocalStore, root: Path, tmp_path: Path) -> None:
    file = root / "inbox" / "a.csv"
    file.write_text("data")
    into = tmp_path / "into"
    into.mkdir()

    path = store.fetch(str(file), into, most_bytes=10)

    assert path.stat().st_ino == file.stat().st_ino
    assert path.is_relative_to(into)


def test_a_file_on_another_disk_is_handed_out_by_its_descriptor_until_the_store_is_closed(
    store: LocalStore, root: Path
) -> None:
    shared_memory = Path("/dev/shm")
    if not shared_memory.exists() or shared_memory.stat().st_dev == root.stat().st_dev:
        pytest.skip("needs a second file system")
    (root / "inbox" / "a.csv").write_text("data")

    path = store.fetch(str(root / "inbox" / "a.csv"), shared_memory, most_bytes=10)
    (root / "inbox" / "a.csv").rename(root / "inbox" / "b.csv")

    assert path.read_text() == "data"
    store.close()
    assert not path.exists()


def test_a_fetched_file_is_what_it_was_when_another_takes_its_name(
    store: LocalStore, root: Path, tmp_path: Path
) -> None:
    file = root / "inbox" / "a.csv"
    file.write_text("data")

    path = store.fetch(str(file), tmp_path, most_bytes=10)
    file.unlink()
    file.symlink_to(tmp_path / "outside" / "secret.csv")

    assert path.read_text() == "data"


def test_two_moves_at_once_take_a_file_once(root: Path) -> None:
    outcomes: list[str] = []
    (root / "inbox" / "a.csv").write_text("data")
    together = threading.Barrier(8)

    def claim(number: int) -> None:
        store = LocalStore([str(root)])
        together.wait()
        try:
            store.move(str(root / "inbox" / "a.csv"), str(root / "inbox" / ".processing" / f"{number}-a.csv"))
            outcomes.append("moved")
        except FileGone:
            outcomes.append("gone")

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["gone"] * 7 + ["moved"]
    assert len(list((root / "inbox" / ".processing").iterdir())) == 1


@pytest.mark.parametrize("rename", [rename_into_free_place, link_into_free_place], ids=["at once", "by a second name"])
def test_both_ways_to_rename_leave_alone_what_stands_there(root: Path, rename: type) -> None:
    (root / "a.csv").write_text("new")
    (root / "b.csv").write_text("old")
    folder = os.open(root, os.O_RDONLY)

    with pytest.raises(PlaceTaken, match="taken"):
        rename(folder, "a.csv", folder, "b.csv", shown_as="b.csv")
    rename(folder, "a.csv", folder, "c.csv", shown_as="c.csv")
    os.close(folder)

    assert {path.name: path.read_text() for path in root.glob("*.csv")} == {"b.csv": "old", "c.csv": "new"}


@pytest.mark.parametrize("rename", [rename_into_free_place, link_into_free_place], ids=["at once", "by a second name"])
def test_a_rename_that_a_crash_cut_in_two_is_finished(root: Path, rename: type) -> None:
    (root / "a.csv").write_text("data")
    os.link(root / "a.csv", root / "inbox" / "a.csv")
    source, target = os.open(root, os.O_RDONLY), os.open(root / "inbox", os.O_RDONLY)

    rename(source, "a.csv", target, "a.csv", shown_as="a.csv")
    os.close(source)
    os.close(target)

    assert not (root / "a.csv").exists()
    assert (root / "inbox" / "a.csv").read_text() == "data"


def test_a_folder_that_may_not_be_read_says_so_without_a_trace(store: LocalStore, root: Path) -> None:
    (root / "file").write_text("x")

    with pytest.raises(StorageError) as refusal:
        list(store.list_folder(str(root / "file" / "below"), limit=10))

    assert os.strerror(errno.ENOTDIR) in refusal.value.message or "link" in refusal.value.message
