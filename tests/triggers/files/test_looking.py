"""A push is believed only after a look at the source's path (settled 31)."""

from pathlib import Path

import pytest

from kaireon.platform.tenancy.models import Tenant
from tests.triggers.files.world import NOW, drop, trigger_ir, trigger_of, watching
from triggers.services.looking import look_at

pytestmark = pytest.mark.django_db


def test_a_file_that_is_there_and_matches_is_found(acme: Tenant, inbox: Path) -> None:
    trigger = trigger_of(watching(acme))
    drop(inbox, "a.csv")

    (looked,) = look_at([trigger.pk], f"{inbox}/a.csv", now=NOW)

    assert (looked.trigger_id, looked.file and looked.file.name, looked.reason) == (trigger.pk, "a.csv", "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone.csv", "there is no such file at the source's path"),
        ("a.txt", "its name does not match the trigger's pattern"),
        (".archive/a.csv", "it lies outside of the folder that the trigger watches"),
    ],
)
def test_what_does_not_count_is_told_with_its_reason(acme: Tenant, inbox: Path, name: str, reason: str) -> None:
    trigger = trigger_of(watching(acme))
    drop(inbox, "a.csv", "a.txt")

    (looked,) = look_at([trigger.pk], f"{inbox}/{name}", now=NOW)

    assert (looked.file, looked.reason) == (None, reason)


def test_each_trigger_is_answered_for_itself(acme: Tenant, inbox: Path) -> None:
    one, two = (trigger_of(watching(acme, name, trigger_ir(mask=f"{name}*"))) for name in ("one", "two"))
    drop(inbox, "one.csv")

    looked = look_at([one.pk, two.pk], f"{inbox}/one.csv", now=NOW)

    assert {each.trigger_id: each.file is not None for each in looked} == {one.pk: True, two.pk: False}


def test_a_store_that_refuses_is_a_reason(acme: Tenant, inbox: Path) -> None:
    trigger = trigger_of(watching(acme))
    inbox.rmdir()
    inbox.symlink_to("/etc")

    (looked,) = look_at([trigger.pk], f"{inbox}/a.csv", now=NOW)

    assert (looked.file, "link" in looked.reason) == (None, True)
