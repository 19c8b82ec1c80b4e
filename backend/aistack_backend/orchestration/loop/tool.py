"""The tool of ``loop.run``: one approved loop from its copy to proof, exhaustion, pause or stop."""

from __future__ import annotations

import threading
from pathlib import Path
from urllib.parse import urlsplit

from aistack_backend.approvals.action import Action
from aistack_backend.containers.aside import to_the_end
from aistack_backend.containers.sandbox_box import Broken
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.orchestration.loop import asked, prepare
from aistack_backend.orchestration.loop.drive import Drive, Means
from aistack_backend.orchestration.loop.home import Home
from aistack_backend.wire.loops import PassState


class LoopTool:
    """Runs loops from their rows: another ``run`` of the same key goes on where the last one was. Pausable."""

    kinds = frozenset({prepare.KIND})

    def __init__(self, means: Means, folder: Path) -> None:
        """``folder``: where the loops' own folders lie."""
        self._means = means
        self._folder = folder
        self._lock = threading.Lock()
        self._driven: dict[str, Drive] = {}
        self._pausing: set[str] = set()

    def nature(self, action: Action) -> Nature:
        """Nothing outside the loop's own folder changes, and a further run goes on from the rows."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """The record must be one that we would make ourselves, and an agent or a model elsewhere needs the way out
        open; the folder is compared when it is copied."""
        try:
            _whole(action)
            there = urlsplit(asked.read(action.script).endpoint).hostname
        except BackendError as error:
            return error.detail
        return self._means.way.shut(there) if there and self._means.way else ""

    async def run(self, key: str, action: Action) -> Outcome:
        """Go on until the end. Cancelling removes the container before CancelledError leaves."""
        _whole(action)
        task_id = number(key)
        drive = Drive(self._means, key, task_id, action, self.home(task_id))
        with self._lock:
            self._driven[key] = drive
            if key in self._pausing:
                drive.pause()
        try:
            return await to_the_end(drive.run, on_cancel=drive.halt)
        except Broken:
            return Outcome(ok=False, text="It was ended from outside.")
        finally:
            with self._lock:
                self._driven.pop(key, None)
                self._pausing.discard(key)

    def pause(self, key: str) -> None:
        """End the running pass's container, and have ``run`` raise ``Paused``."""
        with self._lock:
            drive = self._driven.get(key)
            if drive is None:
                self._pausing.add(key)
                return
        drive.pause()

    def guide(self, task_id: int) -> bool:
        """End the running pass, so that the next one gets the guidance that waits; False when none runs here."""
        with self._lock:
            driven = [drive for key, drive in self._driven.items() if number(key) == task_id]
        for drive in driven:
            drive.guide()
        return bool(driven)

    def said(self, task_id: int) -> str:
        """Return what the agent of the pass that works now has said so far; "" when none works here."""
        with self._lock:
            driven = [drive for key, drive in self._driven.items() if number(key) == task_id]
        return driven[0].said() if driven else ""

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Look at the rows."""
        rows = self._means.rows.passes(number(key))
        if rows and rows[-1]["state"] == PassState.PROVEN:
            return Fate.DONE, Outcome(ok=True, text=f"Proven in pass {rows[-1]['number']}.")
        return Fate.NOT_DONE, None

    def home(self, task_id: int) -> Home:
        """Return the folders of a loop."""
        return Home(self._folder / str(task_id))


def number(key: str) -> int:
    """Return the task's number that an effect's key begins with."""
    return int(key.partition(":")[0])


def _whole(action: Action) -> None:
    """Hold the record against the one that its request gives.

    Raises:
        BadInput: something in it is not what a loop has.
    """
    request = asked.read(action.script)
    if len(action.targets) != 1 or action.targets[0].id != request.source:
        raise BadInput("The approved loop names another folder than its request.")
    same = prepare.record(request, action.image, action.user, action.targets[0], action.requester, action.task_id)
    if same != action:
        raise BadInput("The approved loop is not one that this version would ask for.")
