"""Tell of each approval that waits, once, by every configured way; a way that fails says so and stops nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError
from aistack_backend.observe.notify.desktop import Desktop
from aistack_backend.observe.notify.models import Alarm, News, Way, news_of
from aistack_backend.wire.actions import Approval, ApprovalList, ApprovalState
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.config import NotifyConfig
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import Source, SourceState

log = logging.getLogger(__name__)
SETTLED = 1.0
"""Seconds that an approval must have waited: one's own action is asked and decided at once, and no news."""
QUEUED = 100
"""News that wait for their turn; more are counted and let go."""


def ways(wish: NotifyConfig, clock: Clock) -> tuple[Way, ...]:
    """Return the configured ways.

    Raises:
        BadInput: the webhook's URL or key cannot be; one sentence.
    """
    found: list[Way] = [Desktop()] if wish.desktop else []
    if wish.webhook:
        from aistack_backend.observe.notify.webhook import Webhook, checked, key_of  # httpx, for those who want it

        found.append(Webhook(checked(wish.webhook), key_of(wish.webhook_key_file), clock))
    return tuple(found)


class Notifier:
    """Follows the bus for ever; ``sources`` say how each way is doing."""

    def __init__(self, found: Sequence[Way], bus: Bus, audit: AuditLog, clock: Clock, settled: float = SETTLED) -> None:
        self._ways, self._bus, self._audit, self._clock, self._settled = found, bus, audit, clock, settled
        self._queue: asyncio.Queue[int] = asyncio.Queue(QUEUED)
        self.dropped = 0
        """News that nobody was told, because too many came at once."""
        begun = Source(name="", state=SourceState.UNKNOWN, since=clock.now(), detail="Nothing was sent yet.")
        self._sources = {way.name: replace(begun, name=way.name) for way in found}

    def sources(self) -> tuple[Source, ...]:
        """Return each way's state: of the last thing that it was to tell."""
        return tuple(self._sources.values())

    async def run(self) -> None:
        """Take in what waits and tell it, until cancelled."""
        if not self._ways:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_in())
            group.create_task(self._work())

    async def _take_in(self) -> None:
        known: set[int] | None = None
        async for event in self._bus.read():
            if event.topic is not Topic.APPROVALS:
                continue
            ids = {one.id for one in _pending(event.data)}
            for number in sorted(ids - (ids if known is None else known)):
                try:
                    self._queue.put_nowait(number)
                except asyncio.QueueFull:
                    self.dropped += 1
            known = (known or set()) | ids

    async def _work(self) -> None:
        while True:
            number = await self._queue.get()
            await asyncio.sleep(self._settled)
            waiting = next((one for one in _pending(self._bus.latest(Topic.APPROVALS)) if one.id == number), None)
            if waiting is not None:
                await asyncio.gather(*(self._tell(way, news_of(waiting)) for way in self._ways))

    async def tell(self, alarm: Alarm) -> None:
        """Tell of an alarm now, by every way."""
        await asyncio.gather(*(self._tell(way, alarm) for way in self._ways))

    async def _tell(self, way: Way, news: News | Alarm) -> None:
        try:
            why = await asyncio.to_thread(way.tell, news)
        except Exception as error:  # a way that breaks must not end the others
            log.exception("%s broke", way.name)
            why = f"{way.name} broke ({type(error).__name__})."
        await asyncio.to_thread(self._note, way, news, why)

    def _note(self, way: Way, news: News | Alarm, why: str) -> None:
        now = self._clock.now()
        before = self._sources[way.name]
        state = SourceState.FAILED if why else SourceState.OK
        since = before.since if before.state is state else now
        lost = f" {self.dropped} news were let go: too many came at once." if self.dropped else ""
        hint = "See [notify] in docs/config.md." if why else ""
        last = before.last_ok if why else now
        self._sources[way.name] = Source(
            name=way.name, state=state, since=since, last_ok=last, detail=f"{why}{lost}".strip(), hint=hint
        )
        try:
            self._audit.note(
                phase=Phase.NOTE,
                actor="backend",
                via="auto",
                kind=f"notify.{way.name}",
                **news.subject,
                outcome=f"failed: {why}" if why else "sent",
            )
        except BackendError as error:
            log.warning("what %s did could not be recorded: %s", way.name, error.detail)


def _pending(found: ApprovalList | None) -> tuple[Approval, ...]:
    return tuple(one for one in found.approvals if one.state is ApprovalState.PENDING) if found else ()
