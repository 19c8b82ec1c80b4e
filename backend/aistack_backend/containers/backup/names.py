"""Which names in an archive may become files."""

from __future__ import annotations

from aistack_backend.containers.backup.tarstream import BadArchive

LONGEST_NAME = 1_000
LONGEST_PART = 255
DEEPEST = 64


def safe(name: str) -> str:
    """Return the name when it is relative, normalised and harmless; a folder's last slash is taken off.

    Raises:
        BadArchive: anything else, with the name.
    """
    bare = name.removesuffix("/")
    parts = bare.split("/")
    if not bare or name.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise BadArchive(f"The archive names {name[:200]!r}, which is no plain relative path.")
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in bare):
        raise BadArchive(f"The archive names {name[:200]!r}, which holds control characters.")
    longest = max(len(part.encode()) for part in parts)
    if len(bare.encode()) > LONGEST_NAME or longest > LONGEST_PART or len(parts) > DEEPEST:
        raise BadArchive(f"The archive names a path of {len(bare)} characters in {len(parts)} parts: too long.")
    return bare
