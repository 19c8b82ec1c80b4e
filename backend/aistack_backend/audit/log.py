"""The audit log: one chain of records in the table ``event``, and its witness (``facts/trust.md`` §2)."""

from __future__ import annotations

import platform
import secrets
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Select, desc, func, insert, or_, select

from aistack_backend.audit.checkpoint import NAME as CHECKPOINTS
from aistack_backend.audit.checkpoint import PUBLIC, checkpoints
from aistack_backend.audit.record import FIELDS, GENESIS, ZERO, canonical, digest, to_wire
from aistack_backend.audit.redact import Redactor, host_key
from aistack_backend.audit.seal import Seal
from aistack_backend.audit.verify import EXPORT, exported_line, walk
from aistack_backend.audit.witness import Disk, pieces
from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.store.database import Database, lock_writers
from aistack_backend.store.files import replace_file
from aistack_backend.store.tables import event
from aistack_backend.wire.audit import AuditCheck, AuditPage, Phase
from aistack_backend.wire.events import Topic

PAGE = 1_000
"""Most records of one page."""
_SEARCHED = (event.c.actor, event.c.kind, event.c.object, event.c.reason, event.c.outcome, event.c.detail)
_EXACT = (event.c.decision, event.c.phase, event.c.via, event.c.action_hash)


