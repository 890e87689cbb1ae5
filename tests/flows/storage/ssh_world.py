"""A real OpenSSH server, unprivileged and on a port of its own, with a folder for each test."""

import getpass
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.flows.storage.world import Box, local_box, program, wait_for_port
from tests.servers import unused_port


@dataclass(frozen=True)
class SshServer:
    """Where it listens, the key that it shows, and the key that it lets in."""

    port: int
    host_key: str
    private_key: str
    locked_key: str


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """Run sshd with a host key and a user key made for it."""
    daemon = program("sshd", "/usr/sbin/sshd", "/usr/lib/openssh/sshd")
    for name, phrase in (("host", ""), ("user", ""), ("locked", "open sesame")):
        _make_key(folder / name, phrase)
    allowed = folder / "authorized_keys"
    allowed.write_text((folder / "user.pub").read_text() + (folder / "locked.pub").read_text())
    Path("/run/sshd").mkdir(exist_ok=True, parents=True) if getpass.getuser() == "root" else None
    port = unused_port()
    settings = folder / "sshd_config"
    settings.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nAuthorizedKeysFile {allowed}\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nPidFile none\n"
        "MaxStartups 100\nSubsystem sftp internal-sftp\n"
    )
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([daemon, "-D", "-e", "-f", str(settings)], stderr=log, stdout=log)
    try:
        wait_for_port(port, process)
        host_key = " ".join((folder / "host.pub").read_text().split()[:2])
        yield SshServer(port, host_key, (folder / "user").read_text(), (folder / "locked").read_text())
    finally:
        process.terminate()
        process.wait(timeout=10)


def sftp_box(server: SshServer, root: Path) -> Box:
    """Return a folder behind the server."""
    inner = local_box(root)
    config = {"host": "127.0.0.1", "port": server.port, "hostKey": server.host_key, "username": getpass.getuser()}
    secret = {"privateKey": server.private_key}
    return Box("sftp", f"127.0.0.1:{server.port}", inner.folder, config, secret, inner.put, inner.read)


def _make_key(path: Path, phrase: str) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", phrase, "-f", str(path)]
    subprocess.run(command, check=True, timeout=30)
