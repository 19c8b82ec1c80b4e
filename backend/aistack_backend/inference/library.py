"""The models of this machine as people meet them: what lies where, what was measured, and what is known by and by."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, Conflict, NotFound, Refused
from aistack_backend.inference.bench import Answer, Bench
from aistack_backend.inference.cards import Room
from aistack_backend.inference.digests import Digests, Wanted
from aistack_backend.inference.fetching import Fetches, Unfinished
from aistack_backend.inference.gpus import free_memory
from aistack_backend.inference.measures import Measures
from aistack_backend.inference.models import InferenceSettings, Piece
from aistack_backend.inference.removing import remove_ours
from aistack_backend.inference.shelf import Shelf
from aistack_backend.inference.source import read
from aistack_backend.inference.stores import OURS
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState, ModelCard, ModelStatus, StageState
from aistack_backend.wire.shelf import FetchRequest, Measured, ModelDetail, ModelShelf

EVERY = 30.0
"""Seconds between two answers whose figures are kept."""
QUIET = 1.0
"""Seconds between two lists that differ in progress alone."""
LEAST = 8
"""Tokens of an answer that says something about speed."""
MOST_CARDS = 400
"""Cards on the wire; whoever wants another asks for it by its id."""


class Library:
    """Publishes SHELF when something changed. ``shelf``, ``detail``, ``look`` and ``usable`` may be called from any
    thread, and read the disk; the rest belongs to one event loop."""

    def __init__(
        self,
        shelf: Shelf,
        settings: InferenceSettings,
        bus: Bus,
        clock: Clock,
        cache: Path,
        measures: Measures,
        answer: Answer,
        use: Callable[[str], Coroutine[Any, Any, object]],
    ) -> None:
        """``answer`` asks the loaded model, for the bench; ``use`` loads one, when none is loaded and one has come."""
        self._shelf, self._settings, self._bus, self._clock = shelf, settings, bus, clock
        self._cache, self._measures = cache, measures
        self._fetches = Fetches(cache, settings.fetch_most, clock, self._changed)
        self._bench = Bench(answer, clock)
        self._benching, self._kept = False, float("-inf")
        self._use = use
        self._told = float("-inf")
        self._states: list[tuple[str, StageState]] = []
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
        await self._fetches.stop()
        await asyncio.to_thread(self._digests.stop)
        await asyncio.to_thread(self._shelf.facts.save)

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
        cards = sorted(self._all(), key=_order)
        here, rest = [card for card in cards if card.path], tuple(card for card in cards if not card.path)
        shown = tuple(here[: max(MOST_CARDS - len(rest), 0)])
        return ModelShelf(
            at=self._at,
            cards=(*shown, *rest),
            left_out=len(here) - len(shown),
            looks=self._shelf.looks,
            stages=self._fetches.stages(),
            hashing=self._digests.waiting,
        )

    def detail(self, card_id: str) -> ModelDetail:
        """Return one model and what was measured of it.

        Raises:
            NotFound: there is no such model.
        """
        return ModelDetail(card=self._card(card_id), measured=self._measures.of(card_id))

    async def fetch(self, card_id: str) -> None:
        """Begin to fetch a model of the catalogue, or go on with one that broke off.

        Raises:
            NotFound: there is no such model. Conflict: it is here, or on its way.
        """
        begun = await asyncio.to_thread(self._fetches.unfinished)
        if one := next((one for one in begun if one.id == card_id), None):
            self._fetches.begin(one.source, self.look)
        elif await asyncio.to_thread(self._shelf.path, card_id):
            raise Conflict(f"{card_id} is here already.", "Use it.")
        else:
            loop = asyncio.get_running_loop()
            self._fetches.catalogue(self._shelf.model(card_id), lambda: self._came(card_id, loop))
        await asyncio.to_thread(self._publish)

    def _came(self, card_id: str, loop: asyncio.AbstractEventLoop) -> None:
        """A model of the catalogue has come: it is loaded when there was none to load."""
        self.look()
        status: ModelStatus | None = self._bus.latest(Topic.MODEL)
        if self._shelf.model(card_id).kind != "chat":
            return
        if status and status.engine is EngineState.NO_MODEL and self._shelf.path(card_id):
            asyncio.run_coroutine_threadsafe(self._use(card_id), loop)

    async def fetch_from(self, request: FetchRequest) -> ModelDetail:
        """Begin to fetch a model by URL or hub name.

        Raises:
            BadInput: it names none. Conflict: it is here, or on its way.
        """
        source = read(request.source, self._settings.hub, request.sha256)
        card_id = self._fetches.begin(source, self.look)
        await asyncio.to_thread(self._publish)
        folder = self._cache / "models" / "fetched" / source.key
        return ModelDetail(card=Unfinished(source, folder).card(card_id in self._fetches.running))

    def cancel(self, card_id: str) -> None:
        """Stop a fetch; NotFound when there is none under that id."""
        self._fetches.cancel(card_id)

    def remove(self, card_id: str, typed_name: str) -> ModelShelf:
        """Remove a model from our own cache.

        Raises:
            NotFound: there is no such model. Refused: it is not ours, or was not named.
            Conflict: it is loaded, or on its way.
        """
        card = self._card(card_id)
        if card.active or card_id in self._fetches.running:
            raise Conflict(f"{card_id} is {'loaded' if card.active else 'being fetched'}.", "Use another one first.")
        if not card.removable:
            raise Refused(f"{card_id} does not lie in our own cache, so it is not ours to remove.")
        if typed_name != card_id:
            raise Refused(f"To remove {card_id}, type that name.", "Nothing was removed.")
        for place in card.places:
            if place.store == OURS:
                remove_ours(Path(place.path), self._cache / "models")
        return self.look()

    async def bench(self, card_id: str) -> Measured:
        """Measure the loaded model with one short answer.

        Raises:
            NotFound: there is no such model. Conflict: it is not the loaded one, or is being measured.
            Unavailable: it cannot answer now.
        """
        card = await asyncio.to_thread(self._card, card_id)
        status: ModelStatus | None = self._bus.latest(Topic.MODEL)
        if not card.active or status is None:
            raise Conflict(f"{card_id} is not loaded.", f"Use it first: aistack-console models use {card_id}.")
        if self._benching:
            raise Conflict("A model is being measured already.")
        self._benching = True
        try:
            found = await self._bench.run(status.adapter)
        finally:
            self._benching = False
        await asyncio.to_thread(self._measures.keep, card_id, found)
        await asyncio.to_thread(self._publish)
        return found

    def usable(self, card_id: str) -> None:
        """Say no to a model that is not here or cannot chat; see :meth:`Shelf.usable`."""
        self._shelf.usable(card_id)

    def answered(self, card_id: str, adapter: str, last: Piece, first: float) -> None:
        """Keep what an answer measured, in the background; at most one in ``EVERY`` seconds, and none of a bench."""
        now = self._clock.mono()
        if self._benching or not card_id or last.tokens < LEAST or now - self._kept < EVERY:
            return
        self._kept = now
        found = Measured(
            at=self._clock.now(),
            kind="answer",
            adapter=adapter,
            tokens=last.tokens,
            prompt_tokens=max(last.prompt_tokens - last.reused_tokens, 0) or None,
            tokens_per_second=last.tokens_per_second,
            first_token_after=first,
            load=os.getloadavg()[0],
        )
        self._spawn(self._keep(card_id, found))

    async def _keep(self, card_id: str, found: Measured) -> None:
        with suppress(BackendError):  # a figure that cannot be kept is no reason to disturb anybody
            await asyncio.to_thread(self._measures.keep, card_id, found)
            await asyncio.to_thread(self._publish)

    def _all(self) -> Iterator[ModelCard]:
        running, newest = self._fetches.running, self._measures.newest()
        begun = {one.id: one.card(one.id in running) for one in self._fetches.unfinished()}
        yield from begun.values()
        for card in self._shelf.all(self._room()):
            if card.id in begun:
                continue
            last = newest.get(card.id)
            yield replace(
                card,
                fetching=card.id in running,
                tokens_per_second=last.tokens_per_second if last else None,
                first_token_after=last.first_token_after if last else None,
                measured_at=last.at if last else None,
            )

    def _card(self, card_id: str) -> ModelCard:
        for _ in range(2):
            for card in self._all():
                if card.id == card_id:
                    return card
            self._shelf.path(card_id)  # raises when there is none
            self._shelf.look()
        raise NotFound(f"There is no model {card_id}.", "aistack-console models lists them.")

    def _room(self) -> Room:
        status: ModelStatus | None = self._bus.latest(Topic.MODEL)
        active = next((card for card in status.cards if card.active), None) if status else None
        free = free_memory(self._bus.latest(Topic.HOST))
        room = Room.measure(active.id if active else "", self._settings.context, free)
        return replace(room, loading=bool(active and active.loading))

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
            now = (
                status.engine is EngineState.READY,
                tuple((card.path, card.active, card.loading) for card in status.cards),
            )
            if now != before and self._at is not None:
                before = now
                await asyncio.to_thread(self._publish)

    def _publish(self) -> ModelShelf:
        found = self.shelf()
        before: ModelShelf | None = self._bus.latest(Topic.SHELF)
        if before is None or replace(found, at=before.at) != before or found.at != before.at:
            self._bus.publish(Topic.SHELF, found)
        return found

    def _changed(self) -> None:
        """A fetch moved: its states are told at once, mere progress each ``QUIET`` seconds."""
        states, now = [(one.name, one.state) for one in self._fetches.stages()], self._clock.mono()
        states += [(card_id, StageState.RUNNING) for card_id in sorted(self._fetches.running)]
        if states != self._states or now - self._told >= QUIET:
            self._states, self._told = states, now
            self._publish()

    def _hashed(self, key: str, sha256: str) -> None:
        """A sha256 is known: all that came within ``QUIET`` seconds are written down and told together."""
        self._shelf.facts.hashed(key, sha256)
        now = self._clock.mono()
        if self._digests.waiting and now - self._told < QUIET:
            return
        self._told = now
        self._shelf.facts.save()
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
