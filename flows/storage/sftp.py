"""SFTP by paramiko: the socket is opened under the rules for tenants' addresses, the server proves its key first."""

import base64
import binascii
import errno
import hashlib
import io
import posixpath
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

import paramiko

from flows.storage.base import FileGone, PlaceTaken, StorageError, StoredFile
from flows.storage.keys import key_problem, shown, split_key
from kaireon.platform.http import OutboundError, tenant_session

_SECONDS: Final = 20.0
_CHUNK: Final = 256 * 1024
# What a server with a key of this type may sign with; SHA-1 is not among it.
_ALGORITHMS: Final = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
_Answer = TypeVar("_Answer")


class SftpStore:
    """One account on one server; keys are paths as the server takes them."""

    can_move = True

    def __init__(self, config: Mapping[str, Any], secret: Mapping[str, Any]) -> None:
        host, port = str(config.get("host") or ""), int(config.get("port") or 22)
        self.name = f"sftp://{host}:{port}"
        self._transport = _connected(host, port, str(config.get("hostKey") or ""))
        try:
            _sign_in(self._transport, config, secret)
            client = paramiko.SFTPClient.from_transport(self._transport)
        except (paramiko.SSHException, OSError, EOFError, StorageError) as error:
            self._transport.close()
            raise _signed_out(self.name, error) from None
        if client is None:
            self._transport.close()
            raise StorageError(f"{self.name} offers no SFTP.")
        self._client = client
        client.get_channel().settimeout(_SECONDS * 3)  # type: ignore[union-attr]

    def list_folder(self, folder: str, *, limit: int) -> Iterator[StoredFile]:
        """Yield the regular files of a folder; links, folders and names that no store could keep are left out."""
        place = _path(folder) or "."
        entries = self._entries(place)
        count = 0
        for entry in entries:
            if key_problem(entry.filename) or not stat.S_ISREG(entry.st_mode or 0):
                continue
            if count >= limit:
                raise StorageError(f"{shown(folder)} holds more than {limit} files; archive some of them.")
            count += 1
            yield self._stored(posixpath.join("" if place == "." else place, entry.filename), entry)

    def stat(self, key: str) -> StoredFile | None:
        """Return the file, or None when there is none."""
        found = self._look(_file(key))
        return None if found is None or not stat.S_ISREG(found.st_mode or 0) else self._stored(_file(key), found)

    def move(self, key: str, to: str) -> None:
        """Rename a file into a free place. Raises FileGone and PlaceTaken."""
        source, target = _file(key), _file(to)
        found = self._look(source)
        if found is None:
            raise FileGone(f"{shown(key)} is not there.")
        if not stat.S_ISREG(found.st_mode or 0):
            raise StorageError(f"{shown(key)} is no regular file.")
        self._make_folders(posixpath.dirname(target))
        # The protocol's rename must fail where something stands, and OpenSSH's does; others are asked first.
        if self._look(target) is not None:
            raise PlaceTaken(f"{shown(to)} is taken.")
        self._ask(key, lambda: self._client.rename(source, target))

    def fetch(self, key: str, into: Path, *, most_bytes: int) -> Path:
        """Copy the file. Raises FileGone, and StorageError for one that is too large or cut short."""
        found = self._look(_file(key))
        if found is None:
            raise FileGone(f"{shown(key)} is not there.")
        size = found.st_size or 0
        if not stat.S_ISREG(found.st_mode or 0) or size > most_bytes:
            raise StorageError(f"{shown(key)} is no regular file, or larger than {most_bytes:,} bytes.")
        path = into / uuid4().hex
        if self._ask(key, lambda: self._copy(_file(key), path, size)) != size:
            raise StorageError(f"{shown(key)} changed while it was read.", is_transient=True)
        return path

    def close(self) -> None:
        """End the session."""
        self._client.close()
        self._transport.close()

    def _copy(self, source: str, path: Path, size: int) -> int:
        total = 0
        with self._client.open(source, "rb") as remote, path.open("xb") as local:
            remote.prefetch(size, max_concurrent_requests=64)
            while total <= size and (chunk := remote.read(_CHUNK)):
                total += local.write(chunk)
        return total

    def _entries(self, place: str) -> Iterator[paramiko.SFTPAttributes]:
        """Yield a folder's entries as they come; none for a folder that is not there."""
        entries = self._client.listdir_iter(place)
        while True:
            try:
                entry = self._ask(place, lambda: next(entries, None))
            except FileGone:
                return
            if entry is None:
                return
            yield entry

    def _look(self, path: str) -> paramiko.SFTPAttributes | None:
        try:
            return self._ask(path, lambda: self._client.lstat(path))
        except FileGone:
            return None

    def _make_folders(self, folder: str) -> None:
        made = "/" if folder.startswith("/") else ""
        for part in split_key(folder):
            made = posixpath.join(made, part)
            if self._look(made) is None:
                with suppress(StorageError):  # another run made it meanwhile; if not, the rename says so
                    self._ask(made, lambda folder=made: self._client.mkdir(folder, 0o770))  # type: ignore[misc]

    def _ask(self, what: str, question: Callable[[], _Answer]) -> _Answer:
        """Ask the server. Raises FileGone and StorageError."""
        try:
            return question()
        except FileNotFoundError:
            raise FileGone(f"{shown(what)} is not there.") from None
        except PermissionError:
            raise StorageError(f"{shown(what)}: {self.name} does not permit it.") from None
        except (TimeoutError, EOFError, paramiko.SSHException):
            raise StorageError(f"{self.name} did not answer.", is_transient=True) from None
        except OSError as error:
            is_away = error.errno in {errno.EPIPE, errno.ECONNRESET} or "closed" in str(error)
            raise StorageError(f"{shown(what)}: {self.name} refused it.", is_transient=is_away) from None

    def _stored(self, key: str, found: paramiko.SFTPAttributes) -> StoredFile:
        when = datetime.fromtimestamp(found.st_mtime, UTC) if found.st_mtime is not None else None
        return StoredFile(self.name, key, found.st_size or 0, when, f"{found.st_size}-{found.st_mtime}")


