"""One run of a program in a sandbox container, from its creation to its removal; taken up again by its name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aistack_backend.containers import sandbox_spec
from aistack_backend.containers.aside import Breaker
from aistack_backend.containers.models import ExecResult, Inspected, Spec
from aistack_backend.containers.parse import MANAGED
from aistack_backend.containers.port import Podman
from aistack_backend.containers.sandbox import LABEL
from aistack_backend.errors import BackendError, BadInput, NotFound, Unavailable
from aistack_backend.wire.containers import ContainerState

TAIL = 8_000
"""Characters of output that are kept: the last ones."""
LOOK = 1.0
"""Seconds between two looks at a running program's use of the disk."""
NEW = (ContainerState.CREATED, ContainerState.CONFIGURED)


class Broken(Exception):
    """The run was ended from outside, and its container is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended."""

    code: int
    output: str
    seconds: float
    killed: str = ""
    """Why we ended it, in one sentence; empty when it ended by itself or at its deadline."""


class Boxes:
    """Runs sandbox containers. Every method blocks; ``Breaker.trip`` ends a run within a second or two, container and
    all, and then it raises ``Broken``."""

    def __init__(self, podman: Podman) -> None:
        self._podman = podman

    def run(self, spec: Spec, breaker: Breaker, look: Callable[[], str] = lambda: "") -> Ended:
        """Run a program to its end and remove its container. One of the same name that is left is taken up.

        ``look`` is called every second; a sentence from it ends the run.

        Raises:
            Broken: the breaker tripped. Unavailable, BadInput: it could not be made as specified, or Podman is away.
        """
        ident = self.open(spec, breaker)
        over, why = threading.Event(), [""]

        def watch() -> None:
            while not over.wait(LOOK):
                if found := look():
                    why[0] = found
                    self._end(ident)
                    return

        watcher = threading.Thread(target=watch, name="loop-watch", daemon=True)
        watcher.start()
        try:
            self._wait(ident, spec.deadline + 10.0, breaker)
        finally:
            over.set()
            watcher.join()
        return self._collect(ident, spec, breaker, why[0])

    def open(self, spec: Spec, breaker: Breaker) -> str:
        """Have the container run (created, compared with the specification, started, or found running) and return
        its id. It is removed when the breaker trips.

        Raises:
            Broken: the breaker has tripped. Unavailable, BadInput: see ``run``.
        """
        breaker.guard(lambda: self.discard(spec.name))
        try:
            found = self.left(spec) or self._podman.inspect(self._podman.create(spec))
            if breaker.broken:
                raise Broken
            if differs := sandbox_spec.differences(spec, found.document):
                self.discard(spec.name)
                raise Unavailable(f"Podman made another container than approved ({differs[0]}); nothing ran.")
            if found.container.state in NEW:
                self._podman.start(found.container.id)
        except (BackendError, Broken) as error:
            if breaker.broken:
                self.discard(spec.name)
                raise Broken from error
            raise
        if breaker.broken:
            self.discard(spec.name)
            raise Broken
        return found.container.id

    def left(self, spec: Spec) -> Inspected | None:
        """Return the container of that name, None when there is none.

        Raises:
            BadInput: it is not ours.
        """
        try:
            found = self._podman.inspect(spec.name)
        except NotFound:
            return None
        if (found.document.get("Config") or {}).get("Labels", {}).get(LABEL) != spec.labels[LABEL]:
            raise BadInput(f"The container {spec.name} exists and is not ours.", "Rename or remove it.")
        return found

    def exec(self, ident: str, command: Sequence[str], seconds: float, breaker: Breaker) -> ExecResult:
        """Run one more program in a container that runs.

        Raises:
            Broken: the breaker tripped. Unavailable: it could not be run, or not within ``seconds``.
        """
        try:
            return self._podman.exec(ident, command, seconds)
        except BackendError as error:
            if breaker.broken:
                raise Broken from error
            raise Unavailable(f"A command in the sandbox could not be run: {error.detail}") from error

    def output(self, name: str) -> str:
        """Return the last output of a container that exists; empty for one that is gone."""
        kept = ""
        try:
            for lines in self._podman.logs(name, tail=-1, since=None, follow=False):  # a tail loses unfinished lines
                kept = (kept + "".join(f"{line.text}\n" for line in lines))[-TAIL:]
        except NotFound:
            return ""
        return kept.removesuffix("\n")

    def discard(self, ref: str) -> None:
        """Remove a container, running or not."""
        try:
            self._podman.remove(ref, force=True)
        except NotFound:
            return

    def _wait(self, ident: str, seconds: float, breaker: Breaker) -> None:
        try:
            self._podman.wait(ident, seconds)
        except TimeoutError:
            self._end(ident)
        except BackendError as error:
            if breaker.broken:
                raise Broken from error
            if not isinstance(error, NotFound):
                raise

    def _collect(self, ident: str, spec: Spec, breaker: Breaker, why: str) -> Ended:
        if breaker.broken:
            self.discard(spec.name)
            raise Broken
        try:
            found = self._podman.inspect(ident)
        except NotFound:
            raise Unavailable(f"The container {spec.name} was removed by somebody else while it ran.") from None
        output = self.output(ident)
        self.discard(ident)
        box = found.container
        seconds = max(0.0, (box.finished_at or time.time()) - (box.started_at or time.time()))
        if not why and found.oom_killed:
            why = f"It wanted more than its {spec.memory >> 20} MB of memory."
        if not why and box.exit_code and seconds >= spec.deadline - 1:
            why = f"It was ended after its {spec.deadline} s."
        code = -1 if box.exit_code is None else box.exit_code
        return Ended(code=code, output=output, seconds=seconds, killed=why)

    def _end(self, ident: str) -> None:
        try:
            self._podman.kill(ident)
        except BackendError:
            return  # it has ended by itself


def labels(key: str) -> dict[str, str]:
    """Return the labels of a container that belongs to the effect ``key``."""
    return {LABEL: key, MANAGED: "true"}
