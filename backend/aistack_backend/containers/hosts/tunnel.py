"""One ssh child that makes a socket here lead to Podman's on another machine: watched, and made again when it ends."""

from __future__ import annotations

import logging
import random
import shutil
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from aistack_backend.clock import Clock
from aistack_backend.containers.hosts import ssh
from aistack_backend.containers.hosts.leash import leashed
from aistack_backend.containers.hosts.ssh import Said
from aistack_backend.containers.hosts.way import Link
from aistack_backend.wire.hosts import HostConfig
from aistack_backend.wire.sources import SourceState

log = logging.getLogger(__name__)
LOOK = 0.05
"""Seconds between two looks at whether ssh has ended, and whether its socket has appeared."""
FIRST, LONGEST = 0.25, 30.0
"""Seconds until the first new try, doubled each time (with a jitter of half), and what the doubling ends at."""
PROVEN = 5.0
"""Seconds that a tunnel must have been open for the next try to be the first again."""
LOGIN = 20.0
"""Seconds that a login may take in all."""
BLOCKED = 30.0
"""Seconds for which a refusal of the other side's socket counts: it is tried again each two seconds."""
KEPT = 40
"""Lines of ssh's complaints that are kept."""


class Tunnel:
    """Keeps ``socket`` leading to ``host``; a ``Way``. The socket appears when the login has succeeded, mode 0600."""

    def __init__(self, host: HostConfig, folder: Path, clock: Clock) -> None:
        self._host = host
        self._folder = folder
        self._clock = clock
        self.socket = folder / f"{host.name}.sock"
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._refused_at: float | None = None
        self._changed: Callable[[], None] = lambda: None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        connecting = Said(state=SourceState.CONNECTING, detail=f"{ssh.login(host)} is being reached.")
        self._link = Link(said=connecting, since=clock.now())

    @property
    def link(self) -> Link:
        """See ``Way.link``."""
        at = self._refused_at
        if at is None or time.monotonic() - at > BLOCKED:
            return self._link
        return replace(self._link, blocked=ssh.blocked(tuple(self._lines), self._host))

    def start(self, changed: Callable[[], None]) -> None:
        """See ``Way.start``."""
        self._changed = changed
        self._thread = threading.Thread(target=self._run, name=f"tunnel-{self._host.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End ssh and wait for it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(3.0)

    def _run(self) -> None:
        pause = FIRST
        while not self._stopping.is_set():
            opened = 0.0
            try:
                opened = self._once()
            except Exception as error:  # a fault of ours must be seen, and must not end the watch
                log.exception("the tunnel to %s broke", self._host.name)
                self._note(Said(state=SourceState.FAILED, detail=f"The tunnel broke: {error!r}."))
            pause = FIRST if opened > PROVEN else pause
            self._stopping.wait(pause * random.uniform(0.5, 1.5))  # noqa: S311  jitter, not a secret
            pause = min(LONGEST, pause * 2)

    def _once(self) -> float:
        """Run one ssh to its end; return the seconds that it was open."""
        if shutil.which("ssh") is None:
            self._note(Said(state=SourceState.ABSENT, detail="There is no ssh here.", hint="Install openssh-client."))
            return 0.0
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        self._lines.clear()
        self._refused_at = None
        child = leashed(ssh.arguments(self._host, f"./{self.socket.name}"), self._folder)
        reader = threading.Thread(target=self._listen, args=(child,), name=f"ssh-{self._host.name}", daemon=True)
        reader.start()
        opened, late = None, False
        try:
            opened, late = self._watch(child)
        finally:
            code = _ended(child)
            reader.join(2.0)
            self.socket.unlink(missing_ok=True)
        if not self._stopping.is_set():
            slow = Said(state=SourceState.HANGING, detail=f"{ssh.login(self._host)} does not finish the login.")
            self._note(slow if late else ssh.meaning(tuple(self._lines), self._host, code))
        return 0.0 if opened is None else time.monotonic() - opened

    def _watch(self, child: subprocess.Popen[str]) -> tuple[float | None, bool]:
        """Wait for the child's end, or ours; return since when it was open (None = never), and whether it was late."""
        began, opened = time.monotonic(), None
        while child.poll() is None and not self._stopping.wait(LOOK):
            if opened is None and self.socket.exists():
                opened = time.monotonic()
                self._note(Said(state=SourceState.OK, detail=f"The tunnel to {ssh.login(self._host)} is open."))
            elif opened is not None and not self.socket.exists():
                return opened, False  # somebody removed it: this ssh leads nowhere any more
            if opened is None and time.monotonic() - began > LOGIN:
                return None, True
        return opened, False

    def _listen(self, child: subprocess.Popen[str]) -> None:
        assert child.stderr is not None  # noqa: S101  it was asked for
        with child.stderr as lines:
            for line in lines:
                self._hear(line.rstrip("\n")[:500])

    def _hear(self, line: str) -> None:
        self._lines.append(line)
        if "open failed:" in line:
            first = self._refused_at is None
            self._refused_at = time.monotonic()
            if first:
                self._changed()

    def _note(self, said: Said) -> None:
        old = self._link
        if said == old.said:
            return
        log.info("tunnel to %s: %s %s", self._host.name, said.state.value, said.detail)
        same = said.state is old.said.state
        self._link = Link(said=said, since=old.since if same else self._clock.now())
        self._changed()


def _ended(child: subprocess.Popen[str]) -> int:
    """End a child that still runs; return its exit code."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(2.0)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()
