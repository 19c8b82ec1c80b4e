"""The status board: what every part says about itself, put together and published when it changes."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from aistack_backend import __version__
from aistack_backend.api.parts import Late, Parts
from aistack_backend.wire.actions import ApprovalList, ApprovalState
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.models import EngineState, ModelStatus
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.status import Status

EVERY = 1.0
"""Seconds between two looks at the parts."""
OFF = "Approvals are switched off: low to high risk runs unasked; destructive actions still ask."
MODEL_STATES = {
    EngineState.READY: SourceState.OK,
    EngineState.BUSY: SourceState.OK,
    EngineState.LOADING: SourceState.CONNECTING,
    EngineState.PREPARING: SourceState.CONNECTING,
    EngineState.NO_MODEL: SourceState.ABSENT,
    EngineState.ABSENT: SourceState.ABSENT,
}
"""What is in none of these is FAILED."""


def status_of(parts: Parts, operator: str) -> Status:
    """Return the backend's status for one operator, from what the parts last said; measures nothing itself."""
    pending: ApprovalList | None = parts.bus.latest(Topic.APPROVALS)
    waiting = [a for a in pending.approvals if a.state is ApprovalState.PENDING] if pending else []
    return Status(
        version=__version__,
        epoch=parts.bus.epoch,
        pid=os.getpid(),
        started_at=parts.started_at,
        data_dir=str(parts.settings.data_dir),
        hostname=socket.gethostname(),
        operator=operator,
        threshold=parts.settings.threshold,
        require_approval=parts.settings.require_approval,
        pending_approvals=len(waiting),
        sources=tuple(sources(parts)),
        banner=banner(parts),
    )


def banner(parts: Parts) -> str:
    """Return the sentence that must stay on screen; empty = none."""
    said = [parts.audit.fault]
    if parts.audit.part is not None:
        said.append(parts.audit.part.writable() or parts.audit.part.low_space())
    said.append("" if parts.settings.require_approval else OFF)
    return " ".join(sentence for sentence in said if sentence)


def sources(parts: Parts) -> Iterator[Source]:
    """Yield every source of measurements and how it is doing."""
    if parts.containers.part is not None:
        fleet = parts.containers.part.fleet()
        yield fleet.source
        yield from (host.source for host in fleet.hosts)
    else:
        yield late_source(parts, "podman", parts.containers)
    if parts.host.part is not None:
        yield parts.host.part.source()
    sample: HostSample | None = parts.bus.latest(Topic.HOST)
    if sample and sample.gpu_source:
        yield sample.gpu_source
    model: ModelStatus | None = parts.bus.latest(Topic.MODEL)
    yield _model(parts, model) if model else late_source(parts, "model", parts.inference)
    yield _engine(parts)
    if parts.doors.part is not None and (fault := parts.doors.part.fault()):
        yield Source(name="roles", state=SourceState.FAILED, since=parts.started_at, detail=fault)
    if parts.notifier is not None:
        yield from parts.notifier.sources()
    if parts.recorder.part is not None:
        yield parts.recorder.part.source()


def late_source(parts: Parts, name: str, late: Late[Any]) -> Source:
    """Return the source of a part that is not there yet, or could not start."""
    state = SourceState.FAILED if late.fault else SourceState.CONNECTING
    return Source(name=name, state=state, since=parts.started_at, detail=late.fault)


def _model(parts: Parts, model: ModelStatus) -> Source:
    state = MODEL_STATES.get(model.engine, SourceState.FAILED)
    now = parts.clock.now() if state is SourceState.OK else None
    return Source(name="model", state=state, since=model.since, last_ok=now, detail=model.detail, hint=model.hint)


def _engine(parts: Parts) -> Source:
    engine = parts.engine.part
    if engine is None:
        return late_source(parts, "engine", parts.engine)
    state = SourceState.OK if engine.running else SourceState.FAILED if engine.failure else SourceState.CONNECTING
    return Source(name="engine", state=state, since=parts.started_at, detail=engine.failure)


async def publish_changes(parts: Parts, every: float = EVERY) -> None:
    """Publish STATUS now and whenever it changes, for ever. Mere ages (``last_ok``) are no change."""
    user = pwd.getpwuid(os.getuid()).pw_name
    before: Status | None = None
    while True:
        status = await asyncio.to_thread(status_of, parts, user)
        if before is None or _essence(status) != _essence(before):
            parts.bus.publish(Topic.STATUS, status)
            before = status
        await asyncio.sleep(every)


def _essence(status: Status) -> Status:
    return replace(status, sources=tuple(replace(source, last_ok=None) for source in status.sources))
