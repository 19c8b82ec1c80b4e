"""Backup, rehearsal and restore as actions: prepared, approved, run through the gate like everything else."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.clock import Clock
from aistack_backend.containers.aside import to_the_end
from aistack_backend.containers.backup import folder as folders
from aistack_backend.containers.backup import manifest as listing
from aistack_backend.containers.backup.methods import NAMES
from aistack_backend.containers.backup.restorer import Found, Restorer
from aistack_backend.containers.backup.shelf import Shelf
from aistack_backend.containers.backup.taker import Taker
from aistack_backend.containers.effects import size
from aistack_backend.containers.stack import goal as goals
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.wire.actions import Target

BACKUP, VERIFY, RESTORE = "stack.backup", "backup.verify", "stack.restore"
PROGRAM = "aistack-console"
SCHEDULE = "schedule"
"""Who asks for scheduled backups; only theirs are counted and pruned."""
HOW = {
    "pg_dump": "pg_dump, while it runs",
    "qdrant": "its snapshots, while it runs",
    "files": "its files, frozen for it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the configuration says of backups."""

    passphrase: Path | None = None
    env_file: Path | None = None
    extra: tuple[Path, ...] = ()
    keep: int = 7


class BackupPart:
    """Prepares and runs the three kinds. Preparing changes nothing."""

    kinds = frozenset({BACKUP, VERIFY, RESTORE})

    def __init__(
        self,
        manifest: Callable[[], Manifest],
        taker: Taker,
        restorer: Restorer,
        shelf: Shelf,
        clock: Clock,
        wishes: Wishes,
    ) -> None:
        self._manifest = manifest
        self._taker = taker
        self._restorer = restorer
        self._shelf = shelf
        self._clock = clock
        self._wishes = wishes

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """``target``: services or a tier for a backup; a backup's id (or ``latest``) to verify; that and services to
        restore.

        Raises:
            NotFound, BadInput: one sentence.
        """
        if kind == BACKUP:
            return self._prepare_backup(target, requester, task_id)
        ident, *words = target.split()[:64] or ["latest"]
        path = self._shelf.path(ident)
        contents = folders.read(path)
        pinned = Target(type="backup", id=path.name, name=path.name, pin=_pin(path))
        verb = "verify" if kind == VERIFY else "restore"
        services = self._services(contents.pieces, words) if kind == RESTORE else ()
        action = Action(
            kind=kind,
            argv=(PROGRAM, verb, path.name, *services),
            targets=(pinned,),
            requester=requester,
            task_id=task_id,
        )
        if kind == VERIFY:
            effect = "Restores it into throw-away volumes, containers and folders, counts, and removes them."
            return action, Evidence(title=f"verify backup {path.name}", effect=effect, undo="not needed", managed=True)
        told = ", ".join(services) or "nothing"
        effect = (
            f"The data of {told} is replaced by that of the backup; services whose files go back are stopped for it."
        )
        undo = "none, but a backup taken before"
        return action, Evidence(title=f"restore {told} from {path.name}", effect=effect, undo=undo, managed=True)

    def nature(self, action: Action) -> Nature:
        """A repeat leads to the same data; a second backup is one more backup."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """The same backup, with the same manifest."""
        if action.kind == BACKUP:
            return ""
        target = action.targets[0]
        try:
            return "" if _pin(self._shelf.path(target.id)) == target.pin else f"{target.name} changed since."
        except BackendError as error:
            return error.detail

    async def run(self, key: str, action: Action) -> Outcome:
        """Do it; once begun it runs to its end."""
        runs = {BACKUP: self._back_up, VERIFY: self._verify, RESTORE: self._restore}

        def work() -> Outcome:
            try:
                return runs[action.kind](action)
            except BackendError as error:
                return Outcome(ok=False, text=f"{error.detail} {error.hint}".strip())
            except (OSError, sqlite3.Error) as error:
                return Outcome(ok=False, text=f"It could not be written or read: {error}.")

        return await to_the_end(work)

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Nobody can tell without doing it again, which is harmless."""
        return Fate.UNKNOWN, None

    def _prepare_backup(self, goal: str, requester: str, task_id: int) -> tuple[Action, Evidence]:
        stack = self._manifest()
        chosen = goals.services(stack, goal, with_needs=False)
        kept = [decl for decl in stack.services.values() if decl.id in chosen and decl.extra.backup in NAMES]
        plan = "\n".join(f"{decl.id}: {HOW[decl.extra.backup]}" for decl in kept)
        action = Action(
            kind=BACKUP,
            argv=(PROGRAM, "backup", *(decl.id for decl in kept)),
            script=f"{plan}\nour own store and audit, the manifest; secrets {self._sealing()}".strip(),
            targets=(Target(type="stack", id=stack.project, name=stack.project),),
            requester=requester,
            task_id=task_id,
        )
        title = f"back up {len(kept)} services and our own state"
        effect = f"Writes a new folder in {self._shelf.folder}. Secrets {self._sealing()}."
        return action, Evidence(title=title, effect=effect, undo="remove the folder", managed=True)

    def _sealing(self) -> str:
        file = self._wishes.passphrase
        return f"are sealed with {file}" if file else "are not in it (stack.backup_passphrase_file is not set)"

    def _services(self, pieces: tuple[listing.Piece, ...], words: list[str]) -> tuple[str, ...]:
        there = tuple(dict.fromkeys(piece.service for piece in pieces if piece.service and piece.file))
        if unknown := [word for word in words if word not in there]:
            raise BadInput(
                f"The backup holds nothing of {unknown[0]!r}.", f"It holds: {', '.join(there) or 'no service'}."
            )
        return tuple(words) or there

    def _back_up(self, action: Action) -> Outcome:
        wishes = self._wishes
        made = self._taker.take(
            self._manifest(),
            action.argv[2:],
            passphrase=wishes.passphrase,
            env_file=wishes.env_file,
            extra=wishes.extra,
        )
        gone = self._shelf.prune(wishes.keep) if action.requester == SCHEDULE else ()
        notes = [piece.note for piece in folders.read(Path(made.path)).pieces if piece.note]
        pruned = f" {len(gone)} older ones were removed." if gone else ""
        return Outcome(
            ok=True, text="\n".join([f"Backup {made.id}, {size(made.size)}, in {made.path}.{pruned}", *notes])
        )

    def _verify(self, action: Action) -> Outcome:
        ident = action.targets[0].id
        try:
            found = self._restorer.rehearse(self._shelf.path(ident), self._manifest())
        except BackendError as error:
            self._shelf.mark(ident, self._clock.now(), error.detail)
            raise
        bad = next((one.text for one in found if not one.ok), "")
        self._shelf.mark(ident, self._clock.now(), bad or "ok")
        return _outcome(found, f"Backup {ident} was restored aside and holds.", f"Backup {ident} does not hold.")

    def _restore(self, action: Action) -> Outcome:
        ident = action.targets[0].id
        found = self._restorer.restore(self._shelf.path(ident), self._manifest(), action.argv[3:])
        return _outcome(found, f"Restored from {ident}.", f"Not all of {ident} was restored.")


def _outcome(found: tuple[Found, ...], good: str, bad: str) -> Outcome:
    ok = all(one.ok for one in found)
    return Outcome(ok=ok, text="\n".join([good if ok else bad, *(one.text for one in found)]))


def _pin(path: Path) -> str:
    raw = (path / listing.NAME).read_bytes()
    return f"manifest={hashlib.sha256(raw).hexdigest()}"
