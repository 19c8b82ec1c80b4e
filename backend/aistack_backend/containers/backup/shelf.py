"""Where backups lie: made beside, named when whole, counted, and what verifying found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from aistack_backend.containers.backup import folder as folders
from aistack_backend.containers.backup import manifest
from aistack_backend.containers.backup.manifest import Contents
from aistack_backend.containers.backup.tarstream import BadArchive
from aistack_backend.errors import NotFound
from aistack_backend.store.files import replace_file
from aistack_backend.wire.storage import Backup, BackupList

MARK = ".verified.json"


class Shelf:
    """One folder of backups, each a folder named by the moment it was taken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def list(self, next_at: float | None = None) -> BackupList:
        """Return all whole backups, newest first; what cannot be read as one is left out."""
        found = [backup for path in self._paths() if (backup := self._backup(path)) is not None]
        found.sort(key=lambda backup: backup.at, reverse=True)
        return BackupList(backups=tuple(found), folder=str(self.folder), next_at=next_at)

    def path(self, ident: str) -> Path:
        """Return the folder of a backup; ``latest`` is the newest.

        Raises:
            NotFound: there is none of the name; the newest ones are named.
        """
        known = [backup.id for backup in self.list().backups]
        wanted = known[0] if ident in ("", "latest") and known else ident
        if wanted not in known:
            there = f"There are: {', '.join(known[:5])}." if known else f"{self.folder} holds none."
            raise NotFound(f"There is no backup {ident!r}.", there)
        return self.folder / wanted

    @contextmanager
    def draft(self, at: float) -> Iterator[tuple[str, Path]]:
        """Give the id of a new backup and a folder to write it in; ``keep`` names it, else it is removed."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        base = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        ident = next(name for name in _variants(base) if not (self.folder / name).exists())
        path = self.folder / f".{ident}.draft"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        try:
            yield ident, path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def keep(self, draft: Path, contents: Contents) -> Backup:
        """Write the manifest of a draft, have all of it on the disk, and give it its name."""
        raw = contents.encoded()
        with replace_file(draft / manifest.NAME) as file:
            file.write(raw)
        folders.sync(draft)
        path = self.folder / contents.id
        draft.rename(path)
        folders.sync_folder(self.folder)
        made = self._backup(path)
        if made is None:
            raise BadArchive(f"The backup {path} cannot be read back.")
        return made

    def mark(self, ident: str, at: float, result: str) -> None:
        """Remember what verifying a backup found: ``ok`` or a sentence."""
        with replace_file(self.folder / f"{ident}{MARK}") as file:
            file.write(json.dumps({"at": at, "result": result}).encode())

    def prune(self, keep: int) -> tuple[str, ...]:
        """Remove the oldest backups beyond ``keep``; returns their ids. The newest that was verified stays."""
        backups = self.list().backups
        good = next((backup.id for backup in backups if backup.verified == "ok"), "")
        gone = [backup.id for backup in backups[keep:] if backup.id != good]
        for ident in gone:
            path = self.folder / ident
            doomed = path.rename(self.folder / f".{ident}.gone")
            shutil.rmtree(doomed, ignore_errors=True)
            (self.folder / f"{ident}{MARK}").unlink(missing_ok=True)
        return tuple(gone)

    def _paths(self) -> Sequence[Path]:
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if not path.name.startswith(".") and path.is_dir()]

    def _backup(self, path: Path) -> Backup | None:
        try:
            contents = folders.read(path)
        except BadArchive:
            return None
        mark = self._mark(path.name)
        return Backup(
            id=path.name,
            at=contents.at,
            path=str(path),
            size=sum(entry.size for entry in contents.files),
            services=tuple(dict.fromkeys(piece.service for piece in contents.pieces if piece.service and piece.file)),
            verified_at=mark[0],
            verified=mark[1],
        )

    def _mark(self, ident: str) -> tuple[float | None, str]:
        try:
            told = json.loads((self.folder / f"{ident}{MARK}").read_bytes())
            return float(told["at"]), str(told["result"])
        except (OSError, ValueError, KeyError, TypeError):
            return None, ""


def _variants(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1
