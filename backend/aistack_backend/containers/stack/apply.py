"""Carries a plan out: parallel, each service as soon as what it needs is ready, nothing called ready that is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aistack_backend.clock import Clock
from aistack_backend.containers.aside import look, to_the_end
from aistack_backend.containers.ladder.port import Climb
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.stack import secrets
from aistack_backend.containers.stack.crew import Crew
from aistack_backend.containers.stack.history import History
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.containers.stack.plan import Planned
from aistack_backend.containers.stack.progress import Progress, failed
from aistack_backend.containers.stack.spec import labels
from aistack_backend.errors import BackendError
from aistack_backend.wire.boot import Boot, BootState


class Applier:
    """Brings services up and down. One boot at a time: a second one waits for the first."""

    def __init__(
        self,
        podman: Podman,
        provisioner: Provisioner,
        climb: Climb,
        history: History,
        clock: Clock,
        publish: Callable[[Boot], None],
        nudge: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``publish`` gets every snapshot of the boot, ``nudge`` the id of each container that was acted on."""
        self._podman = podman
        self._provisioner = provisioner
        self._climb = climb
        self._history = history
        self._clock = clock
        self._publish = publish
        self._nudge = nudge
        self._turn = asyncio.Lock()

    async def run(self, manifest: Manifest, planned: Planned, task_id: int) -> Boot:
        """``take`` with a plan that is made already."""
        return await self.take(lambda: (manifest, planned), task_id)

    async def take(self, plan: Callable[[], tuple[Manifest, Planned]], task_id: int) -> Boot:
        """Plan when the boots before have ended, carry it out, and return how it ended; a service that fails stops
        only those that need it. A plan without steps is a boot without rows.

        When cancelled, waits for the calls under way, leaves what was started as it is, says so in the boot, and
        raises CancelledError.

        Raises:
            BackendError: there is no plan, or a network or a secret could not be made; nothing was started.
        """
        async with self._turn:
            manifest, planned = await look(plan)
            progress = Progress(planned, task_id, self._clock, self._publish, await look(self._history.expected))
            if not planned.steps:
                return progress.end(BootState.DONE, "There was nothing to do.")
            try:
                await self._carry(manifest, planned, progress)
            except asyncio.CancelledError:
                said = "It was stopped; what had begun is left as it is."
                await self._close(progress, BootState.CANCELLED, said, manifest)
                raise
            except BackendError as error:
                await self._close(progress, BootState.FAILED, error.detail, manifest)
                raise
            bad = [row.service for row in failed(progress.boot.rows)]
            said = f"{len(bad)} of {len(planned.steps)} failed: {', '.join(bad)}." if bad else ""
            return await self._close(progress, BootState.FAILED if bad else BootState.DONE, said, manifest)

    async def _close(self, progress: Progress, state: BootState, detail: str, manifest: Manifest) -> Boot:
        boot = progress.end(state, detail)
        await to_the_end(lambda: self._history.keep(boot))
        if state is BootState.DONE and boot.verb != "down":
            await to_the_end(lambda: self._history.remember(manifest, boot, self._podman.list()))
        return boot

    async def _carry(self, manifest: Manifest, planned: Planned, progress: Progress) -> None:
        if planned.verb != "down":
            await to_the_end(lambda: self._foundations(manifest, planned))
        crew = Crew(self._podman, self._provisioner, self._climb, manifest, planned, progress, self._nudge)
        tasks = [asyncio.ensure_future(crew.work(step)) for step in planned.steps]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        await crew.confirm()

    def _foundations(self, manifest: Manifest, planned: Planned) -> None:
        """Make networks, volumes and secrets that are missing."""
        for network in manifest.networks.values():
            if network.name in planned.networks and not network.external:
                self._provisioner.create_network(network.name, labels(manifest), internal=network.internal)
        for volume in manifest.volumes.values():
            if volume.name in planned.volumes and not volume.external:
                self._provisioner.create_volume(volume.name, labels(manifest))
        if planned.secrets:
            secrets.ensure(manifest, self._provisioner, frozenset(planned.secrets))
