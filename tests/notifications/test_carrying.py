"""Files that a message names get their bytes, or a link, when it is sent."""

import base64
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from kaireon.platform.notifications.decisions import Message
from kaireon.platform.notifications.services import carrying, keep_artifacts_with
from kaireon.platform.notifications.services.carrying import ArtifactGone, carried
from kaireon.platform.tenancy.models import Tenant
from tests.notifications.ledger import NOW, deliver, make_destination, message, open_one, reload
from tests.servers import Receiver

TENANT, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
FILES = {uuid.UUID(int=number): bytes([65 + number]) * number for number in (10, 20, 30)}


class Keeper:
    """Keeps FILES for TENANT."""

    def read(self, tenant_id: uuid.UUID, artifact_id: uuid.UUID) -> bytes | None:
        """Return a file's bytes."""
        return FILES.get(artifact_id) if tenant_id == TENANT else None

    def link(self, tenant_id: uuid.UUID, artifact_id: uuid.UUID, now: datetime) -> str | None:
        """Return an address."""
        return f"https://k.example/{artifact_id.int}" if tenant_id == TENANT and artifact_id in FILES else None


@pytest.fixture(autouse=True)
def keeper(settings: Any) -> Iterator[None]:
    """Let Keeper keep the files, and webhooks take 35 bytes of them."""
    settings.WEBHOOK_ARTIFACT_MAX_BYTES = 35
    before = list(carrying._keepers)
    keep_artifacts_with(Keeper())
    yield
    carrying._keepers[:] = before


def reference(number: int) -> dict[str, Any]:
    """Return how a message names a file of so many bytes."""
    return {
        "format": "csv", "filename": f"{number}.csv", "contentType": "text/csv", "sizeBytes": number,
        "sha256": f"sum {number}", "artifactId": str(uuid.UUID(int=number)),
    }  # fmt: skip


def with_files(*numbers: int) -> Message:
    """Return a message that names files."""
    return message(extra_payload={"artifacts": [reference(number) for number in numbers], "more": 1})


def inline(number: int) -> dict[str, Any]:
    """Return the entry of a file that travels."""
    content = base64.b64encode(FILES[uuid.UUID(int=number)]).decode()
    return {"format": "csv", "filename": f"{number}.csv", "contentType": "text/csv", "base64": content}


def linked(number: int) -> dict[str, Any]:
    """Return the entry of a file that only has an address."""
    kept = {name: value for name, value in reference(number).items() if name != "artifactId"}
    return {**kept, "url": f"https://k.example/{number}"}


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param((10,), [inline(10)], id="one"),
        pytest.param((10, 20), [inline(10), inline(20)], id="all-fit"),
        pytest.param((20, 30), [inline(20), linked(30)], id="second-too-large"),
        pytest.param((30, 20), [inline(30), linked(20)], id="first-come-first-in"),
        pytest.param((30, 20, 10), [inline(30), linked(20), linked(10)], id="no-room-is-left"),
        pytest.param((20, 30, 10), [inline(20), linked(30), inline(10)], id="a-small-one-still-fits"),
    ],
)
def test_files_travel_as_long_as_they_fit_together(numbers: tuple[int, ...], expected: list[dict[str, Any]]) -> None:
    sent = carried(with_files(*numbers), tenant_id=TENANT, kind="webhook", now=NOW)

    assert sent.extra_payload == {"artifacts": expected, "more": 1}


@pytest.mark.parametrize(
    "payload",
    [{}, {"artifacts": "x"}, {"artifacts": []}, {"artifacts": [inline(10)]}, {"artifacts": [linked(10), 5]}],
)
def test_what_names_no_file_is_left_as_it_is(payload: dict[str, Any]) -> None:
    plain = message(extra_payload=payload)

    assert carried(plain, tenant_id=TENANT, kind="webhook", now=NOW) is plain


def test_a_medium_without_files_gets_links() -> None:
    sent = carried(with_files(10), tenant_id=TENANT, kind="slack", now=NOW)

    assert sent.extra_payload["artifacts"] == [linked(10)]


def test_mail_takes_more_than_a_webhook() -> None:
    sent = carried(with_files(10, 20, 30), tenant_id=TENANT, kind="ops_email", now=NOW)

    assert sent.extra_payload["artifacts"] == [inline(10), inline(20), inline(30)]


@pytest.mark.parametrize("number", [10, 40], ids=["inline", "as-a-link"])
@pytest.mark.parametrize("tenant", [TENANT, OTHER], ids=["own", "others"])
def test_a_file_that_is_not_there_for_the_tenant_is_named(tenant: uuid.UUID, number: int) -> None:
    named = with_files(number)
    if tenant == TENANT and number == 10:
        assert carried(named, tenant_id=tenant, kind="webhook", now=NOW).extra_payload
        return

    with pytest.raises(ArtifactGone) as gone:
        carried(named, tenant_id=tenant, kind="webhook", now=NOW)

    assert str(gone.value) == f"Its file {number}.csv is not kept any more."


def test_without_a_keeper_a_file_is_gone() -> None:
    carrying._keepers.clear()

    with pytest.raises(ArtifactGone):
        carried(with_files(10), tenant_id=TENANT, kind="webhook", now=NOW)


def test_a_delivery_whose_file_is_gone_fails_at_once_and_the_next_is_sent(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    broken = open_one(destination, message=with_files(10))
    whole = open_one(destination)

    deliver()

    assert (reload(broken).state, reload(broken).attempts) == ("failed", 0)
    assert reload(broken).error == "Its file 10.csv is not kept any more."
    assert (reload(whole).state, len(receiver.got)) == ("delivered", 1)
