"""Signed checkpoints: who computes the chain anew, witness and all, cannot sign it anew without the key (R2.3).

The secret key lies beside the audit's folder, not in it: a backup takes the folder and never the key.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aistack_backend.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NAME, PUBLIC, SECRET = "checkpoints.jsonl", "checkpoint.pub", "checkpoint.key"
DOMAIN = b"aistack-checkpoint-v1\0"
EVERY_RECORDS, EVERY_SECONDS = 256, 60.0
"""A checkpoint is due after so many new records, or so long after the first of them."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One line: up to ``seq`` records, the last with that hash; ``why`` says what is wrong with its signature."""

    seq: int
    head: str
    why: str = ""


def signed_bytes(seq: int, head: str, at: int) -> bytes:
    """Return what is signed."""
    return DOMAIN + json.dumps({"at": at, "head": head, "seq": seq}, sort_keys=True, separators=(",", ":")).encode()


class Signer:
    """Signs for one log; not for two threads at once: the seal guards it. The key is made at the first checkpoint."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: int | None = None
        self._first_new: float | None = None
        self._key: Ed25519PrivateKey | None = None

    def due(self, seq: int) -> bool:
        """Whether a checkpoint of ``seq`` records is to be signed now."""
        if self._last is None:
            self._last = max((one for one, _ in _lines(self._folder / NAME)), default=0)
        if seq <= self._last:
            return False
        self._first_new = self._first_new or time.monotonic()
        return seq - self._last >= EVERY_RECORDS or time.monotonic() - self._first_new >= EVERY_SECONDS

    def sign(self, seq: int, head: str) -> None:
        """Append a checkpoint.

        Raises:
            Unavailable: the key or the file cannot be used.
        """
        try:
            key, at = self._opened(), int(time.time())
            signature = base64.b64encode(key.sign(signed_bytes(seq, head, at))).decode()
            text = _line({"at": at, "head": head, "seq": seq, "signature": signature}).decode()
            _append(self._folder / NAME, f"{text}\n")
        except (OSError, ValueError) as error:
            raise Unavailable(f"No audit checkpoint can be signed in {self._folder}: {error}.") from error
        self._last, self._first_new = seq, None

    def _opened(self) -> Ed25519PrivateKey:
        if self._key is None:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

            path = self._folder.parent / SECRET
            if not path.exists():
                _make(path, Ed25519PrivateKey.generate().private_bytes_raw().hex())
            self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text("ascii").strip()))
            self._publish(self._key.public_key().public_bytes_raw().hex())
        return self._key

    def _publish(self, public: str) -> None:
        path = self._folder / PUBLIC
        if not path.exists() or public not in path.read_text("ascii").split():
            _append(path, public + "\n")


def _make(path: Path, text: str) -> None:
    """Write a file for its owner's eyes, whole or not at all: half a key would stop every action."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _line(fields: dict[str, object]) -> bytes:
    """Return the one form of a line, without its end."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def _append(path: Path, text: str) -> None:
    """Add a line and have it on the disk; a line that a crash cut off is taken away first."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        tail = os.pread(descriptor, 1024, max(0, size - 1024))
        if tail and not tail.endswith(b"\n"):
            os.ftruncate(descriptor, size - len(tail.rpartition(b"\n")[2]))
        os.write(descriptor, text.encode())
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def checkpoints(folder: Path, keys: Sequence[str] | None = None) -> tuple[Checkpoint, ...]:
    """Return the checkpoints in a folder, each with what is wrong with it; by these keys (hex), else by those beside.

    Raises:
        BadInput: a key that is none.
    """
    lines = list(_lines(folder / NAME))
    if not lines:
        return ()
    public = folder / PUBLIC
    given = keys if keys is not None else public.read_text("ascii").split() if public.is_file() else []
    known = [_public(key) for key in given]
    return tuple(_judged(seq, raw, known) for seq, raw in lines)


def keys_of(file: Path) -> tuple[str, ...]:
    """Return the public keys in a file, one a line in hex.

    Raises:
        BadInput: it cannot be read, or holds none.
    """
    try:
        found = tuple(file.read_text("ascii").split())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The public key {file} cannot be read: {error}.") from error
    if not found:
        raise BadInput(f"{file} holds no public key.", f"It is a copy of {PUBLIC}.")
    for key in found:
        _public(key)
    return found


def _public(key: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    except ValueError as error:
        raise BadInput(f"{key[:16]!r} is no public key of a checkpoint.", "It has 64 hex digits.") from error


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number of records and raw line of each whole line; 0 for a line that tells none."""
    if not path.is_file():
        return
    *whole, _ = path.read_bytes().split(b"\n")  # what stands behind the last line break was cut by a crash
    yield from ((_seq(raw), raw) for raw in whole)


def _seq(raw: bytes) -> int:
    try:
        seq = json.loads(raw)["seq"]
    except (ValueError, KeyError, TypeError):
        return 0
    return seq if isinstance(seq, int) and not isinstance(seq, bool) else 0


def _judged(seq: int, raw: bytes, known: Iterable[Ed25519PublicKey]) -> Checkpoint:
    from cryptography.exceptions import InvalidSignature

    try:
        fields = json.loads(raw)
        head, signature = str(fields["head"]), base64.b64decode(fields["signature"], validate=True)
        message = signed_bytes(seq, head, int(fields["at"]))
        if raw != _line(fields | {"signature": base64.b64encode(signature).decode()}):
            raise ValueError("another form")
    except (ValueError, KeyError, TypeError):
        return Checkpoint(seq, "", "a checkpoint cannot be read")
    for key in known:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            continue
        return Checkpoint(seq, head)
    return Checkpoint(seq, head, f"the signature of the checkpoint at record {seq} fits no known key")
