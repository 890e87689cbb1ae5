"""Who of many processes ticks."""

import fcntl
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.processes import wait_until
from triggers.services.one_of_many import OneOfMany

HOLDER = """
import sys, time
from pathlib import Path
from triggers.services.one_of_many import OneOfMany
print(OneOfMany(Path(sys.argv[1]), port=3000).take(), flush=True)
time.sleep(60)
"""


def test_one_of_two_is_the_one_and_the_other_after_it(tmp_path: Path) -> None:
    one, other = OneOfMany(tmp_path, port=3000), OneOfMany(tmp_path, port=3000)

    first = (one.take(), other.take(), one.take())
    one.let_go()

    assert first == (True, False, True)
    assert other.take()


def test_replicas_at_other_ports_have_their_own(tmp_path: Path) -> None:
    assert OneOfMany(tmp_path, port=3000).take()
    assert OneOfMany(tmp_path, port=3001).take()


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert holder.stdout is not None
    with holder.stdout:
        said = holder.stdout.readline().strip()
        mine = OneOfMany(tmp_path, port=3000)
        before = mine.take()
        holder.kill()
        holder.wait(10)

    assert (said, before) == ("True", False)
    wait_until(mine.take, timeout=5)


def test_the_file_says_who_it_is(tmp_path: Path) -> None:
    mine = OneOfMany(tmp_path, port=3000)
    mine.take()

    (file,) = tmp_path.iterdir()

    assert file.read_text().strip().isdigit()
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_a_folder_to_write_to_everybody_is_the_one_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()

    with caplog.at_level(logging.WARNING):
        assert OneOfMany(tmp_path / "file", port=3000).take()

    assert [record.event for record in caplog.records] == ["clockwork.no_lock"]  # type: ignore[attr-defined]


def test_a_lock_that_somebody_else_has_is_not_waited_for(tmp_path: Path) -> None:
    with (tmp_path / "clockwork-3000.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        assert not OneOfMany(tmp_path, port=3000).take()
