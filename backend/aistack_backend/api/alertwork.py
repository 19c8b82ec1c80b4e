"""The wiring of metrics and alarms."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aistack_backend.api.parts import Parts
from aistack_backend.containers.ladder.reach import ANYWHERE, own_address
from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.observe.alerts import rules as reading
from aistack_backend.observe.alerts.judge import Judge
from aistack_backend.observe.alerts.prometheus import NAME, Prometheus
from aistack_backend.observe.alerts.service import Alerts
from aistack_backend.observe.dashboard import dashboard
from aistack_backend.observe.measured import Measured, providers
from aistack_backend.observe.metrics import Reading
from aistack_backend.observe.notify.models import Alarm
from aistack_backend.store.database import Database
from aistack_backend.wire.dashboard import Dashboard
from aistack_backend.wire.events import Topic
from aistack_backend.wire.stack import Provision, Service, Stack

log = logging.getLogger(__name__)
PORT = 9090
TOLD = 10
"""Alarms of one look that are told one by one."""


def measured(parts: Parts, database: Database) -> Measured:
    """Return what gives every number."""

    def more() -> Iterator[Reading]:
        if parts.audit.part is not None:
            yield Reading("aistack_audit_writable", float(not parts.audit.part.writable()))
        if (engine := parts.engine.part) is not None:
            yield Reading("aistack_engine_running", float(engine.running))
        if parts.providers.part is not None:
            yield from providers(parts.providers.part.list())
        if parts.traces.part is not None and (told := parts.traces.part.sending()) is not None:
            yield Reading("aistack_spans_lost_total", told.lost)

    return Measured(database, parts.bus, parts.clock, (more,))


def board(parts: Parts) -> Dashboard:
    """Measure now and return the dashboard. Blocks on SQL.

    Raises:
        Unavailable: what measures is still starting.
    """
    return dashboard(parts.measured.get().now(), parts.bus, parts.clock.now())


def alerts(parts: Parts, database: Database) -> Alerts:
    """Return the alarms; rules that cannot be used are told in the list, and ours go on without them."""
    wish, fault = parts.settings.config.alerts, ""
    found = reading.load(reading.bundled())
    try:
        if wish.rules:
            found = reading.load(reading.bundled(), Path(wish.rules).expanduser())
    except BackendError as error:
        fault = error.detail
        log.warning("%s", fault)
    far = Prometheus(lambda: where(parts), parts.clock)
    measure = parts.measured.get().now
    return Alerts(
        database, parts.audit.get(), parts.bus, parts.clock, Judge(found), measure, far.poll, lambda: held(parts), fault
    )


def held(parts: Parts) -> bool:
    """Whether the whole stack is held for maintenance."""
    stack: Stack | None = parts.bus.latest(Topic.STACK)
    return stack is not None and stack.hold


def where(parts: Parts) -> tuple[str, int]:
    """Return where the stack's Prometheus answers.

    Raises:
        Unavailable: it does not run, or nobody knows where.
    """
    stack: Stack | None = parts.bus.latest(Topic.STACK)
    service = next((one for one in stack.services if one.id == NAME), None) if stack else None
    if service is not None and service.provision is Provision.EXTERNAL:
        far = urlsplit(service.provided_by)
        if far.scheme == "http" and far.hostname:
            return far.hostname, far.port or 80
    if service is None or service.provision is not Provision.CONTAINER or not service.container_id:
        raise Unavailable("The stack's Prometheus does not run.", "Start it: aistack-console up prometheus")
    return _address(parts, service)


def _address(parts: Parts, service: Service) -> tuple[str, int]:
    found = parts.podman.get().inspect(service.container_id)
    for published in found.container.ports:
        if published.container_port == PORT and published.protocol == "tcp" and published.host_port:
            return ANYWHERE.get(published.host_ip, published.host_ip), published.host_port
    if address := own_address(found.document):
        return address, PORT
    raise Unavailable("The stack's Prometheus has no address that can be reached from here.", "Look at Services.")


async def begin(parts: Parts, database: Database, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    """Bring metrics and alarms up, and have every rule looked at for ever."""
    parts.measured.part = measured(parts, database)
    parts.alerts.part = made = await asyncio.to_thread(alerts, parts, database)
    spawn(watch(parts, made))


async def watch(parts: Parts, made: Alerts) -> None:
    """Look at every rule again and again, and tell people of what is new; for ever."""
    while True:
        try:
            news = await asyncio.to_thread(made.look)
        except BackendError as error:
            log.warning("the rules of alarms could not be looked at: %s", error.detail)
        else:
            if len(news) > TOLD:
                log.warning("%s alarms at once; %s of them are told", len(news), TOLD)
            for one in news[:TOLD] if parts.notifier else ():
                await parts.notifier.tell(Alarm.of(one))  # type: ignore[union-attr]
        await asyncio.sleep(parts.settings.config.alerts.every)
