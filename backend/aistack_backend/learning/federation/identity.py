"""The key with which this installation signs what it gives away; made once, when a person asks for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aistack_backend.errors import Conflict, Unavailable
from aistack_backend.store.files import replace_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "federation.key"


class Identity:
    """Belongs to any thread."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is ours alone; the file is 0400."""
        self._file = folder / NAME

    def public(self) -> str:
        """Return the public key in hex; empty when no key was made yet.

        Raises:
            Unavailable: the file is there and cannot be read as a key.
        """
        return "" if not self._file.exists() else _hex(self.secret())

    def make(self) -> str:
        """Return the public key; make the key when there is none.

        Raises:
            Unavailable: it cannot be written or read.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if not self._file.exists():
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with replace_file(self._file, 0o400) as file:
                    file.write(f"{Ed25519PrivateKey.generate().private_bytes_raw().hex()}\n".encode())
            except OSError as error:
                raise Unavailable(f"The key {self._file} cannot be written: {error.strerror}.") from error
        return self.public()

    def secret(self) -> Ed25519PrivateKey:
        """Return the key.

        Raises:
            Conflict: none was made yet. Unavailable: it cannot be read.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if not os.path.lexists(self._file):
            raise Conflict("This installation has no key to sign with yet.", "aistack-console federation key makes it.")
        try:
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self._file.read_text("ascii").strip()))
        except (OSError, ValueError) as error:
            raise Unavailable(f"The key {self._file} cannot be used: {error}.", "Put the right one back.") from error


def _hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()
