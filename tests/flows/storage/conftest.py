"""Every store behind one fixture, so that one contract is checked against all of them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django import Settings

from tests.flows.storage.ssh_world import SshServer, sftp_box, ssh_server
from tests.flows.storage.world import Box, azure_box, azurite, gcs_box, gcs_server, local_box, moto_server, s3_box

KINDS = ["local_fs", "s3", "gcs", "azure_blob", "sftp"]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], int]]:
    """Start a server when the first test asks for it."""
    with ExitStack() as stack:
        running: dict[str, int] = {}
        starters: dict[str, Callable[[], AbstractContextManager[int]]] = {
            "s3": moto_server,
            "gcs": gcs_server,
            "azure_blob": lambda: azurite(tmp_path_factory.mktemp("azurite")),
        }

        def port_of(kind: str) -> int:
            if kind not in running:
                running[kind] = stack.enter_context(starters[kind]())
            return running[kind]

        yield port_of


@pytest.fixture(scope="session")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """Run one SSH server for all tests."""
    with ssh_server(tmp_path_factory.mktemp("ssh")) as server:
        yield server


@pytest.fixture
def make_box(
    request: pytest.FixtureRequest, servers: Callable[[str], int], tmp_path: Path, settings: Settings
) -> Iterator[Callable[[str], Box]]:
    """Return a maker of empty stores by kind; what they open is closed at the end."""
    boxes: list[Box] = []
    settings.FLOW_LOCAL_FS_ROOTS = [str(tmp_path / "root")]

    def make(kind: str) -> Box:
        box = _make(kind, request, servers, tmp_path / "root")
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [*settings.NOTIFICATIONS_ALLOWED_HOSTS, box.place]
        boxes.append(box)
        return box

    yield make
    for box in boxes:
        box.close()


@pytest.fixture(params=KINDS)
def box(request: pytest.FixtureRequest, make_box: Callable[[str], Box]) -> Box:
    """Return each kind of store in turn."""
    return make_box(request.param)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """Return a folder for what is fetched."""
    folder = tmp_path / "fetched"
    folder.mkdir()
    return folder


def _make(kind: str, request: pytest.FixtureRequest, servers: Callable[[str], int], root: Path) -> Box:
    name = f"box-{uuid4().hex[:12]}"
    if kind == "local_fs":
        return local_box(root)
    if kind == "sftp":
        return sftp_box(request.getfixturevalue("ssh"), root)
    makers = {"s3": s3_box, "gcs": gcs_box, "azure_blob": azure_box}
    return makers[kind](servers(kind), name)