def _connected(host: str, port: int, host_key: str) -> paramiko.Transport:
    """Return a transport to a server that has the right key. Raises StorageError."""
    wanted = host_key.split()[:2]
    try:
        plain = tenant_session().connect(host, port, seconds=_SECONDS)
    except OutboundError as error:
        raise StorageError(error.message, is_transient=not error.is_refused) from None
    transport = paramiko.Transport(plain)
    try:
        if wanted:
            options = transport.get_security_options()
            options.key_types = [name for name in _ALGORITHMS.get(wanted[0], (wanted[0],)) if name in options.key_types]
        transport.start_client(timeout=_SECONDS)
        _check_key(f"sftp://{host}:{port}", transport.get_remote_server_key(), wanted)
    except (paramiko.SSHException, OSError, EOFError, ValueError) as error:
        transport.close()
        # A transport that has not come up leaves its socket open.
        plain.close()
        raise StorageError(
            f"sftp://{host}:{port} speaks no SSH that fits, or has no key of the type of hostKey "
            f"({type(error).__name__}).",
            is_transient=isinstance(error, EOFError | OSError),
        ) from None
    except StorageError:
        transport.close()
        raise
    return transport


def _check_key(name: str, key: paramiko.PKey, wanted: list[str]) -> None:
    shown_key = f"{key.get_name()} {key.get_base64()}"
    print_of = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    if not wanted:
        raise StorageError(
            f"{name} is not known yet. It shows the key {shown_key} (SHA256:{print_of}): compare it with what its "
            "operator says, and set it as the connector's hostKey."
        )
    try:
        is_known = len(wanted) == 2 and base64.b64decode(wanted[1], validate=True) == key.asbytes()
    except binascii.Error:
        is_known = False
    if not is_known:
        raise StorageError(
            f"{name} shows another key than the connector's hostKey (SHA256:{print_of}): nothing was sent to it."
        )


def _sign_in(transport: paramiko.Transport, config: Mapping[str, Any], secret: Mapping[str, Any]) -> None:
    username = str(secret.get("username") or config.get("username") or "")
    if not username:
        raise StorageError("The SFTP connector has no username.")
    transport.auth_timeout = _SECONDS
    if secret.get("privateKey"):
        transport.auth_publickey(username, _private_key(str(secret["privateKey"]), secret.get("passphrase")))
    elif secret.get("password") is not None:
        transport.auth_password(username, str(secret["password"]), fallback=False)
    else:
        transport.auth_none(username)


def _private_key(text: str, passphrase: str | None) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), passphrase or None)
        except (paramiko.SSHException, ValueError, IndexError, UnicodeDecodeError):
            continue
    raise StorageError("The SFTP connector's privateKey cannot be read: is it in OpenSSH's form, the passphrase right?")


def _signed_out(name: str, error: Exception) -> StorageError:
    if isinstance(error, StorageError):
        return error
    if isinstance(error, paramiko.AuthenticationException):
        return StorageError(f"{name} does not accept the connector's credentials.")
    return StorageError(f"{name} ended the sign-in ({type(error).__name__}).", is_transient=True)


def _path(folder: str) -> str:
    return ("/" if folder.startswith("/") else "") + "/".join(split_key(folder))


def _file(key: str) -> str:
    path = _path(key)
    if not path.strip("/"):
        raise StorageError("A file must have a name.")
    return path
