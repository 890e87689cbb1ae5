"""The vault: a secret opens where it was kept, with a key that is configured, and nowhere else."""

import base64
import io
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from kaireon.platform.env import ConfigurationError
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.vault.cipher import KeyRing, Place, VaultError
from kaireon.platform.vault.models import PlatformSetting
from kaireon.platform.vault.services import (
    delete_secret,
    key_ring,
    put_secret,
    read_secret,
    read_secrets,
    rotate_batch,
)

REPOSITORY = Path(__file__).resolve().parents[2]
OLD = base64.b64encode(b"o" * 32).decode()
NEW = base64.b64encode(b"n" * 32).decode()
PLACE = Place(uuid.UUID(int=1), "notifications.provider.1")
VALUE = {"webhookUrl": "https://hooks.example/T0/B0/secret", "n": 5}


# --- The cipher


def test_what_was_sealed_opens_in_its_place() -> None:
    ring = KeyRing(NEW)

    assert ring.decrypt(ring.encrypt(VALUE, PLACE), PLACE) == VALUE


def test_a_ciphertext_names_its_key_and_shows_nothing_else() -> None:
    ring = KeyRing(NEW)

    first, second = ring.encrypt(VALUE, PLACE), ring.encrypt(VALUE, PLACE)

    assert first.split(".")[:2] == ["v1", ring.current_id]
    assert first != second
    assert "hooks" not in first


@pytest.mark.parametrize(
    "elsewhere",
    [Place(uuid.UUID(int=2), PLACE.key), Place(PLACE.tenant_id, "notifications.provider.2")],
    ids=["another tenant", "another name"],
)
def test_a_ciphertext_that_was_moved_does_not_open(elsewhere: Place) -> None:
    ring = KeyRing(NEW)

    with pytest.raises(VaultError, match="was changed, or belongs to another tenant or name"):
        ring.decrypt(ring.encrypt(VALUE, PLACE), elsewhere)


@given(position=st.integers(0, 10_000), character=st.characters(codec="utf-8"))
def test_any_changed_character_is_an_error_and_never_another_plaintext(position: int, character: str) -> None:
    ring = KeyRing(NEW)
    sealed = ring.encrypt(VALUE, PLACE)
    position %= len(sealed)
    tampered = sealed[:position] + character + sealed[position + 1 :]

    if tampered == sealed:
        return
    with pytest.raises(VaultError) as refused:
        ring.decrypt(tampered, PLACE)
    assert "hooks" not in refused.value.message


@given(text=st.text(max_size=100))
def test_any_text_is_a_clear_error(text: str) -> None:
    with pytest.raises(VaultError, match=PLACE.key):
        KeyRing(NEW).decrypt(text, PLACE)


@pytest.mark.parametrize("extra", ["!", "=", "\n", "A", "."])
def test_a_character_that_base64_would_skip_is_damage(extra: str) -> None:
    ring = KeyRing(NEW)

    with pytest.raises(VaultError):
        ring.decrypt(ring.encrypt(VALUE, PLACE) + extra, PLACE)


def test_a_key_that_is_not_configured_is_named_with_the_remedy() -> None:
    with pytest.raises(VaultError, match="Put that key into CONNECTOR_ENCRYPTION_KEY_PREVIOUS"):
        KeyRing(NEW).decrypt(KeyRing(OLD).encrypt(VALUE, PLACE), PLACE)


def test_previous_keys_still_open_and_the_current_one_seals() -> None:
    both = KeyRing(NEW, [OLD])

    assert both.decrypt(KeyRing(OLD).encrypt(VALUE, PLACE), PLACE) == VALUE
    assert KeyRing(NEW).decrypt(both.encrypt(VALUE, PLACE), PLACE) == VALUE


def test_a_key_is_taken_in_either_alphabet_of_base64() -> None:
    standard, url_safe = base64.b64encode(b"\xfb" * 32).decode(), base64.urlsafe_b64encode(b"\xfb" * 32).decode()

    assert standard != url_safe
    assert KeyRing(standard).current_id == KeyRing(url_safe).current_id


@pytest.mark.parametrize("key", ["", "short", NEW + NEW, "x" * 44, f"{NEW},{OLD}"])
def test_a_key_that_is_none_is_a_configuration_error(key: str) -> None:
    with pytest.raises(ConfigurationError, match="openssl rand -base64 32"):
        KeyRing(key)


# --- The services


