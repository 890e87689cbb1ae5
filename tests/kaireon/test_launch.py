"""What `make run` gives each of its processes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kaireon.environment import GENERATED
from kaireon.launch import PUBLISHER, environment_of

SHARED = {"PROMETHEUS_MULTIPROC_DIR": "/metrics", "PATH": "/bin"}


def test_the_publishers_name_is_that_of_the_procfile() -> None:
    lines = Path("Procfile").read_text(encoding="utf-8").splitlines()

    assert f"{PUBLISHER}: python manage.py outbox_publisher" in lines


@pytest.mark.parametrize(
    ("name", "given", "folder"),
    [
        ("web", {}, "/metrics"),
        ("worker", {}, "/metrics"),
        ("flows", {}, "/metrics"),
        (PUBLISHER, {}, None),
        (PUBLISHER, {"OUTBOX_METRICS_PORT": "9500"}, None),
        (PUBLISHER, {"OUTBOX_METRICS_PORT": "0"}, "/metrics"),
    ],
)
def test_no_counter_is_shown_at_two_places(name: str, given: dict[str, str], folder: str | None) -> None:
    found = environment_of(name, SHARED | given, "127.0.0.1", 3000)

    assert found.get("PROMETHEUS_MULTIPROC_DIR") == folder


@pytest.mark.parametrize(("given", "host"), [("", "127.0.0.1"), ("0.0.0.0", "0.0.0.0")])
def test_the_metrics_port_listens_where_web_does_unless_it_is_told_otherwise(given: str, host: str) -> None:
    found = environment_of(PUBLISHER, SHARED | {"OUTBOX_METRICS_HOST": given}, "127.0.0.1", 3000)

    assert found["OUTBOX_METRICS_HOST"] == host


def test_what_was_given_wins_over_defaults() -> None:
    found = environment_of("web", SHARED | {"WEB_PROCESSES": "7", "WEB_THREADS": ""}, "::1", 3001)

    assert (found["WEB_PROCESSES"], found["WEB_THREADS"]) == ("7", "4")
    assert (found["HOST"], found["PORT"]) == ("::1", "3001")
    assert found["PATH"].endswith(":/bin")


@pytest.mark.parametrize(
    ("host", "given", "address"),
    [
        ("127.0.0.1", "", None),
        ("0.0.0.0", "", None),
        ("::", "", None),
        ("10.0.0.5", "", "http://10.0.0.5:3000"),
        ("::1", "", "http://[::1]:3000"),
        ("10.0.0.5", "https://kaireon.example.com", "https://kaireon.example.com"),
    ],
)
def test_the_ticker_calls_where_web_listens(host: str, given: str, address: str | None) -> None:
    variables = SHARED | ({"FLOW_INTERNAL_SCHEDULER_BASE_URL": given} if given else {})

    found = environment_of("web", variables, host, 3000)

    assert found.get("FLOW_INTERNAL_SCHEDULER_BASE_URL") == address


@pytest.mark.parametrize("page", ["README.md", "docs/respond.md"])
def test_what_the_commands_of_the_documents_ask_for_stands_in_the_secrets_file(page: str) -> None:
    text = Path(page).read_text(encoding="utf-8")
    asked = set(re.findall(r"\$([A-Z][A-Z_]+)", text))

    assert asked
    assert asked <= set(GENERATED)


INTERRUPTED = """
import os, signal
from kaireon.launch import Processes
class Early(Processes):
    def _start(self):
        super()._start()
        # As a terminal does it: everybody in the group, before any of them has said that it started.
        os.killpg(os.getpgrp(), signal.SIGINT)
processes = Early()
for name in ("web", "worker", "flows", "publisher"):
    processes.add_process(name, "exec sleep 300")
processes.loop()
print("ended with", processes.returncode)
"""


def test_an_interrupt_while_the_processes_start_ends_all_of_them() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], start_new_session=True, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip

    assert ended.stdout.splitlines()[-1] == "ended with 130"
    assert ended.stdout.count(" stopped (rc=-") == 4
