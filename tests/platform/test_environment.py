"""What a process finds before Django reads its settings: the data folder and generated secrets, or a clear refusal."""

import base64
import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kaireon import environment
from kaireon.platform.env import ConfigurationError

REPOSITORY = Path(__file__).resolve().parents[2]
DATABASE = "postgres://nobody@127.0.0.1:1/nothing"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a data folder that does not exist, in an environment that names it and a database and nothing else."""
    for name in [*environment.GENERATED, "KAIREON_ENV"]:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    folder = tmp_path / "deep" / "data"
    monkeypatch.setenv("KAIREON_DATA_DIR", str(folder))
    monkeypatch.setenv("DATABASE_URL", DATABASE)
    return folder


@pytest.mark.parametrize("word", ["production", "Production", " PRODUCTION "])
def test_production_is_one_word_whatever_its_case(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("KAIREON_ENV", word)

    assert environment.is_production()


@pytest.mark.parametrize("word", ["", "development"])
def test_development_is_the_default(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("KAIREON_ENV", word)

    assert not environment.is_production()


@pytest.mark.parametrize("word", ["prod", "staging", "production;"])
def test_a_word_that_is_neither_does_not_start_with_the_manners_of_development(
    monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv("KAIREON_ENV", word)

    with pytest.raises(ConfigurationError, match="KAIREON_ENV must be production or development"):
        environment.is_production()


def test_the_data_folder_is_absolute_and_hidden_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KAIREON_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)

    assert environment.data_folder() == tmp_path / ".kaireon"


def test_development_generates_its_secrets_once_and_keeps_them(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.prepare()
    first = {name: os.environ[name] for name in environment.GENERATED}
    for name in environment.GENERATED:
        monkeypatch.delenv(name)

    environment.prepare()

    assert {name: os.environ[name] for name in environment.GENERATED} == first
    assert len(set(first.values())) == len(first)
    assert len(base64.b64decode(first["CONNECTOR_ENCRYPTION_KEY"])) == 32
    assert len(first["CRON_TOKEN"]) >= 32


def test_the_secrets_file_is_readable_by_its_owner_alone(bare: Path) -> None:
    environment.prepare()

    mode = stat.S_IMODE((bare / environment.SECRETS_FILE).stat().st_mode)
    assert mode == 0o600


def test_what_is_set_wins_over_what_was_generated(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRON_TOKEN", "mine")

    environment.prepare()

    assert os.environ["CRON_TOKEN"] == "mine"


def test_a_mounted_secret_is_not_shadowed_by_a_generated_one(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", "/run/secrets/key")

    environment.prepare()

    assert "SECRET_KEY" not in os.environ


@pytest.mark.parametrize("name", sorted(environment.MAY_BE_EMPTY))
def test_an_empty_cron_secret_is_the_operators_choice_and_stays_empty(
    bare: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "")

    environment.prepare()

    assert os.environ[name] == ""


@pytest.mark.parametrize("name", ["SECRET_KEY", "API_KEY_PEPPER", "CONNECTOR_ENCRYPTION_KEY"])
def test_an_empty_key_is_generated_because_nothing_is_safe_without_it(
    bare: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "")

    environment.prepare()

    assert len(os.environ[name]) >= 32


def test_a_secret_of_an_older_release_stays_when_a_newer_one_adds_others(bare: Path) -> None:
    bare.mkdir(parents=True)
    (bare / environment.SECRETS_FILE).write_text("SECRET_KEY=old\n# a remark\n", encoding="utf-8")

    kept = environment.load_or_generate_secrets(bare)

    assert kept["SECRET_KEY"] == "old"
    assert set(kept) >= set(environment.GENERATED)


def test_production_generates_nothing_and_touches_no_folder(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIREON_ENV", "production")

    assert environment.prepare() is None
    assert not bare.exists()
    assert not any(name in os.environ for name in environment.GENERATED)


def test_a_data_folder_under_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match=r"cannot be written: Not a directory\. Set KAIREON_DATA_DIR"):
        environment.make_data_folder(tmp_path / "file" / "data")


def prove_often(folder: Path) -> int:
    """Make the data folder many times, and return how many of them passed."""
    for _ in range(300):
        environment.make_data_folder(folder)
    return 300


def test_processes_that_start_together_find_the_same_folder_writable(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        passed = pool.map(prove_often, [tmp_path / "data"] * 3, chunksize=1)

    assert passed == [300] * 3
    assert list((tmp_path / "data").iterdir()) == []


def test_a_secrets_file_that_is_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / environment.SECRETS_FILE).mkdir()

    with pytest.raises(ConfigurationError, match=r"secrets\.env cannot be read"):
        environment.load_or_generate_secrets(tmp_path)


def test_processes_that_start_together_agree_on_the_secrets(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        seen = pool.map(environment.load_or_generate_secrets, [tmp_path] * 12)

    assert all(secrets == seen[0] for secrets in seen)
    assert environment.load_or_generate_secrets(tmp_path) == seen[0]


def serve(**variables: str) -> "subprocess.CompletedProcess[str]":
    """Import the WSGI module as a web server does, in an environment of exactly these variables."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", "import kaireon.wsgi"],
        cwd=REPOSITORY, env={**kept, "DATABASE_URL": DATABASE, **variables},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_production_server_without_its_secrets_does_not_start() -> None:
    result = serve(KAIREON_ENV="production", PUBLIC_URL="https://kaireon.example")

    assert result.returncode != 0
    assert "SECRET_KEY is not set" in result.stderr


def test_a_production_server_with_all_its_secrets_starts() -> None:
    secrets = {name: make() for name, make in environment.GENERATED.items()}

    result = serve(KAIREON_ENV="production", PUBLIC_URL="https://kaireon.example", **secrets)

    assert result.returncode == 0, result.stderr
