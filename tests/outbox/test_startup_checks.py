"""What ends a publisher at its start with the variable's name, and the liveness file afterwards."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kaireon.platform.env import ConfigurationError, MountedSecretsEnv
from kaireon.platform.telemetry.logs import JsonLogFormatter
from outbox.tier.checks import check_startup
from outbox.tier.liveness import LivenessFile
from outbox.tier.settings import TierSettings
from outbox.tier.wakeup import Bell, listening_session
from tests.chaos.processes import ROOT, test_database_url
from tests.servers import unused_port

PASSWORD = "listenpw99"


def check(address: str = "", liveness_file: Path | None = None) -> None:
    check_startup(TierSettings(liveness_file=liveness_file), MountedSecretsEnv({"OUTBOX_LISTEN_URL": address}))


@pytest.mark.parametrize(
    "address",
    [
        f"postgres//kai:{PASSWORD}@db/kaireon",
        f"postgres:/kai:{PASSWORD}@db/kaireon",
        f"mysql://kai:{PASSWORD}@db/kaireon",
        f"postgres://kai:{PASSWORD}",
        f"postgres://kai:{PASSWORD}@db:no-port/kaireon",
        f"postgres://kai:{PASSWORD}%zz@db/kaireon",
        f"postgres://kai:@{PASSWORD}@db/kaireon",
        f"postgres://kai:pa/{PASSWORD}@db/kaireon",
        f"postgres://kai:9/{PASSWORD}@db/kaireon",
        f"postgres://kai:9?@{PASSWORD}@db/kaireon",
        f"postgres://kai:9@one/{PASSWORD}@db/kaireon",
        f"postgres://kai:9/{PASSWORD}?@db/kaireon",
        f"host=db password=a {PASSWORD}",
        PASSWORD,
        "  ",
    ],
)
def test_an_address_that_is_none_is_refused_by_name_without_its_text(address: str) -> None:
    with pytest.raises(ConfigurationError, match="OUTBOX_LISTEN_URL is no address") as refused:
        check(address)

    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        f"postgres://kai:{PASSWORD}@db/kaireon",
        f"postgresql://kai:{PASSWORD}%40%2F@db:5432/kaireon?sslmode=require&options=-c%20a%3Db@c",
        f"postgres://kai:9?{PASSWORD}#@db/kaireon",
        "postgres://kai@one:5432,two:5433/kaireon",
        "postgres:///kaireon?host=/run/postgresql",
        "postgres://%2Frun%2Fpostgresql/kaireon",
        f"host=db user=kai password='{PASSWORD} @/' dbname=kaireon",
    ],
)
def test_an_address_of_any_good_form_is_taken(address: str) -> None:
    check(address)


def test_a_server_that_does_not_answer_is_told_without_the_password(caplog: pytest.LogCaptureFixture) -> None:
    address = f"postgres://kai:{PASSWORD}@127.0.0.1:{unused_port()}/kaireon"
    check(address)

    Bell(lambda: listening_session(address, {})).close_door()

    (record,) = [record for record in caplog.records if getattr(record, "event", "") == "outbox.bell_lost"]
    assert "Connection refused" in JsonLogFormatter().format(record)
    assert PASSWORD not in JsonLogFormatter().format(record)
    assert PASSWORD not in logging.Formatter().format(record)


def test_a_liveness_file_that_can_be_written_is_there_from_the_start(tmp_path: Path) -> None:
    check(liveness_file=tmp_path / "alive")

    assert (tmp_path / "alive").exists()


def test_a_liveness_file_in_no_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"OUTBOX_LIVENESS_FILE .*/no/alive cannot be written: No such file"):
        check(liveness_file=tmp_path / "no" / "alive")


WRONG = [("OUTBOX_LISTEN_URL", f"postgres//kai:{PASSWORD}@db/kaireon"), ("OUTBOX_LIVENESS_FILE", "/nowhere/alive")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "text"), WRONG)
def test_a_publisher_that_cannot_run_so_ends_with_2_before_it_begins(name: str, text: str, tmp_path: Path) -> None:
    environment = os.environ | {
        "DATABASE_URL": test_database_url(), "KAIREON_DATA_DIR": str(tmp_path), "EVENT_PUBLISHER": "log",
        "OUTBOX_METRICS_PORT": "0", "OUTBOX_LIVENESS_FILE": str(tmp_path / "alive"), name: text,
    }  # fmt: skip

    run = subprocess.run(
        [sys.executable, "manage.py", "outbox_publisher"], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=50, check=False,
    )  # fmt: skip

    assert run.returncode == 2
    assert name in run.stderr
    assert "loop started" not in run.stdout + run.stderr
    assert PASSWORD not in run.stdout + run.stderr


# --- The liveness file, later


def test_a_step_makes_the_liveness_file_young_and_answers_as_before(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    alive.touch()
    os.utime(alive, (0, 0))

    assert LivenessFile(alive).before(lambda: "did something")() == "did something"

    assert alive.stat().st_mtime > 0


def test_a_liveness_file_that_is_lost_is_told_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "run"
    step = LivenessFile(folder / "alive").before(lambda: True)

    answers = [step(), step()]
    folder.mkdir()
    answers.append(step())
    (folder / "alive").unlink()
    folder.rmdir()
    answers.append(step())

    assert answers == [True] * 4
    assert [getattr(record, "event", "") for record in caplog.records] == ["outbox.liveness_lost"] * 2


def test_without_a_liveness_file_a_step_is_a_step() -> None:
    assert LivenessFile(None).before(lambda: True)()
