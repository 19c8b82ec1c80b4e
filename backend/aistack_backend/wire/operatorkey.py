"""An operator's key: a file 0600 of its owner with ``NAME:KEY`` in it; the configuration holds the key's sha256."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from pathlib import Path

LONGEST = 512
"""Bytes of a key file that are looked at."""
NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
"""Names of operators."""
_FORM = re.compile(rf"({NAME.pattern}):([A-Za-z0-9_-]{{43}})")


def make(name: str, file: Path) -> str:
    """Write a new key (256 bits) into a file that does not exist yet and return its sha256.

    Raises:
        ValueError: the name cannot be one.
        OSError: the file cannot be made.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"The name {name!r} must be 1 to 32 of a-z, 0-9 and -, beginning with a letter.")
    key = secrets.token_urlsafe(32)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(f"{name}:{key}\n")
    return hashlib.sha256(key.encode()).hexdigest()


def read(file: Path) -> str:
    """Return ``NAME:KEY`` of a key file.

    Raises:
        ValueError: it cannot be read, others can read it, or it holds no key; one sentence.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            found = os.fstat(opened.fileno())
            text = opened.read(LONGEST).decode("ascii", "replace").strip() if stat.S_ISREG(found.st_mode) else ""
    except OSError as error:
        raise ValueError(f"The operator key {file} cannot be read: {error.strerror}.") from error
    if found.st_mode & 0o077:
        raise ValueError(f"The operator key {file} can be read by others. Run: chmod 600 {file}")
    if not _FORM.fullmatch(text):
        raise ValueError(f"{file} holds no operator key. Make one: aistack-backend operator NAME FILE")
    return text
