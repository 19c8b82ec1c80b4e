"""One life of a loop: pass after pass from its rows, in one thread; ended, paused or guided from any other."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import RowMapping

from aistack_backend import tracing
from aistack_backend.approvals.action import Action
from aistack_backend.containers.aside import Breaker
from aistack_backend.containers.models import Spec
from aistack_backend.containers.sandbox_box import Boxes, Broken, Ended, labels
from aistack_backend.containers.workspace.checkpoints import Checkpoints
from aistack_backend.containers.workspace.copy import copy, fingerprint, measure, remove, restore
from aistack_backend.engine.tools import Outcome, Paused
from aistack_backend.errors import BackendError
from aistack_backend.orchestration.loop import asked, breaker, endpoint, prepare
from aistack_backend.orchestration.loop.agents import BLOCKED, Turn, Worker, tell
from aistack_backend.orchestration.loop.home import NOBODY, Home
from aistack_backend.orchestration.loop.meter import Meter
from aistack_backend.orchestration.loop.model import Models
from aistack_backend.orchestration.loop.rows import OPEN, Rows, left
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.wire.loops import AgentKind, Gauge, ModelUse, PassState

INTERRUPTED = "The backend ended while the agent worked; what it had written stays in the folder."
ASKS = 20
"""Refused requests after which an agent that goes on asking is ended."""
ENDINGS = {"halt": "Stopped by a person or with the backend.", "pause": "Paused.", "guide": "Ended for guidance."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every loop works with."""

    rows: Rows
    boxes: Boxes
    workers: Mapping[AgentKind, Worker]
    models: Models
    changed: Callable[[int], None]
    """Called with the task's number after each change of a row."""
    way: WayOut | None = None
    """Holds back what would leave this machine; None = there is no lock here."""