@pytest.mark.django_db
def test_a_secret_is_kept_read_replaced_and_forgotten(acme: Tenant) -> None:
    put_secret(tenant_id=acme.pk, category="test", key="a", value={"n": 1})
    put_secret(tenant_id=acme.pk, category="test", key="a", value={"n": 2})

    assert read_secret(tenant_id=acme.pk, key="a") == {"n": 2}
    assert PlatformSetting.objects.for_tenant(acme).count() == 1
    delete_secret(tenant_id=acme.pk, key="a")
    delete_secret(tenant_id=acme.pk, key="a")
    with pytest.raises(VaultError, match="There is no secret a"):
        read_secret(tenant_id=acme.pk, key="a")


@pytest.mark.django_db
def test_another_tenants_secret_of_the_same_name_is_another(acme: Tenant, globex: Tenant) -> None:
    put_secret(tenant_id=acme.pk, category="test", key="a", value={"n": 1})

    with pytest.raises(VaultError, match="There is no secret"):
        read_secret(tenant_id=globex.pk, key="a")


@pytest.mark.django_db
def test_a_row_moved_to_another_tenant_in_the_database_does_not_open(acme: Tenant, globex: Tenant) -> None:
    put_secret(tenant_id=acme.pk, category="test", key="a", value=VALUE)

    PlatformSetting.objects.across_tenants().update(tenant=globex)

    with pytest.raises(VaultError, match="belongs to another tenant"):
        read_secret(tenant_id=globex.pk, key="a")


@pytest.mark.django_db
def test_nothing_readable_is_in_the_table(acme: Tenant) -> None:
    put_secret(tenant_id=acme.pk, category="test", key="a", value=VALUE)

    with connection.cursor() as cursor:
        cursor.execute("SELECT vault_platformsetting::text FROM vault_platformsetting")
        assert "hooks.example" not in str(cursor.fetchall())


@pytest.mark.django_db
def test_many_secrets_of_many_tenants_are_one_query(
    acme: Tenant, globex: Tenant, django_assert_num_queries: Any
) -> None:
    for tenant in (acme, globex):
        for key in ("a", "b"):
            put_secret(tenant_id=tenant.pk, category="test", key=key, value={"slug": tenant.slug, "key": key})
    wanted = [(acme.pk, "a"), (globex.pk, "b"), (acme.pk, "missing")]

    with django_assert_num_queries(1):
        found = read_secrets(places=wanted)

    assert found == {
        (acme.pk, "a"): {"slug": "acme", "key": "a"},
        (globex.pk, "b"): {"slug": "globex", "key": "b"},
    }


@pytest.mark.django_db
def test_one_secret_that_does_not_open_stops_no_other(acme: Tenant) -> None:
    for key in ("good", "bad"):
        put_secret(tenant_id=acme.pk, category="test", key=key, value=VALUE)
    PlatformSetting.objects.for_tenant(acme).filter(key="bad").update(ciphertext="v1.nonsense")

    found = read_secrets(places=[(acme.pk, "good"), (acme.pk, "bad")])

    assert found[acme.pk, "good"] == VALUE
    assert isinstance(found[acme.pk, "bad"], VaultError)


@pytest.mark.django_db
def test_no_places_are_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert read_secrets(places=[]) == {}


# --- Rotation


def use_keys(settings: Settings, current: str, previous: str = "") -> None:
    """Configure the ring."""
    settings.CONNECTOR_ENCRYPTION_KEY, settings.CONNECTOR_ENCRYPTION_KEY_PREVIOUS = current, previous


def fill(settings: Settings, tenant: Tenant, count: int) -> None:
    """Keep so many secrets, sealed with the old key; the new one is then the current."""
    use_keys(settings, OLD)
    for number in range(count):
        put_secret(tenant_id=tenant.pk, category="test", key=f"k{number}", value={"n": number})
    use_keys(settings, NEW, OLD)


def key_ids() -> set[str]:
    """Return the ids of the keys in use."""
    return set(PlatformSetting.objects.across_tenants().values_list("key_id", flat=True))


