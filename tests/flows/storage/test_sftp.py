"""SFTP against OpenSSH: the server's key comes first, then ours."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from flows.storage.base import FileGone, StorageError
from tests.flows.storage.ssh_world import SshServer, sftp_box
from tests.flows.storage.world import Box
from tests.servers import raw_server

OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIvdQ2aWW4/tpQnCLAmaHA+bjzLLJL2mvfGpjVpSEQ2k"


@pytest.fixture
def box(make_box: Callable[[str], Box]) -> Box:
    return make_box("sftp")


def test_a_server_whose_key_is_not_known_is_told_nothing_and_its_key_is_shown(box: Box, ssh: SshServer) -> None:
    box.config = {**box.config, "hostKey": ""}

    with pytest.raises(StorageError, match="not known yet") as refusal:
        box.open()

    assert ssh.host_key in refusal.value.message


@pytest.mark.parametrize(
    "host_key", [OTHER_KEY, "ssh-ed25519", "ssh-ed25519 %%%", "ssh-ed25519 AAAA"], ids=["other", "cut", "bad", "short"]
)
def test_a_server_that_shows_another_key_gets_no_credentials(box: Box, host_key: str) -> None:
    box.config = {**box.config, "hostKey": host_key}

    with pytest.raises(StorageError, match="nothing was sent to it"):
        box.open()


def test_a_server_without_a_key_of_the_type_that_was_set_is_refused(box: Box) -> None:
    box.config = {**box.config, "hostKey": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC="}

    with pytest.raises(StorageError, match="type of hostKey"):
        box.open()


def test_a_key_with_a_passphrase_opens_with_it_and_only_with_it(box: Box, ssh: SshServer) -> None:
    box.secret = {"privateKey": ssh.locked_key, "passphrase": "open sesame"}
    assert box.listed() == []

    for phrase in ("wrong", None):
        box.secret = {"privateKey": ssh.locked_key, "passphrase": phrase}
        with pytest.raises(StorageError, match="cannot be read"):
            box.open()


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ({"password": "s3cret"}, "does not accept"),
        ({}, "does not accept"),
        ({"privateKey": "-----BEGIN NONSENSE-----"}, "cannot be read"),
    ],
    ids=["password", "nothing", "no key"],
)
def test_credentials_that_do_not_fit_are_an_error_that_does_not_repeat_them(
    box: Box, secret: dict[str, str], words: str
) -> None:
    box.secret = secret

    with pytest.raises(StorageError, match=words) as refusal:
        box.open()

    assert "s3cret" not in refusal.value.message
    assert not refusal.value.is_transient


def test_a_connector_without_a_username_says_so(box: Box) -> None:
    box.config = {**box.config, "username": ""}

    with pytest.raises(StorageError, match="no username"):
        box.open()


def test_a_private_address_is_not_called(box: Box, settings: Settings) -> None:
    settings.NOTIFICATIONS_ALLOWED_HOSTS = []

    with pytest.raises(StorageError, match="private") as refusal:
        box.open()

    assert not refusal.value.is_transient


def test_a_server_that_speaks_something_else_is_an_error_in_time(box: Box, settings: Settings) -> None:
    with raw_server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200)) as port:
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [f"127.0.0.1:{port}"]
        box.config = {**box.config, "port": port}

        with pytest.raises(StorageError, match="speaks no SSH"):
            box.open()


def test_links_are_neither_listed_nor_fetched_nor_moved(box: Box, into: Path) -> None:
    box.put("secret.csv", b"secret")
    Path(box.folder, "orders.csv").symlink_to(Path(box.folder).parent / "secret.csv")

    assert box.listed() == []
    assert box.store.stat(box.key("orders.csv")) is None
    with pytest.raises(StorageError, match="no regular file"):
        box.store.fetch(box.key("orders.csv"), into, most_bytes=100)
    with pytest.raises(StorageError, match="no regular file"):
        box.store.move(box.key("orders.csv"), box.key("moved.csv"))


def test_a_server_that_goes_away_is_an_error_that_may_pass(box: Box) -> None:
    box.put("inbox/a.csv", b"x")
    store = box.store
    store.close()

    with pytest.raises(StorageError) as refusal:
        store.stat(box.key("a.csv"))

    assert refusal.value.is_transient


def test_a_folder_that_may_not_be_written_is_an_error_that_stays(ssh: SshServer, box: Box, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        box.folder = "/proc"
        with pytest.raises((StorageError, FileGone)):
            box.store.move("/proc/version", "/proc/other/version")
        return
    Path(box.folder).chmod(0o500)
    box.put("a.csv", b"x")

    with pytest.raises(StorageError, match="does not permit"):
        box.store.move(f"{Path(box.folder).parent}/a.csv", box.key("a.csv"))


def test_a_folder_relative_to_the_account_s_home_is_listed(ssh: SshServer, box: Box) -> None:
    home = Path.home()
    inner = sftp_box(ssh, home / ".kaireon-test-inbox")
    try:
        inner.put("inbox/a.csv", b"x")

        opened = box.open(".kaireon-test-inbox/inbox/")

        assert [file.key for file in opened.store.list_folder(opened.folder, limit=9)] == [
            ".kaireon-test-inbox/inbox/a.csv"
        ]
    finally:
        for path in sorted((home / ".kaireon-test-inbox").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        (home / ".kaireon-test-inbox").rmdir()
