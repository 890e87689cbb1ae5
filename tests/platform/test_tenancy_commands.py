"""The commands that make tenants, users and keys: what they print, and how they refuse."""

import io
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from kaireon.platform.commands import plain_errors, tenant_or_exit
from kaireon.platform.env import ConfigurationError
from kaireon.platform.errors import Conflict
from kaireon.platform.tenancy.models import Membership, Tenant, User
from kaireon.platform.tenancy.selectors import find_live_key
from tests.people import PASSWORD, Person

pytestmark = pytest.mark.django_db


def run(*call: Any) -> tuple[str, str]:
    """Run a command; return what it wrote to stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*call, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_create_tenant_prints_the_id_alone() -> None:
    out, _ = run("create_tenant", "Acme Bank", "--timezone", "Europe/Berlin")

    tenant = Tenant.objects.get(pk=uuid.UUID(out.strip()))
    assert (tenant.slug, tenant.timezone) == ("acme-bank", "Europe/Berlin")


@pytest.mark.parametrize("call", [["Acme", "--timezone", "Mars"], ["Acme", "--slug", "A B"], [""], ["x" * 121]])
def test_create_tenant_refuses_in_one_line_with_exit_2(call: list[str]) -> None:
    with pytest.raises(CommandError) as refused:
        run("create_tenant", *call)

    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)


def test_create_user_prints_the_password_that_it_made(acme: Tenant) -> None:
    out, err = run("create_user", "ada@example.com", "--tenant", "acme", "--role", "editor")

    user = User.objects.get(email="ada@example.com")
    assert user.check_password(out.strip())
    assert len(out.strip()) >= 16
    assert err == ""
    assert Membership.objects.get(user=user, tenant=acme).role == "editor"


def test_create_user_keeps_an_existing_users_password_and_prints_none(alice: Person, globex: Tenant) -> None:
    out, err = run("create_user", alice.user.email, "--tenant", "globex")

    alice.user.refresh_from_db()
    assert out == ""
    assert "keeps their password" in err
    assert alice.user.check_password(PASSWORD)
    assert Membership.objects.filter(user=alice.user, tenant=globex).exists()


def test_create_user_takes_a_password_from_the_environment_and_repeats_it_nowhere(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIREON_USER_PASSWORD", "a password of my own")

    out, err = run("create_user", "ada@example.com", "--tenant", "acme")

    assert (out, err) == ("", "")
    assert User.objects.get(email="ada@example.com").check_password("a password of my own")


@pytest.mark.parametrize("call", [["ada", "--tenant", "acme"], ["ada@example.com", "--tenant", "nobody"]])
def test_create_user_refuses_with_exit_2(acme: Tenant, call: list[str]) -> None:
    with pytest.raises(CommandError) as refused:
        run("create_user", *call)

    assert refused.value.returncode == 2
    assert not User.objects.exists()


def test_create_api_key_prints_the_key_alone(acme: Tenant) -> None:
    out, _ = run("create_api_key", "--tenant", "acme", "--role", "admin", "--name", "CI", "--scope", "alerts:read")

    row = find_live_key(out.strip(), timezone.now())
    assert row is not None
    assert (row.tenant, row.name, row.role, row.scopes) == (acme, "CI", "admin", ["alerts:read"])


@pytest.mark.parametrize("call", [["--tenant", "nobody"], ["--tenant", "acme", "--scope", "everything"]])
def test_create_api_key_refuses_with_exit_2(acme: Tenant, call: list[str]) -> None:
    with pytest.raises(CommandError) as refused:
        run("create_api_key", *call)

    assert refused.value.returncode == 2


@pytest.mark.parametrize("command", ["create_tenant", "create_user", "create_api_key", "rotate_vault_key"])
def test_the_help_holds_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command(command, "--help")

    assert "manage.py" in capsys.readouterr().out


@pytest.mark.parametrize("error", [Conflict("taken"), ConfigurationError("unset")])
def test_a_refusal_is_one_line_and_exit_2(error: Exception) -> None:
    @plain_errors
    def handle() -> None:
        raise error

    with pytest.raises(CommandError, match=str(error)) as refused:
        handle()

    assert refused.value.returncode == 2


def test_a_database_that_does_not_answer_is_one_line_and_exit_2_without_its_password(tmp_path: Path) -> None:
    environment = {
        **os.environ, "KAIREON_DATA_DIR": str(tmp_path), "DATABASE_URL": "postgres://someone:hunter2@127.0.0.1:1/kaireon",
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, "manage.py", "tick"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("CommandError: The database does not answer:")
    assert len(done.stderr.splitlines()) == 1
    assert "hunter2" not in done.stderr


def test_a_programming_error_keeps_its_trace() -> None:
    @plain_errors
    def handle() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        handle()


def test_a_tenant_is_named_by_slug_or_id(acme: Tenant) -> None:
    assert tenant_or_exit("acme") == tenant_or_exit(str(acme.pk)) == acme
