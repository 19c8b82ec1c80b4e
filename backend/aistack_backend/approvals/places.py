"""Paths: where secrets and devices are, nothing is read unasked (R1.10)."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

_NAMES = (
    ".aws .bash_history .docker .env .git-credentials .gnupg .htpasswd .kube .netrc .npmrc .pgpass .pypirc "
    ".python_history .ssh .vault-token authorized_keys cmdline credentials credentials.json environ gshadow "
    "id_dsa id_ecdsa id_ed25519 id_rsa kcore kmem master.key mem passwd- secrets shadow shadow- sudoers sudoers.d"
)
SECRET_NAMES = frozenset(_NAMES.split())
"""Path components that hold secrets."""
PRIVATE_NAME = r".+\.(?:key|p12|pfx|kdbx|jks|env)|\.env\..+|.+_key|private"
"""Other path components that hold secrets."""
PROCESS_DOORS = frozenset({"fd", "root", "cwd", "map_files", "task"})
"""What lies below a process in ``/proc`` and leads elsewhere."""
SECRET_ROOTS = (
    "/dev",
    "/inet",
    "/proc/kcore",
    "/proc/self",
    "/proc/sys",
    "/root",
    "/run",
    "/sys/firmware",
    "/var/run",
    "/boot",
)
"""Places from which nothing is read unasked, but for ``/dev/null``; gawk dials ``/inet``."""


class High(Exception):
    """The reason why a script is high."""


def check_path(text: str) -> None:
    """Let pass a path where neither secrets nor devices are.

    Raises:
        High: it may lead to one.
    """
    if text == "/dev/null":
        return
    parts = [part for part in re.split(r"[/:]+", text) if part not in ("", ".")]
    plain = ("/" if text.startswith("/") else "") + "/".join(parts)
    if ".." in parts:
        raise High(f"the path {text!r} climbs out of its folder")
    for root in SECRET_ROOTS:
        if plain == root or plain.startswith(root + "/"):
            raise High(f"the path {text!r} lies where secrets or devices are")
    if plain.startswith("/proc/") and PROCESS_DOORS & set(parts[2:]):
        raise High(f"the path {text!r} leads through another process")
    for part in parts:
        hidden = part.startswith(".") and ("*" in part or "?" in part)
        named = any(fnmatchcase(name, part) for name in SECRET_NAMES if part not in ("*", "**"))
        if hidden or named or re.fullmatch(PRIVATE_NAME, part):
            raise High(f"the path {text!r} names what usually holds secrets")
