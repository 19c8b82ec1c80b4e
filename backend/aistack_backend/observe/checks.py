"""The doctor's checks that need no running backend: folders, disk, socket, Podman, lingering."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from aistack_backend.observe.doctor import Check
from aistack_backend.wire.status import Finding

LOW = 0.10
"""Share of free disk below which the audit log warns (R2.2)."""
STOP = 64 * 1024 * 1024
"""Free bytes below which nothing can be audited any more."""


def folder_is_private(path: Path) -> Check:
    """Check that the data folder is a folder of ours that nobody else can enter."""

    def ask() -> Finding:
        try:
            found = path.lstat()
        except FileNotFoundError:
            return Finding(name="data folder", ok=None, detail=f"{path} is not there yet.", fix="Start the backend.")
        mode = stat.S_IMODE(found.st_mode)
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not mode & 0o077:
            return Finding(name="data folder", ok=True, detail=f"{path} is yours alone (mode {mode:04o}).")
        detail = f"{path} has mode {mode:04o} and owner {found.st_uid}; it must be a folder of yours with mode 0700."
        return Finding(
            name="data folder", ok=False, detail=detail, fix=f"chown -R {os.getuid()} {path}; chmod 700 {path}"
        )

    return Check("data folder", ask)


def disk_has_room(path: Path) -> Check:
    """Check that the disk under the data folder is not nearly full."""

    def ask() -> Finding:
        place = next(folder for folder in (path, *path.parents) if folder.exists())
        usage = shutil.disk_usage(place)
        share = usage.free / usage.total if usage.total else 0.0
        detail = f"{usage.free / 2**30:.1f} GiB of {usage.total / 2**30:.1f} GiB are free under {place}."
        well = share >= LOW and usage.free > STOP
        return Finding(
            name="disk", ok=well, detail=detail, fix="" if well else f"Free some space: du -xh {place} | sort -h"
        )

    return Check("disk", ask)


def socket_is_private(path: Path) -> Check:
    """Check that the operator's socket answers and is 0600."""

    def ask() -> Finding:
        start = "aistack-backend serve --detach"
        try:
            mode = stat.S_IMODE(path.lstat().st_mode)
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(2)
                probe.connect(str(path))
        except OSError as error:
            return Finding(name="socket", ok=False, detail=f"{path} does not answer: {error.strerror}.", fix=start)
        well = mode == 0o600
        detail = f"{path} answers, mode {mode:04o}."
        return Finding(name="socket", ok=well, detail=detail, fix="" if well else f"chmod 600 {path}")

    return Check("socket", ask)


def podman_answers(version: Callable[[], str], tried: Callable[[], str]) -> Check:
    """Check that Podman answers; ``version`` returns what answered, or raises."""

    def ask() -> Finding:
        try:
            return Finding(name="podman", ok=True, detail=f"Podman answers: {version()}.")
        except Exception as error:
            fix = getattr(error, "hint", "") or "systemctl --user enable --now podman.socket"
            return Finding(name="podman", ok=False, detail=f"{error} Tried: {tried()}.", fix=fix)

    return Check("podman", ask)


def survives_logout(linger: Path = Path("/var/lib/systemd/linger"), run: Path = Path("/run/systemd/system")) -> Check:
    """Check whether the host would end the backend when its operator logs out."""

    def ask() -> Finding:
        user = pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0 or not run.exists():
            return Finding(name="logout", ok=True, detail="This host does not end a backend at logout.")
        if (linger / user).exists():
            return Finding(name="logout", ok=True, detail=f"Lingering is on for {user}: the backend outlives a logout.")
        detail = f"Lingering is off for {user}: this host may end the backend at the last logout."
        return Finding(name="logout", ok=False, detail=detail, fix=f"loginctl enable-linger {user}")

    return Check("logout", ask)


def nothing_wrong(name: str, fault: Callable[[], str], well: str, fix: str) -> Check:
    """Check a part that tells in one sentence what is wrong with it ("" = nothing)."""

    def ask() -> Finding:
        said = fault()
        return Finding(name=name, ok=not said, detail=said or well, fix=fix if said else "")

    return Check(name, ask)