def rotate() -> str:
    """Run the command; return what it said."""
    out = io.StringIO()
    call_command("rotate_vault_key", stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.mark.django_db
def test_while_both_keys_stand_old_and_new_secrets_open_and_afterwards_the_new_key_is_enough(
    acme: Tenant, settings: Settings
) -> None:
    fill(settings, acme, 3)
    put_secret(tenant_id=acme.pk, category="test", key="new", value={"n": 99})
    before = [read_secret(tenant_id=acme.pk, key=key)["n"] for key in ("k0", "k1", "k2", "new")]

    said = rotate()

    use_keys(settings, NEW)
    after = [read_secret(tenant_id=acme.pk, key=key)["n"] for key in ("k0", "k1", "k2", "new")]
    assert before == after == [0, 1, 2, 99]
    assert said.startswith("3 secrets re-encrypted, 0 did not open")
    assert key_ids() == {key_ring().current_id}


@pytest.mark.django_db
def test_rotating_again_changes_nothing(acme: Tenant, settings: Settings) -> None:
    fill(settings, acme, 2)
    rotate()
    before = list(PlatformSetting.objects.across_tenants().values_list("ciphertext", flat=True))

    said = rotate()

    assert said.startswith("0 secrets re-encrypted")
    assert list(PlatformSetting.objects.across_tenants().values_list("ciphertext", flat=True)) == before


@pytest.mark.django_db
def test_what_does_not_open_is_named_and_left_alone_and_the_rest_goes_on(acme: Tenant, settings: Settings) -> None:
    fill(settings, acme, 3)
    PlatformSetting.objects.for_tenant(acme).filter(key="k1").update(ciphertext="v1.gone.x.y")
    out, err = io.StringIO(), io.StringIO()

    with pytest.raises(CommandError) as refused:
        call_command("rotate_vault_key", stdout=out, stderr=err)

    assert refused.value.returncode == 1
    assert out.getvalue().startswith("2 secrets re-encrypted, 1 did not open")
    assert "The secret k1" in err.getvalue()
    assert PlatformSetting.objects.for_tenant(acme).get(key="k1").ciphertext == "v1.gone.x.y"


@pytest.mark.django_db
def test_a_rotation_without_the_old_key_changes_nothing(acme: Tenant, settings: Settings) -> None:
    fill(settings, acme, 2)
    use_keys(settings, NEW)

    with pytest.raises(CommandError):
        rotate()

    use_keys(settings, NEW, OLD)
    assert read_secret(tenant_id=acme.pk, key="k1") == {"n": 1}


@pytest.mark.django_db
def test_a_batch_is_bounded(acme: Tenant, settings: Settings) -> None:
    fill(settings, acme, 5)

    done, failed = rotate_batch(limit=2)

    assert (done, failed) == (2, {})
    assert len(key_ids()) == 2


@pytest.mark.django_db(transaction=True)
def test_two_rotations_at_once_share_the_rows_and_meet_nowhere(acme: Tenant, settings: Settings) -> None:
    fill(settings, acme, 6)
    others = start_rotation(limit=3)

    with transaction.atomic():
        mine = PlatformSetting.objects.across_tenants().select_for_update().order_by("pk")[:3]
        held = [row.pk for row in mine]
        out, _ = others.communicate(timeout=30)
        untouched = PlatformSetting.objects.across_tenants().filter(pk__in=held)
        stale = [row.key_id for row in untouched]

    assert out.strip() == "3"
    assert key_ring().current_id not in stale
    assert rotate().startswith("3 secrets re-encrypted, 0 did not open")
    assert key_ids() == {key_ring().current_id}


@pytest.mark.django_db(transaction=True)
def test_a_rotation_killed_between_two_secrets_loses_nothing_and_goes_on(acme: Tenant, settings: Settings) -> None:
    fill(settings, acme, 6)
    rotate_batch(limit=2)
    with stopping_at("k4"):
        process = start_rotation(limit=10)
        wait_for_lock()
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)

    opened = [read_secret(tenant_id=acme.pk, key=f"k{number}")["n"] for number in range(6)]
    assert opened == [0, 1, 2, 3, 4, 5]
    assert rotate().startswith("4 secrets re-encrypted, 0 did not open")
    use_keys(settings, NEW)
    assert [read_secret(tenant_id=acme.pk, key=f"k{number}")["n"] for number in range(6)] == opened


def start_rotation(*, limit: int) -> "subprocess.Popen[str]":
    """Rotate one batch in a process of its own."""
    script = (
        "import django; django.setup()\n"
        "from kaireon.platform.vault.services import rotate_batch\n"
        f"print(rotate_batch(limit={limit})[0])"
    )
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "kaireon.settings",
        "DATABASE_URL": os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{connection.settings_dict['NAME']}",
        "CONNECTOR_ENCRYPTION_KEY": NEW,
        "CONNECTOR_ENCRYPTION_KEY_PREVIOUS": OLD,
    }
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script], cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, text=True
    )


@contextmanager
def stopping_at(key: str) -> Iterator[None]:
    """Make whoever updates the secret `key` wait, in the middle of their transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(4711)")
        cursor.execute(
            "CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER stop_here BEFORE UPDATE ON vault_platformsetting FOR EACH ROW "
            f"WHEN (NEW.key = '{key}') EXECUTE FUNCTION stop_here()"
        )
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(4711)")
            cursor.execute("DROP FUNCTION stop_here CASCADE")


def wait_for_lock() -> None:
    """Wait until another connection waits for a lock that this one holds."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("the rotation never came to the secret")
