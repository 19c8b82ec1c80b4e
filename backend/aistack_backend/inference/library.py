"""The models of this machine as people meet them: what lies where, what was measured, and what is known by and by."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError
from aistack_backend.inference.cards import Room
from aistack_backend.inference.digests import Digests, Wanted
from aistack_backend.inference.models import InferenceSettings
from aistack_backend.inference.shelf import Shelf
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.models import EngineState, ModelCard, ModelStatus
from aistack_backend.wire.shelf import ModelDetail, ModelShelf

MOST_CARDS = 400
"""Cards on the wire; whoever wants another asks for it by its id."""


class Library:
    """Publishes SHELF when something changed. ``shelf``, ``detail``, ``look`` and ``usable`` may be called from any
    thread, and read the disk; the rest belongs to one event loop."""

    def __init__(self, shelf: Shelf, settings: InferenceSettings, bus: Bus, clock: Clock) -> None:
        self._shelf, self._settings, self._bus, self._clock = shelf, settings, bus, clock
        self._digests = Digests(self._hashed, self._answering)
        self._at: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Look through the stores in the background, and follow which model is loaded."""
        self._spawn(self._begin())
        self._spawn(self._follow())

    async def stop(self) -> None:
        """End what runs in the background."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._digests.stop)

    def look(self) -> ModelShelf:
        """Look through every store anew."""
        self._shelf.look()
        self._at = self._clock.now()
        self._digests.want(
            Wanted(one.facts.size, one.facts.key, one.path)
            for one in self._shelf.entries
            if one.facts.key and one.parts == 1 and not one.facts.sha256
        )
        return self._publish()

    def shelf(self) -> ModelShelf:
        """Return every model as it is known now, bounded; what fits is measured now."""
        cards = sorted(self._shelf.all(self._room()), key=_order)
        return ModelShelf(
            at=self._at,
            cards=tuple(cards[:MOST_CARDS]),
            left_out=max(len(cards) - MOST_CARDS, 0),
            looks=self._shelf.looks,
            hashing=self._digests.waiting,
        )

    def detail(self, card_id: str) -> ModelDetail:
        """Return one model and what was measured of it.

        Raises:
            NotFound: there is no such model.
        """
        self._shelf.path(card_id)
        card = next((one for one in self._shelf.all(self._room()) if one.id == card_id), None)
        if card is None:  # the one used last, which no store has any more
            self._shelf.look()
            card = next(one for one in self._shelf.all(self._room()) if one.id == card_id)
        return ModelDetail(card=card)

    def usable(self, card_id: str) -> None:
        """Say no to a model that is not here or cannot chat; see :meth:`Shelf.usable`."""
        self._shelf.usable(card_id)

    def _room(self) -> Room:
        status: ModelStatus | None = self._bus.latest(Topic.MODEL)
        active = next((card.id for card in status.cards if card.active), "") if status else ""
        sample: HostSample | None = self._bus.latest(Topic.HOST)
        free = [
            one.memory_total - one.memory_used
            for one in (sample.gpus if sample else ())
            if one.memory_total is not None and one.memory_used is not None
        ]
        return Room.measure(active, self._settings.context, max(free, default=None))

    async def _begin(self) -> None:
        with suppress(BackendError):  # what earlier backends found out is found out anew then
            await asyncio.to_thread(self._shelf.facts.begin)
        await asyncio.to_thread(self.look)

    async def _follow(self) -> None:
        before = None
        async for event in self._bus.read():
            if event.topic is not Topic.MODEL:
                continue
            status: ModelStatus = event.data
            now = (status.engine is EngineState.READY, tuple((card.path, card.active) for card in status.cards))
            if now != before and self._at is not None:
                before = now
                await asyncio.to_thread(self._publish)

    def _publish(self) -> ModelShelf:
        found = self.shelf()
        before: ModelShelf | None = self._bus.latest(Topic.SHELF)
        if before is None or replace(found, at=before.at) != before or found.at != before.at:
            self._bus.publish(Topic.SHELF, found)
        return found

    def _hashed(self, key: str, sha256: str) -> None:
        self._shelf.facts.hashed(key, sha256)
        self._shelf.sort_again()
        self._publish()

    def _answering(self) -> bool:
        status: ModelStatus | None = self._bus.latest(Topic.MODEL)
        return status is not None and status.engine is EngineState.BUSY

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _order(card: ModelCard) -> tuple[bool, bool, bool, int]:
    """Loaded first, then what can chat, then what is here, then the offered ones; smaller before larger."""
    return (not card.active, not card.path, bool(card.cannot_chat), card.size)
