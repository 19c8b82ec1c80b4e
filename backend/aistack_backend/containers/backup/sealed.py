"""Secrets in a file that only a passphrase opens: scrypt for the key, AES-256-GCM for the rest."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from aistack_backend.containers.backup.tarstream import BadArchive
from aistack_backend.errors import BadInput, Refused

MAGIC = b"AISTACK-SEALED-1\n"
SALT, NONCE = 16, 12
SHORTEST = 12
"""Characters of a passphrase."""
COST = 1 << 15
"""scrypt's N; with r = 8 it takes 32 MiB and about 0.1 s."""


def seal(values: Mapping[str, bytes], passphrase: bytes) -> bytes:
    """Return the sealed file of named values; names are sealed too."""
    salt, nonce = os.urandom(SALT), os.urandom(NONCE)
    head = MAGIC + salt + nonce
    plain = json.dumps({name: base64.b64encode(value).decode() for name, value in values.items()}, sort_keys=True)
    return head + AESGCM(_key(passphrase, salt)).encrypt(nonce, plain.encode(), head)


def unseal(raw: bytes, passphrase: bytes) -> dict[str, bytes]:
    """Return the values.

    Raises:
        Refused: the passphrase is not the one, or the file was changed; nobody can tell which.
        BadArchive: it is no sealed file.
    """
    head, body = raw[: len(MAGIC) + SALT + NONCE], raw[len(MAGIC) + SALT + NONCE :]
    if not raw.startswith(MAGIC) or len(body) < 16:
        raise BadArchive("The file of secrets is not a sealed file of ours.")
    salt, nonce = head[len(MAGIC) : -NONCE], head[-NONCE:]
    try:
        plain = AESGCM(_key(passphrase, salt)).decrypt(nonce, body, head)
    except InvalidTag as error:
        raise Refused(
            "The sealed secrets do not open: the passphrase is not theirs, or the file was changed.",
            "Give the passphrase file that was used for this backup.",
        ) from error
    return {str(name): base64.b64decode(value) for name, value in json.loads(plain).items()}


def passphrase(file: Path) -> bytes:
    """Read the first line of a passphrase file.

    Raises:
        BadInput: it cannot be read, or the passphrase is too short.
        Refused: others can read the file.
    """
    try:
        found = file.stat()
        line = file.read_bytes().partition(b"\n")[0].strip()
    except OSError as error:
        raise BadInput(f"The passphrase file {file} cannot be read: {error.strerror}.") from error
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise Refused(f"The passphrase file {file} can be read by others.", f"Run: chmod 600 {file}")
    if len(line) < SHORTEST:
        raise BadInput(f"The passphrase in {file} has {len(line)} characters; {SHORTEST} are the least.")
    return line


def _key(secret: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=COST, r=8, p=1).derive(secret)
