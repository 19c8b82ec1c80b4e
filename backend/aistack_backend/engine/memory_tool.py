"""A tool that appends lines to a file: the smallest real effect, used in rehearsals and tests.

``note.append`` adds one line per call: a repeat would add a second one, so it is an EFFECT, and its probe looks
for the key in the file. ``note.blind`` does the same and cannot be probed. ``note.set`` replaces the whole file:
IDEMPOTENT. ``note.wait`` appends a line and then runs until it is cancelled.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from aistack_backend.approvals.action import Action
from aistack_backend.engine.tools import Fate, Nature, Outcome


class NoteTool:
    """Appends ``KEY<TAB>ACTION_HASH<TAB>SCRIPT`` to a file, synced, in one write."""

    kinds = frozenset({"note.append", "note.blind", "note.set", "note.wait"})

    def __init__(self, file: Path, step: Callable[[str], None] = lambda _: None) -> None:
        """Write to ``file``; ``step`` is told ``before`` and ``after`` each write, in the engine's thread."""
        self.file = file
        self.step = step
        self.changed = ""
        """What ``recheck`` answers: set it to rehearse a target that changed."""

    def nature(self, action: Action) -> Nature:
        """Say IDEMPOTENT for ``note.set``, EFFECT for the others."""
        return Nature.IDEMPOTENT if action.kind == "note.set" else Nature.EFFECT

    def recheck(self, action: Action) -> str:
        """Answer what ``changed`` holds."""
        return self.changed

    async def run(self, key: str, action: Action) -> Outcome:
        """Write the line; ``note.wait`` then waits for its cancellation."""
        self.step("before")
        self.write(key, action)
        self.step("after")
        if action.kind == "note.wait":
            await asyncio.get_running_loop().create_future()
        return Outcome(ok=True, text=f"wrote {action.script!r}")

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Look for the key in the file; ``note.wait`` is never done."""
        if action.kind == "note.blind":
            return Fate.UNKNOWN, None
        if action.kind == "note.wait":
            return Fate.NOT_DONE, None
        if any(line.startswith(f"{key}\t") for line in self.lines()):
            return Fate.DONE, Outcome(ok=True, text=f"wrote {action.script!r}")
        return Fate.NOT_DONE, None

    def lines(self) -> list[str]:
        """Return every line written so far."""
        return self.file.read_text().splitlines() if self.file.exists() else []

    def write(self, key: str, action: Action) -> None:
        """Do what ``run`` does to the file, and nothing else."""
        mode = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if action.kind == "note.set" else os.O_APPEND)
        descriptor = os.open(self.file, mode, 0o600)
        try:
            os.write(descriptor, f"{key}\t{action.hash()}\t{action.script}\n".encode())
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
