"""The event log: whole lines whatever happens to the process, the disk or the file."""

import fcntl
import json
import os
import resource
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from outbox.publishers.base import BackendDown, Publisher
from outbox.publishers.log import LogPublisher
from tests.outbox.publishers.world import Seconds, event, new_topic, sized, words


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "events.jsonl"


@pytest.fixture
def publisher(path: Path) -> Iterator[Publisher]:
    with closing(LogPublisher(path)) as made:
        yield made


def ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text().split("\n") if line]


def test_the_folder_is_made_and_the_file_is_for_its_owner_alone(publisher: Publisher, path: Path) -> None:
    publisher.publish([event(new_topic())], Seconds(5))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_there_stays(publisher: Publisher, path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"id": "before"}\n')
    sent = event(new_topic())

    publisher.publish([sent], Seconds(5))

    assert ids(path) == ["before", sent.id]


@pytest.mark.parametrize("rest", ['{"id": "half', "x", '{"id": "whole but without its end"}'])
def test_half_a_line_of_a_process_that_was_killed_does_not_spoil_the_next_one(
    publisher: Publisher, path: Path, rest: str
) -> None:
    path.parent.mkdir()
    path.write_text(rest)
    sent = [event(new_topic()), event(new_topic())]

    publisher.publish(sent, Seconds(5))

    lines = path.read_text().split("\n")
    assert lines[0] == rest
    assert [json.loads(line)["id"] for line in lines[1:-1]] == [one.id for one in sent]


def test_half_a_line_that_another_publisher_leaves_while_this_one_runs_does_not_either(
    publisher: Publisher, path: Path
) -> None:
    first, second = event(new_topic()), event(new_topic())
    publisher.publish([first], Seconds(5))
    with path.open("a") as other:
        other.write('{"id": "half')

    publisher.publish([second], Seconds(5))

    lines = path.read_text().split("\n")
    assert json.loads(lines[0])["id"] == first.id
    assert json.loads(lines[2])["id"] == second.id


@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_a_file_that_was_taken_away_is_begun_again(publisher: Publisher, path: Path, how: str) -> None:
    publisher.publish([event(new_topic())], Seconds(5))
    if how == "moved":
        path.rename(path.with_suffix(".1"))
    else:
        path.unlink()
    sent = event(new_topic())

    publisher.publish([sent], Seconds(5))

    assert ids(path) == [sent.id]


def test_a_disk_that_is_full_is_down_and_leaves_the_file_as_it_was(publisher: Publisher, path: Path) -> None:
    topic = new_topic()
    first = event(topic)
    publisher.publish([first], Seconds(5))
    before = path.read_bytes()

    with file_size_limit(20_000), pytest.raises(BackendDown, match="File too large") as down:
        publisher.publish([event(topic), sized(topic, "b", 100_000)], Seconds(5))

    assert down.value.is_transient
    assert path.read_bytes() == before
    assert words(publisher.publish([event(topic)], Seconds(5))) == ["sent"]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let the kernel refuse what goes beyond; Python ignores the signal that comes with it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_somebody_else_locks_is_waited_for(publisher: Publisher, path: Path) -> None:
    publisher.publish([event(new_topic())], Seconds(5))
    with path.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BackendDown):
            publisher.publish([event(new_topic())], Seconds(0.1))
        threading.Timer(0.1, fcntl.flock, (other, fcntl.LOCK_UN)).start()

        assert words(publisher.publish([event(new_topic())], Seconds(5))) == ["sent"]

    assert len(ids(path)) == 2


def test_two_publishers_never_mix_their_lines(path: Path) -> None:
    publishers = [LogPublisher(path), LogPublisher(path)]

    def write(publisher: LogPublisher) -> None:
        for at in range(30):
            publisher.publish([sized(new_topic(), f"c-{at}", 30_000) for _ in range(5)], Seconds(30))
        publisher.close()

    threads = [threading.Thread(target=write, args=(publisher,)) for publisher in publishers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(ids(path))) == 300
    assert "\n\n" not in path.read_text()


def test_standard_output_is_written_to_as_it_is() -> None:
    program = """
from pathlib import Path
from outbox.publishers.log import LogPublisher
from tests.outbox.publishers.world import Seconds, event
publisher = LogPublisher(Path("/dev/stdout"))
publisher.publish([event("order.paid", number=at) for at in range(2)], Seconds(5))
publisher.close()
"""

    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, check=True, timeout=60,
        env={**os.environ, "PYTHONPATH": "."},
    ).stdout  # fmt: skip

    assert [json.loads(line)["data"]["payload"]["number"] for line in printed.splitlines()] == [0, 1]
