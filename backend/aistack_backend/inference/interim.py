"""The engine of the first minutes: xllamacpp, a ready-made llama.cpp, kept as files for the child only (ADR 0004)."""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from aistack_backend.errors import Unavailable
from aistack_backend.inference.packages import Stopper, bytes_done, only_one, pinned, pip
from aistack_backend.inference.progress import Tell

VERSION = "2026.10.11549"
STAGE = "first engine"


def site_folder(cache: Path) -> Path:
    """Return where it lies, or will lie, for this Python."""
    return cache / "engine" / f"xllamacpp-{VERSION}-cp{sys.version_info[0]}{sys.version_info[1]}"


def prepare(cache: Path, tell: Tell, stopper: Stopper) -> Path:
    """Return the folder with ``xllamacpp``; fetch it (34 MB) when it is not there.

    Raises:
        Unavailable: no ready-made one for this machine, no network, or no room.
    """
    site = site_folder(cache)
    if site.is_dir():
        return site

    def follow(line: str) -> None:
        if done := bytes_done(line):
            tell(STAGE, done[0], done[1], "bytes", "")

    try:
        site.parent.mkdir(parents=True, exist_ok=True)
        with (
            only_one(cache / "engine" / "interim.lock", STAGE, tell, stopper),
            tempfile.TemporaryDirectory(prefix="tmp-", dir=site.parent) as folder,
        ):
            if not site.is_dir():
                tell(STAGE, 0, None, "bytes", "")
                wanted = ["download", "--no-deps", "--only-binary=:all:", "-d", folder, *pinned("engine-interim.txt")]
                pip(wanted, stopper, follow, {"TMPDIR": folder})
                with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as archive:
                    archive.extractall(Path(folder) / "site")
                (Path(folder) / "site").rename(site)
    except OSError as error:
        shutil.rmtree(site, ignore_errors=True)
        raise Unavailable(f"The first engine cannot be stored in {cache}: {error.strerror}.") from error
    return site