class Drive:
    """``run`` blocks; ``halt``, ``pause`` and ``guide`` may be called from any thread at any time."""

    def __init__(self, means: Means, key: str, task_id: int, action: Action, home: Home) -> None:
        self._means = means
        self._key, self._id, self._action, self._home = key, task_id, action, home
        self._request = asked.read(action.script)
        self._git = Checkpoints(home.git)
        self._owner = (NOBODY, NOBODY) if action.user == f"{NOBODY}:{NOBODY}" else None
        self._lock = threading.Lock()
        self._wishes: set[str] = set()
        self._news = threading.Event()
        self._breaker = Breaker()
        self._meter, self._counted = Meter(self._request.limits, {}), ModelUse()

    def halt(self) -> None:
        """End for good: the container goes, ``run`` raises ``Broken``."""
        self._wish("halt")

    def pause(self) -> None:
        """End in between: the container goes, ``run`` raises ``Paused``."""
        self._wish("pause")

    def guide(self) -> None:
        """End the running pass; the next one begins with the guidance that waits."""
        self._wish("guide")

    def said(self) -> str:
        """Return the last output of the agent that works now, as Podman tells it."""
        rows = self._means.rows.passes(self._id)
        try:
            return self._means.boxes.output(self._spec("agent", rows[-1]["number"]).name) if rows else ""
        except BackendError as error:
            return error.detail

    def run(self) -> Outcome:
        """Go on from the rows until proof or a limit.

        Raises:
            Broken, Paused: see ``halt`` and ``pause``. Unavailable, BadInput, NotFound: it cannot go on.
        """
        if why := self._begin():
            return Outcome(ok=False, text=why)
        price = endpoint.price(self._request.price)
        self._meter = Meter(self._request.limits, self._means.rows.uses(self._id), price)
        with self._model():
            return self._on()

    def _model(self) -> AbstractContextManager[None]:
        """The socket of the agent's model, while this life of the loop lasts."""
        if not self._request.model:
            return nullcontext()
        self._home.model.mkdir(mode=0o755, exist_ok=True)
        rows = self._means.rows.passes(self._id)
        if rows and rows[-1]["state"] in OPEN:  # its agent may still work, and asks as soon as there is a socket
            self._meter.begin(rows[-1]["number"])
        return self._means.models.open(self._home.model, self._request, self._meter)

    def _on(self) -> Outcome:
        rows = self._means.rows.passes(self._id)
        if rows and rows[-1]["state"] in OPEN and self._finish(rows[-1]):
            return self._proven(rows[-1]["number"])
        while True:
            rows = self._means.rows.passes(self._id)
            if rows and rows[-1]["state"] == PassState.PROVEN:
                return self._proven(rows[-1]["number"])
            found = self._gauges(rows)
            if why := breaker.tripped(found):
                return Outcome(ok=False, exhausted=True, text=why)
            self._rest(breaker.rest(left(rows)))
            self._pass(len(rows) + 1, rows[-1] if rows else None)

    def _begin(self) -> str:
        """Copy the folder and record it, unless that is done; say why nothing may run when it is not the approved
        one."""
        if self._means.rows.loop(self._id) is not None:
            return ""
        remove(self._home.root)
        self._home.root.mkdir(mode=0o700, parents=True)
        source, most = self._action.targets[0], self._request.limits.megabytes << 20
        copy(Path(source.id), self._home.base, most, theirs=True)
        if fingerprint(self._home.base) != source.pin:
            remove(self._home.root)
            return f"Nothing ran: {source.id} is no longer what was approved."
        copy(self._home.base, self._home.tree, most, self._owner)
        point = self._git.commit(self._home.base, "as it was")
        self._means.rows.begin(self._id, asked.canonical(self._request), str(self._home.root), point.commit, point.tree)
        return ""

    def _pass(self, number: int, last: RowMapping | None) -> None:
        self._heed()
        said = self._means.rows.start(self._id, number)
        self._means.changed(self._id)
        before = "" if last is None else last["proof_output"] or last["agent_output"]
        tell(self._home.told, self._request, number, said, before)
        self._work(number, said, before)

    def _work(self, number: int, said: str, before: str) -> bool:
        """Run the agent, record it, and prove; True when proven."""
        with tracing.step("loop.pass", number=number, agent=self._request.agent.value) as made:
            proven = self._worked(number, said, before)
            made.set_attribute("proven", proven)
            return proven

    def _worked(self, number: int, said: str, before: str) -> bool:
        self._meter.begin(number)
        turn = Turn(
            request=self._request,
            number=number,
            guidance=said,
            last=before,
            spec=self._spec("agent", number),
            tree=self._home.tree,
            told=self._home.told,
            breaker=self._fresh(),
            look=self._looked,
        )
        try:
            try:
                ended = self._means.workers[self._request.agent].work(turn)
            finally:
                self._count()
            self._set(
                number,
                agent_code=ended.code,
                agent_output=ended.output,
                note=ended.killed or self._meter.why,
                state=PassState.PROVING,
            )
            return self._settle(number, ended)
        except Broken:
            self._interrupted(number)
            return False
        except BackendError as error:
            self._set(number, ended=True, state=PassState.INTERRUPTED, note=error.detail)
            raise

    def _settle(self, number: int, ended: Ended) -> bool:
        """Put the checks back, record the folder, and prove unless the agent blocked."""
        changed = restore(self._home.base, self._home.tree, self._request.checks, self._owner)
        earlier = self._last_commit(number)
        point = self._git.commit(self._home.tree, f"pass {number}")
        self._set(
            number,
            restored=json.dumps(changed),
            commit=point.commit,
            tree=point.tree,
            changed=self._git.stat(earlier, point.commit),
        )
        if ended.code == BLOCKED:
            self._set(number, ended=True, state=PassState.BLOCKED)
            return False
        return self._prove(number)

    def _prove(self, number: int) -> bool:
        self._heed()
        remove(self._home.proof)
        copy(self._home.tree, self._home.proof, 2 * self._request.limits.megabytes << 20, self._owner)
        spec = replace(
            self._spec("proof", number),
            command=("/bin/sh", "-c", self._request.proof),
            deadline=self._request.limits.proof_seconds,
        )
        spec = replace(spec, binds=(replace(spec.binds[0], source=str(self._home.proof)), spec.binds[1]))
        self._means.boxes.discard(spec.name)  # of an earlier life: its copy is no longer there
        ended = self._means.boxes.run(spec, self._fresh(), lambda: self._too_big("proof"))
        proven = ended.code == 0 and not ended.killed
        output = f"{ended.output}\n{ended.killed}".strip()
        self._set(
            number,
            ended=True,
            proof_code=ended.code,
            proof_output=output,
            state=PassState.PROVEN if proven else PassState.REFUTED,
        )
        remove(self._home.proof)
        return proven

    def _finish(self, row: RowMapping) -> bool:
        """Take up the pass that an earlier life left open; True when it ends proven."""
        number = row["number"]
        if row["state"] == PassState.PROVING:
            try:
                return self._settle(number, Ended(code=row["agent_code"] or 0, output="", seconds=0.0))
            except Broken:
                self._interrupted(number)
                return False
        spec = self._spec("agent", number)
        worker = self._means.workers[self._request.agent]
        if worker.lasting and self._means.boxes.left(spec) is not None:
            return self._work(number, row["guidance"], "")
        self._means.boxes.discard(spec.name)
        self._set(number, ended=True, state=PassState.INTERRUPTED, note=INTERRUPTED)
        return False

    def _interrupted(self, number: int) -> None:
        with self._lock:
            wishes = set(self._wishes)
            self._wishes.discard("guide")
        why = next(ENDINGS[name] for name in ENDINGS if name in wishes)
        self._set(number, ended=True, state=PassState.INTERRUPTED, note=why)
        self._heed()

    def _rest(self, seconds: float) -> None:
        """Wait before the next pass; any wish ends the wait."""
        self._heed()
        self._news.wait(seconds)
        self._heed()

    def _heed(self) -> None:
        with self._lock:
            self._news.clear()
            wishes = set(self._wishes)
            self._wishes.discard("guide")
        if "halt" in wishes:
            raise Broken
        if "pause" in wishes:
            raise Paused

    def _wish(self, what: str) -> None:
        with self._lock:
            self._wishes.add(what)
            breaker = self._breaker
            self._news.set()
        breaker.trip()

    def _fresh(self) -> Breaker:
        """Return a breaker for the next container, tripped already when somebody wished for an end meanwhile."""
        with self._lock:
            self._breaker = made = Breaker()
            wished = bool(self._wishes)
        if wished:
            made.trip()
        return made

    def _spec(self, what: str, number: int) -> Spec:
        home = self._home
        ours = f"{home.root}\0{self._key}"  # another data folder has the same keys
        name = f"aistack-loop-{hashlib.sha256(ours.encode()).hexdigest()[:12]}-{number}-{what}"
        return prepare.spec(self._action, self._request, name, labels(f"{self._key}/{number}/{what} {home.root}"), home)

    def _looked(self) -> str:
        """Look at the agent that works: keep what it used; say why it must end."""
        self._count()
        if self._meter.refused >= ASKS:
            return f"It was ended: it asked the model {self._meter.refused} times more when nothing was left."
        return self._too_big()

    def _count(self) -> None:
        number, use = self._meter.taken()
        if use != self._counted:
            self._means.rows.use(self._id, number, use)
            self._counted = use

    def _too_big(self, which: str = "tree") -> str:
        root = self._home.tree if which == "tree" else self._home.proof
        size, most = measure(root).bytes, self._request.limits.megabytes << 20
        return f"It was ended: the folder had grown to {size >> 20} MB of {most >> 20}." if size > 2 * most else ""

    def _last_commit(self, number: int) -> str:
        rows = [row for row in self._means.rows.passes(self._id) if row["number"] < number and row["commit"]]
        row = self._means.rows.loop(self._id)
        return str(rows[-1]["commit"]) if rows else str(row["base"]) if row else ""

    def _gauges(self, rows: list[RowMapping]) -> tuple[Gauge, ...]:
        row = self._means.rows.loop(self._id)
        assert row is not None  # noqa: S101  begun
        return breaker.all_gauges(
            row["base_tree"],
            left(rows),
            self._means.rows.seconds(row),
            self._request,
            self._means.rows.uses(self._id).values(),
        )

    def _proven(self, number: int) -> Outcome:
        return Outcome(
            ok=True,
            text=f"Proven in pass {number}: {self._request.proof} ended with 0. "
            f"The result is a patch: aistack-console loop diff {self._id}",
        )

    def _set(self, number: int, *, ended: bool = False, **values: object) -> None:
        self._means.rows.set(self._id, number, ended=ended, **values)
        self._means.changed(self._id)
