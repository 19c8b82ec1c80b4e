"""Holds: services, or the whole stack, that nothing automatic may touch. Kept in the store, set through the gate."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.containers.stack import goal as goals
from aistack_backend.containers.stack.source import ManifestSource
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.store.database import Database
from aistack_backend.store.tables import meta
from aistack_backend.wire.actions import Target

HOLD, RELEASE = "service.hold", "service.release"
KINDS = frozenset({HOLD, RELEASE})
KEY = "stack.holds"
WHOLE = "*"
"""The target that means the whole stack: a maintenance window."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is held now."""

    services: frozenset[str] = frozenset()
    whole: bool = False


class Holds:
    """The holds of this data folder; the newest are cached, so that reading costs nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: Held | None = None

    def now(self) -> Held:
        """Return what is held."""
        if self._held is None:
            with self._database.read() as connection:
                self._held = _read(connection)
        return self._held

    def change(self, names: frozenset[str], *, hold: bool) -> Held:
        """Hold or release services (``*`` = the whole stack).

        Raises:
            Unavailable: the database cannot be written.
        """
        with self._database.tx() as connection:
            before = _read(connection)
            services = before.services | names if hold else before.services - names
            whole = hold if WHOLE in names else before.whole
            made = Held(frozenset(services - {WHOLE}), whole)
            text = json.dumps({"services": sorted(made.services), "whole": made.whole})
            connection.execute(delete(meta).where(meta.c.key == KEY))
            connection.execute(insert(meta).values(key=KEY, value=text))
        self._held = made
        return made


def _read(connection: Connection) -> Held:
    text = connection.execute(select(meta.c.value).where(meta.c.key == KEY)).scalar()
    doc = json.loads(text) if text else {}
    return Held(frozenset(doc.get("services", ())), bool(doc.get("whole")))


class HoldPart:
    """Prepares and runs ``service.hold`` and ``service.release``."""

    kinds = KINDS

    def __init__(self, holds: Holds, source: ManifestSource) -> None:
        self._holds = holds
        self._source = source

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Bind the action to the named services; ``*`` or nothing is the whole stack.

        Raises:
            ManifestError, BadInput: the file, or a name in it.
        """
        whole = target.strip() in ("", WHOLE)
        names = (WHOLE,) if whole else goals.services(self._source.get(), target, with_needs=False)
        verb = kind.partition(".")[2]
        action = Action(
            kind=kind,
            argv=("aistack-console", verb, *names),
            targets=tuple(Target(type="service", id=name, name=name) for name in names),
            requester=requester,
            task_id=task_id,
        )
        what = "the whole stack" if whole else ", ".join(names)
        effect = "Nothing automatic touches it until it is released." if kind == HOLD else "Self-heal acts on it again."
        other = "release" if kind == HOLD else "hold"
        return action, Evidence(
            title=f"{verb} {what}", effect=effect, undo=f"aistack-console {other} {' '.join(names)}", managed=True
        )

    def nature(self, action: Action) -> Nature:
        """The same end state."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """The services must still be declared."""
        try:
            known = {*self._source.get().services, WHOLE}
        except BackendError as error:
            return error.detail
        gone = [one.name for one in action.targets if one.name not in known]
        return f"{gone[0]} is not declared any more." if gone else ""

    async def run(self, key: str, action: Action) -> Outcome:
        """Write it down."""
        names = frozenset(one.name for one in action.targets)
        if not names:
            raise BadInput(f"A {action.kind} names its services.")
        self._holds.change(names, hold=action.kind == HOLD)
        word = "held" if action.kind == HOLD else "released"
        return Outcome(ok=True, text=f"{', '.join(sorted(names))} {word}.")

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Look whether it is so."""
        held = self._holds.now()
        now = held.services | ({WHOLE} if held.whole else set())
        names = {one.name for one in action.targets}
        done = names <= now if action.kind == HOLD else not names & now
        return (Fate.DONE if done else Fate.NOT_DONE), None
