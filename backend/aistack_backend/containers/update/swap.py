"""Put a container of another image in the place of a service's, and the earlier one back when it does not get ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aistack_backend.containers.aside import to_the_end
from aistack_backend.containers.ladder.port import Climb
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.stack import gates
from aistack_backend.containers.stack.gates import NotReady
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.containers.stack.spec import spec
from aistack_backend.errors import BackendError
from aistack_backend.wire.containers import Container

BEFORE = "-before-update"
"""End of the name that the earlier container has meanwhile."""
Proof = Callable[[], str]
"""Blocks; returns what is wrong with the new container, or ""; what it raises counts as that."""
TAIL = 6
"""Log lines that are kept of a container that did not get ready."""


class Swap:
    """One service at a time. Whatever it was killed in, ``settle`` leaves exactly one container: the earlier one."""

    def __init__(self, podman: Podman, provisioner: Provisioner, climb: Climb, nudge: Callable[[str], None]) -> None:
        self._podman = podman
        self._provisioner = provisioner
        self._climb = climb
        self._nudge = nudge

    async def run(
        self, manifest: Manifest, decl: ServiceDecl, image: str, expected: float | None, proof: Proof = lambda: ""
    ) -> str:
        """Swap; returns "" when the new one is ready and ``proof`` has nothing against it, else why not: the earlier
        one then runs again.

        Cancelling it puts the earlier one back before CancelledError leaves.

        Raises:
            BackendError: Podman refused; the earlier one is back if Podman allows.
        """
        await to_the_end(lambda: self.settle(decl))
        try:
            await to_the_end(lambda: self._begin(manifest, decl, image))
            await gates.ready(self._climb, decl, gates.limit(decl, expected), lambda _: None, lambda _: None)
            if said := await to_the_end(proof):
                raise NotReady(said)
        except (NotReady, BackendError) as error:
            why = error.detail if isinstance(error, BackendError) else str(error)
            told = await to_the_end(lambda: self._tail(decl))
            await to_the_end(lambda: self.settle(decl))
            return f"{why} {told}".strip()
        except asyncio.CancelledError:
            await to_the_end(lambda: self.settle(decl))
            raise
        await to_the_end(lambda: self._finish(decl))
        return ""

    def settle(self, decl: ServiceDecl) -> None:
        """Bring back the earlier container of an update that was not finished, and start it; else do nothing."""
        before = self._named(decl.container + BEFORE)
        if before is None:
            return
        if (new := self._named(decl.container)) is not None:
            self._podman.remove(new.id, force=True)
        self._provisioner.rename(before.id, decl.container)
        self._podman.start(before.id)
        self._nudge(before.id)

    def _begin(self, manifest: Manifest, decl: ServiceDecl, image: str) -> None:
        present = self._named(decl.container)
        if present is not None:
            self._provisioner.rename(present.id, decl.container + BEFORE)
            self._podman.stop(present.id, max(1, round(decl.stop_grace)))
        made = self._provisioner.create_service(spec(manifest, decl, image))
        self._podman.start(made)
        self._nudge(made)

    def _finish(self, decl: ServiceDecl) -> None:
        before = self._named(decl.container + BEFORE)
        if before is not None:
            self._podman.remove(before.id, force=True)
            self._nudge(before.id)

    def _named(self, name: str) -> Container | None:
        return next((row for row in self._podman.list() if row.name == name), None)

    def _tail(self, decl: ServiceDecl) -> str:
        try:
            feed = self._podman.logs(decl.container, tail=TAIL, since=None, follow=False)
            lines = [line.text for batch in feed for line in batch][-TAIL:]
        except BackendError:
            return ""
        return f"Its last words: {' | '.join(lines)[-600:]}" if lines else "It said nothing."
