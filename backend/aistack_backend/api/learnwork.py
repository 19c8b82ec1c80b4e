"""Learning on the backend's store: with the local model's vectors, its answers for trials, and its log of secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

from aistack_backend.api.parts import Parts
from aistack_backend.errors import BackendError
from aistack_backend.inference.models import Embeddings
from aistack_backend.learning.ended import Ended
from aistack_backend.learning.rounds import Rounds
from aistack_backend.learning.service import Learning, LearningSettings
from aistack_backend.orchestration.routing.local import Loaded
from aistack_backend.orchestration.routing.port import Model
from aistack_backend.orchestration.routing.prompt import turns
from aistack_backend.store.database import Database
from aistack_backend.wire.events import Topic

LONGEST = 256
"""Tokens of an answer in a trial."""
WITHIN = 60.0
"""Seconds for it."""
PUBLISHED = 1.0
"""Least seconds between two events."""
LOOKED = 15.0
"""Most seconds until new telemetry is published: it is written by others."""


async def learning(parts: Parts, downs: AsyncExitStack, database: Database) -> None:
    """Bring learning up: its runs, the watcher of tasks that end, and its events."""
    held = parts.settings.config.learning
    wanted = LearningSettings(enabled=held.enabled, interval=held.interval, threshold=held.dataset_threshold)
    model = Trying(Loaded(parts.inference.get, WITHIN))
    made = Learning(database, parts.clock, parts.audit.get().redactor, wanted, _Vectors(parts), model)
    news = News(parts, made)
    made.changed.append(news.soon)
    parts.learning.part = made
    works = (Rounds(made, parts.clock).keep(), news.keep(), follow(parts, Ended(database, parts.clock, made.telemetry)))
    for work in works:
        task = asyncio.create_task(work)
        downs.push_async_callback(asyncio.wait, {task})
        downs.callback(task.cancel)


async def follow(parts: Parts, ended: Ended) -> None:
    """Write down how tasks ended, whenever the list of tasks changed."""
    async for event in parts.bus.read():
        if event.topic is Topic.TASKS:
            try:
                await asyncio.to_thread(ended.look)
            except BackendError:
                continue  # the store does not answer now: the next change looks again


class News:
    """Publishes LEARNING after each change, and when telemetry became another."""

    def __init__(self, parts: Parts, learning: Learning) -> None:
        self._parts, self._learning = parts, learning
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._changed.set()
        self._seen: tuple[float | None, ...] = ()

    def soon(self) -> None:
        """Publish within a second; from any thread."""
        self._loop.call_soon_threadsafe(self._changed.set)

    async def keep(self) -> None:
        """Publish what changed, for ever."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), LOOKED)
            began = self._parts.clock.mono()
            with suppress(BackendError):  # the store does not answer now: the next look does it
                await asyncio.to_thread(self._publish)
            await asyncio.sleep(max(PUBLISHED, 5 * (self._parts.clock.mono() - began)))

    def _publish(self) -> None:
        mark, changed = self._learning.telemetry.mark(), self._changed.is_set()
        if changed or mark != self._seen:
            self._changed.clear()
            self._seen = mark
            self._parts.bus.publish(Topic.LEARNING, self._learning.status())


class Trying:
    """A model in a trial: it is told what the coordinator would tell it."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def answer(self, query: str, told: str) -> str:
        """See ``learning.trials.Model``."""
        return (await self._model.say(turns(query, "", (), (), told), LONGEST, 0.0)).text


class _Vectors:
    """The local model's vectors, or why there are none."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """See ``Embeds``."""
        return await self._parts.inference.get().embed(texts)
