"""The wiring: which part is made of what, in which order they come up, and in which they go down.

The socket answers as soon as the store is open. What is slow to import or to reach follows in the background, each
part on its own: one that fails says so in the status and takes no other with it.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from aistack_backend import __version__
from aistack_backend.api.board import publish_changes
from aistack_backend.api.diagnosis import running
from aistack_backend.api.encode import Encoder
from aistack_backend.api.parts import Late, Parts
from aistack_backend.api.roles.embedded import Doors, Sites
from aistack_backend.api.service import assemble
from aistack_backend.approvals.people import configured
from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.request import Limits
from aistack_backend.approvals.service import Approvals
from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.observe.doctor import Doctor
from aistack_backend.observe.host import HostWatcher
from aistack_backend.observe.notify.models import Way
from aistack_backend.observe.notify.service import Notifier, ways
from aistack_backend.observe.recorder import Recorder
from aistack_backend.observe.traces import address
from aistack_backend.settings import Settings
from aistack_backend.store.database import Database
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.events import Topic

if TYPE_CHECKING:
    from aistack_backend.containers.port import Podman

log = logging.getLogger(__name__)
RETRY = 5.0
"""Seconds until a store that could not be opened is tried again."""
EXPIRE_EVERY = 1.0
"""Seconds between two looks for approvals whose time is over."""


def build(settings: Settings, make_podman: Callable[[Settings], Podman] | None = None) -> FastAPI:
    """Return the application; its lifespan brings the parts up and down.

    ``make_podman`` makes another Podman than the real one (the in-memory adapter).

    Raises:
        BadInput: the policy, the webhook or the address for spans of the configuration cannot be; one sentence.
    """
    told = ways(settings.config.notify, SystemClock())
    if settings.config.traces.otlp:
        address.checked(settings.config.traces.otlp)
    config = settings.config
    policy = Policy(settings.threshold, two=configured(config.approvals, named=bool(config.operators)))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        bus = Bus()
        stopping = getattr(app.state, "stopping", None) or asyncio.Event()
        app.state.parts = parts = Parts(
            settings=settings,
            clock=SystemClock(),
            bus=bus,
            encoder=Encoder(bus.epoch),
            stopping=stopping,
            stop=getattr(app.state, "stop", stopping.set),
            started_at=time.time(),
        )
        async with Wiring(parts, policy, told, app.state.sites, make_podman):
            yield

    return assemble(lifespan)


class Wiring:
    """Brings the parts up, and down in the opposite order."""

    def __init__(
        self,
        parts: Parts,
        policy: Policy,
        ways: Sequence[Way],
        sites: Sites,
        make_podman: Callable[[Settings], Podman] | None = None,
    ) -> None:
        self._parts = parts
        self._policy = policy
        self._ways = ways
        self._sites = sites
        self._make_podman = make_podman
        self._downs = AsyncExitStack()
        self._database: Database | None = None
        self._follow: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        """Open the store and the roles' doors and return; everything else follows."""
        await self._step(self._store, self._parts.audit, self._parts.approvals)
        await self._step(self._doors, self._parts.doors)
        self._follow = asyncio.create_task(self._rest())

    async def __aexit__(self, *_: object) -> None:
        """Stop every part that is up."""
        if self._follow:
            self._follow.cancel()
            await asyncio.gather(self._follow, return_exceptions=True)
        await self._downs.aclose()

    async def _rest(self) -> None:
        parts = self._parts
        self._spawn(publish_changes(parts))
        await self._step(self._traces, parts.traces)
        await self._step(self._watchers, parts.host, parts.recorder, parts.doctor)
        await asyncio.to_thread(importlib.import_module, "aistack_backend.api.latecomers")
        from aistack_backend.api import alertwork, backupwork, certificatework, latecomers, learnwork, stackwork

        make, downs = self._make_podman or latecomers.real_podman, self._downs
        await self._step(lambda: latecomers.containers(parts, downs, make), parts.containers, parts.podman)
        while (database := self._database) is None or parts.approvals.part is None:
            await asyncio.sleep(RETRY)
            await self._step(self._store, parts.audit, parts.approvals)
            await self._step(self._traces, parts.traces)
        self._spawn(self._expire(parts.approvals.part))
        parts.notifier = Notifier(self._ways, parts.bus, parts.audit.get(), parts.clock)
        self._spawn(parts.notifier.run())
        await self._step(lambda: alertwork.begin(parts, database, self._spawn), parts.measured, parts.alerts)
        await self._step(lambda: latecomers.knowledge(parts, downs, database), parts.knowledge)
        await self._step(lambda: learnwork.learning(parts, downs, database), parts.learning)
        await self._step(lambda: latecomers.federation(parts, database), parts.federation)
        await self._step(lambda: latecomers.nixos(parts, database), parts.nixos)
        await self._step(lambda: latecomers.providers(parts, downs, database), parts.providers)
        await self._step(lambda: latecomers.routing(parts, database), parts.routing)
        up = (parts.inference, parts.library, parts.talk)
        await self._step(lambda: latecomers.model(parts, downs, database), *up)
        runs = (parts.engine, parts.tasks, parts.loops, parts.flows, parts.stack, parts.training)
        await self._step(lambda: latecomers.execution(parts, downs, database), *runs)
        if (stack := parts.stack.part) is not None:
            self._spawn(backupwork.schedule(parts, stack.backups, stack.manifest))
            self._spawn(certificatework.watch(parts, stack.certificates))
            self._spawn(stackwork.traffic(stack))
            if parts.settings.config.stack.heal:
                self._spawn(stackwork.heal(parts, stack, database))
        if parts.podman.part is not None:
            self._spawn(latecomers.sandbox(parts.podman.part, parts.settings.config.podman.sandbox_image))

    async def _step(self, bring_up: Callable[[], Coroutine[Any, Any, None]], *makes: Late[Any]) -> None:
        """Bring one part up; when that fails, say so in the parts that it would have made."""
        try:
            await bring_up()
            fault = ""
        except BackendError as error:
            fault = error.detail
            log.warning("%s did not come up: %s", makes[0].name, fault)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
            log.exception("%s did not come up", makes[0].name)
        for late in makes:
            late.fault = fault

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._downs.push_async_callback(asyncio.wait, {task})
        self._downs.callback(task.cancel)

    def _down(self, stop: Callable[..., Any], *arguments: Any) -> None:
        """Have a blocking ``stop`` called in a thread when it is this part's turn to go."""
        self._downs.push_async_callback(asyncio.to_thread, stop, *arguments)

    async def _store(self) -> None:
        await asyncio.to_thread(self._open_store)

    def _open_store(self) -> None:
        parts, settings = self._parts, self._parts.settings
        if self._database is None:
            self._database = Database(settings.database_url)
            self._down(self._database.close)
        audit = AuditLog(self._database, settings.data_dir / "audit", parts.clock, bus=parts.bus)
        self._down(audit.close)
        most = settings.config.approvals.most_a_minute
        limits = Limits(decide=settings.approval_ttl, start=settings.start_ttl, most_a_minute=most)
        approvals = Approvals(self._database, audit, self._policy, parts.clock, parts.bus, limits)
        parts.audit.part, parts.approvals.part = audit, approvals
        parts.bus.publish(Topic.APPROVALS, approvals.list())
        self._note("backend.start", audit)
        self._down(self._note, "backend.stop", audit)

    async def _traces(self) -> None:
        if self._database is None:
            raise Unavailable("There is no database to keep them in yet.")
        module = await asyncio.to_thread(importlib.import_module, "aistack_backend.api.tracework")
        self._parts.traces.part = kept = module.traces(self._parts, self._database)
        self._down(kept.stop)

    def _note(self, kind: str, audit: AuditLog) -> None:
        """Write down that we start or stop, and how the gate is set."""
        settings = self._parts.settings
        detail = {"pid": os.getpid(), "version": __version__, "threshold": settings.threshold}
        try:
            audit.note(phase=Phase.NOTE, actor="backend", kind=kind, detail=detail)
        except BackendError as error:
            log.warning("%s could not be audited: %s", kind, error.detail)

    async def _doors(self) -> None:
        self._parts.doors.part = doors = Doors(self._parts.settings, self._sites)
        self._downs.push_async_callback(doors.close)
        await doors.open()

    async def _watchers(self) -> None:
        parts, settings = self._parts, self._parts.settings
        host = HostWatcher(parts.bus, parts.clock, {"data": settings.data_dir, "root": Path("/")})
        room = settings.config.backend.recorder_megabytes * 1024 * 1024
        recorder = Recorder(settings.data_dir / "recorder.db", parts.bus, parts.clock, max_bytes=room)
        for part in (recorder, host):
            part.start()
            self._down(part.stop)
        parts.host.part, parts.recorder.part = host, recorder
        parts.doctor.part = Doctor(running(parts))

    async def _expire(self, approvals: Approvals) -> None:
        while True:
            await asyncio.sleep(EXPIRE_EVERY)
            try:
                await asyncio.to_thread(approvals.expire_due)
            except BackendError as error:
                log.warning("Expiry could not be written: %s", error.detail)
