"""AES-256-GCM with tenant and key name as associated data: a ciphertext moved to another row does not open."""

import base64
import binascii
import hashlib
import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kaireon.platform.env import ConfigurationError
from kaireon.platform.errors import DomainError

VERSION = "v1"
NONCE_BYTES = 12
KEY_BYTES = 32


class VaultError(DomainError):
    """A secret cannot be opened: its key is gone, or the ciphertext was changed or moved."""

    code, status = "VAULT_ERROR", 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ciphertext belongs; it opens nowhere else."""

    tenant_id: uuid.UUID
    key: str

    def associated_data(self) -> bytes:
        """Return the bytes that are authenticated with the ciphertext."""
        return f"{VERSION}\x1f{self.tenant_id}\x1f{self.key}".encode()


class KeyRing:
    """The current key, which encrypts, and previous ones, which still decrypt."""

    def __init__(self, current: str, previous: Sequence[str] = ()) -> None:
        if not current:
            raise ConfigurationError("CONNECTOR_ENCRYPTION_KEY is not set; make one with: openssl rand -base64 32")
        keys = [_decode(text) for text in [current, *previous]]
        self._keys = {key_id(key): key for key in keys}
        self.current_id = key_id(keys[0])

    def encrypt(self, value: dict[str, Any], place: Place) -> str:
        """Return `v1.<key id>.<nonce>.<ciphertext>` of the JSON object."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        cipher = AESGCM(self._keys[self.current_id])
        sealed = cipher.encrypt(nonce, json.dumps(value).encode(), place.associated_data())
        return ".".join([VERSION, self.current_id, _text(nonce), _text(sealed)])

    def decrypt(self, ciphertext: str, place: Place) -> dict[str, Any]:
        """Return the object; raise VaultError when the key is unknown or the ciphertext was changed or moved."""
        try:
            version, used_key, nonce, sealed = ciphertext.split(".")
            nonce_bytes, sealed_bytes = _bytes(nonce), _bytes(sealed)
        except (ValueError, binascii.Error):
            raise VaultError(f"The secret {place.key} is damaged: not a vault ciphertext.") from None
        if version != VERSION or used_key not in self._keys:
            raise VaultError(
                f"The secret {place.key} was encrypted with key {used_key[:8]}, which is not configured. "
                "Put that key into CONNECTOR_ENCRYPTION_KEY_PREVIOUS."
            )
        try:
            opened = AESGCM(self._keys[used_key]).decrypt(nonce_bytes, sealed_bytes, place.associated_data())
        except (InvalidTag, ValueError):
            raise VaultError(f"The secret {place.key} was changed, or belongs to another tenant or name.") from None
        value: dict[str, Any] = json.loads(opened)
        return value


def key_id(key: bytes) -> str:
    """Return the eight hex digits that name a key without telling anything about it."""
    return hashlib.sha256(b"kaireon-vault-key-id" + key).hexdigest()[:8]


def _decode(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError("A vault key is not 32 bytes in base64; make one with: openssl rand -base64 32")
    return key


def _bytes(text: str) -> bytes:
    # b64decode skips characters that are not base64 and ignores spare bits; here any change is damage.
    data = base64.urlsafe_b64decode(text)
    if _text(data) != text:
        raise ValueError("not canonical base64")
    return data


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()
