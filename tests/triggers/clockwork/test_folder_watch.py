"""What the kernel tells of folders."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kaireon.platform.loops import StopSignal
from triggers.services.folder_watch import Changes, FolderWatch

SECONDS = 5.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder."""
    made = tmp_path / "inbox"
    made.mkdir()
    return made


@pytest.fixture
def watch() -> Iterator[FolderWatch]:
    """Return a watch of nothing yet."""
    made = FolderWatch()
    yield made
    made.close()


def told(watch: FolderWatch, folder: Path, count: int = 1, seconds: float = SECONDS) -> set[str]:
    """Return the names that were told of a folder, waiting for so many."""
    names: set[str] = set()
    ends = time.monotonic() + seconds
    while len(names) < count and time.monotonic() < ends:
        names |= watch.wait(0.5, StopSignal()).names.get(str(folder), set())
    return names


def test_a_new_file_is_told_within_a_second(watch: FolderWatch, folder: Path) -> None:
    watch.follow([str(folder)])
    started = time.monotonic()

    (folder / "customers.done").touch()

    assert told(watch, folder) == {"customers.done"}
    assert time.monotonic() - started < 1


def test_a_file_that_grows_and_one_that_is_moved_in_are_told(watch: FolderWatch, folder: Path, tmp_path: Path) -> None:
    (folder / "a.csv").write_text("1\n")
    (tmp_path / "b.part").write_text("1\n")
    watch.follow([str(folder)])

    with (folder / "a.csv").open("a") as file:
        file.write("2\n")
    (tmp_path / "b.part").rename(folder / "b.csv")

    assert told(watch, folder, 2) == {"a.csv", "b.csv"}


def test_a_file_that_goes_and_one_in_a_folder_below_are_not_told(watch: FolderWatch, folder: Path) -> None:
    (folder / "old.csv").touch()
    (folder / ".archive").mkdir()
    watch.follow([str(folder)])

    (folder / "old.csv").rename(folder / ".archive" / "old.csv")
    (folder / "new.csv").touch()

    assert told(watch, folder, 2, seconds=1) == {"new.csv"}


def test_folders_to_look_through_are_those_that_are_new(watch: FolderWatch, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()

    first = watch.follow([str(folder)])
    again = watch.follow([str(folder)])
    both = watch.follow([str(folder), str(other)])

    assert (first, again, both) == ({str(folder)}, set(), {str(other)})


def test_nothing_is_lost_while_another_folder_joins(watch: FolderWatch, folder: Path, tmp_path: Path) -> None:
    watch.follow([str(folder)])
    names = {f"{number}.csv" for number in range(20)}
    for number, name in enumerate(sorted(names)):
        (folder / name).touch()
        joining = tmp_path / f"joining-{number}"
        joining.mkdir()
        watch.follow([str(folder), *(str(each) for each in tmp_path.glob("joining-*"))])

    assert told(watch, folder, 20) == names


def test_a_folder_that_is_not_there_yet_is_watched_once_it_is(watch: FolderWatch, tmp_path: Path) -> None:
    folder = tmp_path / "later"
    before = watch.follow([str(folder)])
    folder.mkdir()

    fresh = watch.follow([str(folder)])
    (folder / "a.csv").touch()

    assert (before, fresh) == (set(), {str(folder)})
    assert told(watch, folder) == {"a.csv"}


@pytest.mark.parametrize("is_noticed", [True, False])
def test_a_folder_that_goes_and_comes_back_is_watched_again(
    watch: FolderWatch, folder: Path, *, is_noticed: bool
) -> None:
    watch.follow([str(folder)])
    shutil.rmtree(folder)
    if is_noticed:
        watch.wait(1, StopSignal())
        watch.follow([str(folder)])
    folder.mkdir()
    (folder / "lies-there.csv").touch()
    if not is_noticed:
        # A file system may give the new folder the number of the old one; then what was told tells.
        watch.wait(1, StopSignal())

    fresh = watch.follow([str(folder)])
    (folder / "a.csv").touch()

    assert fresh == {str(folder)}
    assert told(watch, folder) == {"a.csv"}


def test_a_folder_that_was_replaced_by_another_is_watched_anew(
    watch: FolderWatch, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "next").mkdir()
    watch.follow([str(folder)])
    folder.rename(tmp_path / "previous")
    (tmp_path / "next").rename(folder)

    fresh = watch.follow([str(folder)])
    (folder / "a.csv").touch()

    assert fresh == {str(folder)}
    assert told(watch, folder) == {"a.csv"}


def test_a_file_in_the_place_of_a_folder_is_not_watched(watch: FolderWatch, tmp_path: Path) -> None:
    (tmp_path / "inbox").touch()

    assert watch.follow([str(tmp_path / "inbox")]) == set()
    assert watch.wait(0.01, StopSignal()) == Changes()


def test_after_very_many_at_once_the_folder_itself_is_to_be_asked(watch: FolderWatch, folder: Path) -> None:
    watch.follow([str(folder)])
    for number in range(20_000):
        os.close(os.open(folder / f"{number}.csv", os.O_CREAT | os.O_WRONLY))

    unsure: set[str] = set()
    ends = time.monotonic() + 20
    while not unsure and time.monotonic() < ends:
        unsure |= watch.wait(0.5, StopSignal()).unsure

    assert unsure == {str(folder)}


def test_a_stop_ends_the_wait(watch: FolderWatch, folder: Path) -> None:
    watch.follow([str(folder)])
    stopping = StopSignal()
    stopping.set()
    started = time.monotonic()

    watch.wait(30, stopping)

    assert time.monotonic() - started < 1


def test_without_inotify_folders_are_looked_through(folder: Path) -> None:
    watch = FolderWatch(can_use_inotify=False)
    try:
        watch.follow([str(folder)])
        (folder / "a.csv").touch()

        assert told(watch, folder, seconds=15) == {"a.csv"}
    finally:
        watch.close()


LIMITED = """
import logging, os, pathlib, resource, sys, time
from kaireon.platform.loops import StopSignal
from triggers.services import folder_watch
logging.basicConfig(format="%(message)s", stream=sys.stderr)
folder_watch.RETRY_SECONDS = 1.0
folder = sys.argv[1]
watch, most = folder_watch.FolderWatch(), resource.getrlimit(resource.RLIMIT_NOFILE)
# inotify wants a descriptor, and there is none left.
resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, most[1]))
print(watch.follow([folder]) == {folder}, watch.is_polling)
resource.setrlimit(resource.RLIMIT_NOFILE, most)
time.sleep(1)
# What was found out by looking without a descriptor is worth nothing.
watch.wait(0.1, StopSignal())
watch.follow([folder])
print(watch.is_polling)
pathlib.Path(folder, "b.csv").touch()
print(watch.wait(5, StopSignal()).names.get(folder))
"""


def test_where_the_kernel_gives_no_watch_folders_are_looked_through_until_it_does(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True True", "False", "{'b.csv'}"]
    said = [line for line in done.stderr.splitlines() if "inotify" in line]
    assert said == [
        "folders cannot be watched by inotify and are looked through instead", "folders are watched by inotify again",
    ]  # fmt: skip
