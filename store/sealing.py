"""Seals what tenants own: compressed, then encrypted under a key of the tenant's own that the master key yields.

Equal contents of one tenant give equal sealed bytes, so that they are stored once; nobody but that tenant learns that
they are equal."""

import base64
import binascii
import hashlib
import hmac
import secrets
import zlib
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dag.errors import PerdureError

_VERSION = b"\x01"
_PLAIN, _DEFLATED = b"\x00", b"\x01"
_ID_BYTES = 8
_KEY_BYTES = 32
_NONCE = bytes(12)  # this cipher stays safe with one nonce for all: it only shows which contents are equal
_WORTH_DEFLATING = 1024


class MasterKeyInvalid(PerdureError):
    """The master key is not what `perdure up` or `perdure key` makes: 32 bytes in base64, one key a line."""

    code = "key.invalid"


class SealBroken(PerdureError):
    """Sealed content cannot be opened: its master key is not given here, it is another tenant's, or it is damaged."""

    code = "key.missing"


@dataclass(frozen=True)
class Keyring:
    """Master keys. The first one seals; the others still open what they sealed before it came."""

    keys: tuple[bytes, ...] = field(repr=False)

    def seal(self, tenant: str, content: bytes) -> bytes:
        """Seal for one tenant."""
        kind, body = _PLAIN, content
        if len(content) >= _WORTH_DEFLATING:
            deflated = zlib.compress(content, 1)
            if len(deflated) < len(content):
                kind, body = _DEFLATED, deflated
        key = self.keys[0]
        head = _VERSION + _key_id(key) + kind
        return head + _cipher(key, tenant).encrypt(_NONCE, body, head)

    def open(self, tenant: str, sealed: bytes) -> bytes:
        """Open what was sealed for the same tenant."""
        head, body = sealed[: 2 + _ID_BYTES], sealed[2 + _ID_BYTES :]
        key = next((key for key in self.keys if _VERSION + _key_id(key) == head[:-1]), None)
        if key is None:
            raise SealBroken
        try:
            content = _cipher(key, tenant).decrypt(_NONCE, body, head)
        except InvalidTag:
            raise SealBroken from None
        return zlib.decompress(content) if head[-1:] == _DEFLATED else content

    def digests(self, tenant: str, content: bytes) -> list[bytes]:
        """What a content of a tenant's is found by, unseen: one under each key, the newest first. Nobody without a key
        can try contents out."""
        return [hmac.digest(_digest_key(key, tenant), content, hashlib.sha256) for key in self.keys]


@dataclass(frozen=True)
class Seal:
    """The keyring as one tenant may use it."""

    keyring: Keyring
    tenant: str

    def seal(self, content: bytes) -> bytes:
        """Seal for this tenant."""
        return self.keyring.seal(self.tenant, content)

    def open(self, sealed: bytes) -> bytes:
        """Open what was sealed for this tenant."""
        return self.keyring.open(self.tenant, sealed)

    def digests(self, content: bytes) -> list[bytes]:
        """What a content of this tenant's is found by: one under each key, the newest first. Write the first one, and
        look for all."""
        return self.keyring.digests(self.tenant, content)


def read_keyring(text: str) -> Keyring:
    """Read master keys, one a line, the newest first."""
    try:
        keys = tuple(base64.b64decode(line, validate=True) for line in text.split())
    except binascii.Error:
        raise MasterKeyInvalid from None
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise MasterKeyInvalid
    return Keyring(keys)


def new_master_key() -> str:
    """Make a master key, as a line to keep."""
    return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


@lru_cache(maxsize=16)
def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"perdure master key id\n" + key).digest()[:_ID_BYTES]


@lru_cache(maxsize=1024)
def _cipher(key: bytes, tenant: str) -> AESGCMSIV:
    return AESGCMSIV(_derived(key, b"perdure tenant key\n" + tenant.encode()))


@lru_cache(maxsize=1024)
def _digest_key(key: bytes, tenant: str) -> bytes:
    return _derived(key, b"perdure tenant digest\n" + tenant.encode())


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=purpose).derive(key)