class AuditLog:
    """Append-only, hash-chained, redacted before hashing. No audit, no action (R2.2).

    ``append`` writes in the caller's transaction; ``seal`` after the commit puts the new links on the
    witness's disk. An effect begins only after the ``seal`` of its intent has returned.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        clock: Clock,
        *,
        bus: Bus | None = None,
        disk: Disk | None = None,
        known_secrets: Iterable[str] = (),
    ) -> None:
        """Open the log in ``folder`` (0700). A witness that cannot be used does not stop this: ``writable``
        tells, and every ``append`` is refused until it can.

        Raises:
            Unavailable: the database, or the redaction key in ``folder``, cannot be used.
        """
        self.folder = folder
        self._database = database
        self._clock = clock
        self._bus = bus
        self.redactor = Redactor(host_key(folder), known_secrets)
        self._seal = Seal(database, folder, disk or Disk())
        self._publishing = threading.Lock()
        self._start()

    def append(
        self,
        connection: Connection,
        *,
        phase: Phase,
        actor: str,
        kind: str,
        via: str = "",
        object: str = "",  # noqa: A002 (the column's name)
        task_id: int | None = None,
        approval_id: int | None = None,
        action_hash: str = "",
        decision: str = "",
        reason: str = "",
        outcome: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> int:
        """Add a record in the caller's transaction and return its seq; secrets are taken out first.

        Raises:
            Unavailable: it could not be witnessed now, or the database fails; roll back and do nothing.
        """
        if why := self._seal.blocked(outcome=phase is Phase.OUTCOME):
            raise _not_writable(why)
        texts = {"actor": actor, "via": via, "kind": kind, "object": object}
        texts |= {"decision": decision, "reason": reason, "outcome": outcome}
        values: dict[str, Any] = {name: self.redactor.text(text) for name, text in texts.items()}
        values |= {"phase": str(phase), "task_id": task_id, "approval_id": approval_id, "action_hash": action_hash}
        values["detail"] = canonical(self.redactor.detail(detail or {}))
        lock_writers(connection)
        return self._link(connection, *self._head(connection), values)

    def seal(self) -> None:
        """Put every committed record on the witness's disk; call it after the commit, before any effect.

        Raises:
            Unavailable: the witness cannot be written, or contradicts the log.
        """
        if why := self._seal.now():
            raise _not_writable(why)
        self._publish()

    def note(self, **fields: Any) -> int:
        """Append in a transaction of its own, then seal; takes what ``append`` takes.

        Raises:
            Unavailable: as ``append`` and ``seal``.
        """
        with self._database.tx() as connection:
            seq = self.append(connection, **fields)
        self.seal()
        return seq

    def writable(self) -> str:
        """Return "" when a record could be written now, else one sentence why not. Mends what mended itself."""
        return self._seal.blocked()

    def low_space(self) -> str:
        """Return a warning when the witness's disk has less than 10 % free, else ""."""
        return self._seal.low_space()

    def page(self, limit: int, before: int | None = None, text: str = "") -> AuditPage:
        """Return the newest records below ``before`` that contain ``text``, and how many contain it in all.

        ``text`` is also looked for as a secret: its mark is found where it was redacted.
        """
        matching = _matching(self.redactor, text)
        chosen = matching.where(event.c.seq < before) if before is not None else matching
        with self._database.read() as connection:
            rows = connection.execute(chosen.order_by(desc(event.c.seq)).limit(max(1, min(limit, PAGE)))).all()
            total = connection.execute(_count(matching) if text else select(func.max(event.c.seq))).scalar()
        return AuditPage(records=tuple(to_wire(row) for row in rows), total=total or 0)

    def verify(self) -> AuditCheck:
        """Walk the whole chain and its witness; never raises for a log that does not hold."""
        path, size = self._seal.extent()
        at = self._clock.now()
        seen = pieces(path, size) if size else ()  # read first: the log is never behind its witness
        try:
            signed = checkpoints(self.folder)
            with self._database.read() as connection, _streamed(connection) as rows:
                return walk(rows, seen, at, signed)
        except BackendError as error:
            return AuditCheck(ok=False, count=0, first_bad=1, detail=error.detail, checked_at=at)

    def export(self, folder: Path, *, actor: str, via: str = "") -> int:
        """Write the whole log and its witness into ``folder`` (verifiable there) and return its length.

        Raises:
            Unavailable: the audit cannot be written: an export is recorded before it is made.
            OSError: ``folder`` cannot be written.
        """
        self.note(phase=Phase.NOTE, actor=actor, via=via, kind="audit.export", object=str(folder))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path, size = self._seal.extent()
        count = 0
        with replace_file(folder / path.name) as file:
            for piece in pieces(path, size):
                file.write(piece.raw)
        for name in (CHECKPOINTS, PUBLIC):
            if (self.folder / name).is_file():
                with replace_file(folder / name) as file:
                    file.write((self.folder / name).read_bytes())
        with replace_file(folder / EXPORT) as file, self._database.read() as connection, _streamed(connection) as rows:
            for row in rows:
                file.write(exported_line(dict(zip(FIELDS, row, strict=True))).encode())
                count += 1
        return count

    def begin_new_witness(self, *, actor: str, reason: str) -> Path:
        """Let a person go on after a witness that contradicts the log: it is kept aside, a new one begins,
        and the first thing that it witnesses is this decision. Returns where the old one lies.

        Raises:
            Unavailable: the folder cannot be written.
        """
        aside = self._seal.begin_anew(self._clock.now())
        detail = {"kept": str(aside)}
        self.note(phase=Phase.NOTE, actor=actor, kind="audit.new-witness", reason=reason, detail=detail)
        return aside

    def close(self) -> None:
        """Close the witness."""
        self._seal.close()

    def _start(self) -> None:
        with self._database.tx() as connection:
            lock_writers(connection)
            self._head(connection)
        if self._seal.now():
            return  # told by writable(), again and again, until it is mended
        for kind, why in self._seal.findings():
            self.note(phase=Phase.NOTE, actor="backend", kind=kind, reason=why)

    def _head(self, connection: Connection) -> tuple[int, str]:
        found = connection.execute(select(event.c.seq, event.c.hash).order_by(desc(event.c.seq)).limit(1)).first()
        if found is not None:
            return found[0], found[1]
        detail = canonical({"format": 1, "host": platform.node(), "salt": secrets.token_hex(16)})
        values = {"phase": str(Phase.NOTE), "actor": "backend", "kind": GENESIS, "detail": detail}
        self._link(connection, 0, ZERO, values)
        return self._head(connection)

    def _link(self, connection: Connection, seq: int, prev: str, values: dict[str, Any]) -> int:
        row: dict[str, Any] = dict.fromkeys(FIELDS, "") | {"task_id": None, "approval_id": None} | values
        row |= {"seq": seq + 1, "prev": prev, "boot_id": self._clock.boot_id()}
        row |= {"at": float(self._clock.now()), "mono": float(self._clock.mono())}
        row["hash"] = digest(tuple(row.values()))
        connection.execute(insert(event).values(**row))
        return seq + 1

    def _publish(self) -> None:
        if self._bus is None:
            return
        with self._publishing:  # a page read later is never overtaken by one read earlier
            self._bus.publish(Topic.AUDIT, self.page(20))


def _streamed(connection: Connection) -> CursorResult[Any]:
    """The whole log in order, 2,000 records in memory at a time; to be closed."""
    return connection.execution_options(yield_per=2_000).execute(select(event).order_by(event.c.seq))


def _not_writable(why: str) -> Unavailable:
    return Unavailable(
        why,
        "Nothing can be approved or run until the audit can be written; reading goes on.",
        title="Audit not writable",
        kind="audit-not-writable",
    )


def _count(matching: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(matching.subquery())


def _matching(redactor: Redactor, text: str) -> Select[Any]:
    if not text:
        return select(event)
    wanted = (text, redactor.mark(text))
    searched = [column.icontains(word, autoescape=True) for column in _SEARCHED for word in wanted]
    return select(event).where(or_(*searched, *(column == text for column in _EXACT)))
