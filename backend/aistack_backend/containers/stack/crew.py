"""The services of one boot, each on its own way to ready, or to its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from aistack_backend.containers.aside import Breaker, look, to_the_end
from aistack_backend.containers.failures import PodmanSays
from aistack_backend.containers.ladder.port import Climb
from aistack_backend.containers.models import Image
from aistack_backend.containers.parse import RUNS
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.secrets import scrub_text
from aistack_backend.containers.stack import gates
from aistack_backend.containers.stack.gates import NotReady
from aistack_backend.containers.stack.models import Condition, Manifest, Needs, ServiceDecl
from aistack_backend.containers.stack.plan import ACTING, Planned, Step, once
from aistack_backend.containers.stack.progress import Progress
from aistack_backend.containers.stack.spec import CONFIG, ours, spec
from aistack_backend.errors import BackendError, NotFound
from aistack_backend.wire.boot import BootRow, Stage, StepKind
from aistack_backend.wire.containers import Container, ContainerState

log = logging.getLogger(__name__)
AT_ONCE = 4
"""Services that are created, started or stopped at the same time; waiting for ready is not counted."""
APPEARS = 10
"""Looks, a second apart, for a container that Podman is still making."""
TAIL = 12
"""Log lines of a service that failed."""


class Crew:
    """The services of one boot, each on its own way."""

    def __init__(
        self,
        podman: Podman,
        provisioner: Provisioner,
        climb: Climb,
        manifest: Manifest,
        planned: Planned,
        progress: Progress,
        nudge: Callable[[str], None],
    ) -> None:
        self._podman = podman
        self._provisioner = provisioner
        self._climb = climb
        self._manifest = manifest
        self._once = once(manifest)
        self._progress = progress
        self._nudge = nudge
        self._hands = asyncio.Semaphore(AT_ONCE)
        self._images: dict[str, asyncio.Lock] = {}
        loop = asyncio.get_running_loop()
        ids = [step.service.id for step in planned.steps]
        self._running: dict[str, asyncio.Future[bool]] = {key: loop.create_future() for key in ids}
        self._ready: dict[str, asyncio.Future[bool]] = {key: loop.create_future() for key in ids}
        self._steps = planned.steps
        self._removing = planned.verb == "down"

    async def work(self, step: Step) -> None:
        """Take one service to its end; never raises but when cancelled."""
        key = step.service.id
        try:
            await (self._take_down(step) if self._removing else self._bring_up(step))
            self._settle(key, True)
        except (BackendError, NotReady) as error:
            said = error.detail if isinstance(error, BackendError) else str(error)
            await self._fail(step, said)
        except asyncio.CancelledError:
            self._settle(key, False)
            raise
        except Exception as error:  # of ours, or a surprise of Podman's: the others go on, and the boot ends
            log.exception("the boot of %s broke", key)
            await self._fail(step, f"It broke: {type(error).__name__}: {error}")

    async def confirm(self) -> None:
        """Look once more at what got ready: a service that ended since was not ready for good."""
        if self._removing:
            return
        there = {one.name: one for one in await look(self._podman.list)}
        for step in self._steps:
            key, found = step.service.id, there.get(step.service.container)
            good = self._row(key).stage in (Stage.READY, Stage.UNCHANGED)
            if good and key not in self._once and (found is None or found.state not in RUNS):
                how = f"with exit code {found.exit_code}" if found else "and its container is gone"
                await self._fail(step, f"It got ready, and then it ended {how}.")

    async def _fail(self, step: Step, said: str) -> None:
        tail = await look(lambda: self._tail(step.service.container))
        self._progress.stage(step.service.id, Stage.FAILED, said, tail)
        self._settle(step.service.id, False)

    async def _bring_up(self, step: Step) -> None:
        service = step.service
        if step.kind in ACTING:
            for needs in service.needs:
                await self._wait_for(needs)
            image = await self._image(step)
            async with self._hands:
                await to_the_end(lambda: self._start(step, image))
            self._progress.stage(service.id, Stage.RUNNING)
        if not self._running[service.id].done():
            self._running[service.id].set_result(True)
        seconds = gates.limit(service, self._row(service.id).expected)
        if service.id in self._once:
            await gates.completed(self._podman, service, seconds)
        else:
            await gates.ready(
                self._climb,
                service,
                seconds,
                lambda stage: self._reach(service.id, stage),
                lambda said: self._progress.say(service.id, said),
            )
        self._progress.stage(service.id, Stage.READY if step.kind in ACTING else Stage.UNCHANGED)

    async def _wait_for(self, needs: Needs) -> None:
        started = needs.condition is Condition.STARTED
        future = (self._running if started else self._ready).get(needs.service)
        if future is not None and not await asyncio.shield(future) and needs.required:
            raise NotReady(f"It needs {needs.service}, which {'did not start' if started else 'did not get ready'}.")

    async def _image(self, step: Step) -> str:
        service = step.service
        if step.image_id:
            return step.image_id
        breaker = Breaker()
        async with self._images.setdefault(service.image, asyncio.Lock()):
            found = await to_the_end(lambda: self._get_image(service, breaker), on_cancel=breaker.trip)
        self._progress.stage(service.id, Stage.PULLED)
        return found.id

    def _get_image(self, service: ServiceDecl, breaker: Breaker) -> Image:
        try:
            return self._podman.image(service.image)
        except NotFound:
            pass

        def say(line: str) -> None:
            self._progress.say(service.id, line)

        if build := service.build:
            args = dict(build.args)
            return self._provisioner.build(build.context, build.dockerfile, service.image, args, say, breaker)
        return self._provisioner.pull(service.image, say, breaker)

    def _start(self, step: Step, image: str) -> None:
        service, ident = step.service, step.container_id
        if step.kind is StepKind.RECREATE:
            self._clear(step)
        if step.kind is not StepKind.START:
            ident = self._create(service, image)
            self._progress.stage(service.id, Stage.CREATED)
        try:
            self._podman.start(ident)
        except PodmanSays:  # it may be starting it already, because a killed backend asked for that
            if self._podman.inspect(ident).container.state is not ContainerState.RUNNING:
                raise
        finally:
            self._nudge(ident)

    def _create(self, service: ServiceDecl, image: str) -> str:
        wish = spec(self._manifest, service, image)
        try:
            return self._provisioner.create_service(wish)
        except PodmanSays as said:
            if "in use" not in said.detail:
                raise
            # Podman may have gone on with what a killed backend asked: then it is here soon, exactly as wished.
            found = self._appears(service.container)
            if found is None or not ours(self._manifest, service, found) or found.image_id != image:
                raise
            if found.labels.get(CONFIG) != wish.labels[CONFIG]:
                raise
            return found.id

    def _appears(self, name: str) -> Container | None:
        """Return a container whose name is taken: Podman lists it only once it is made."""
        for _ in range(APPEARS):
            if found := next((one for one in self._podman.list() if one.name == name), None):
                return found
            time.sleep(1.0)
        return None

    async def _take_down(self, step: Step) -> None:
        for key in self._row(step.service.id).waits_for:
            await asyncio.shield(self._ready[key])
        async with self._hands:
            await to_the_end(lambda: self._clear(step))
        self._progress.stage(step.service.id, Stage.STOPPED)

    def _row(self, key: str) -> BootRow:
        return next(row for row in self._progress.boot.rows if row.service == key)

    def _clear(self, step: Step) -> None:
        """Stop and remove the container that is there; its volumes stay."""
        try:
            self._podman.stop(step.container_id, max(1, round(step.service.stop_grace)))
            self._podman.remove(step.container_id)
        except NotFound:
            pass
        finally:
            self._nudge(step.container_id)

    def _reach(self, key: str, stage: Stage) -> None:
        if all(mark.stage is not stage for mark in self._row(key).marks):
            self._progress.stage(key, stage)

    def _tail(self, container: str) -> tuple[str, ...]:
        try:
            feed = self._podman.logs(container, tail=TAIL, since=None, follow=False)
            return tuple(scrub_text(line.text) for batch in feed for line in batch)[-TAIL:]
        except BackendError:
            return ()

    def _settle(self, key: str, good: bool) -> None:
        for futures in (self._running, self._ready):
            if not futures[key].done():
                futures[key].set_result(good)
