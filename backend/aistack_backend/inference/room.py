"""The engine room: prepares the engine and the models, keeps one loaded, and says where it stands."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, Conflict, Unavailable
from aistack_backend.inference import gpus, interim, wheel
from aistack_backend.inference.catalogue import EMBEDDING, SMALL
from aistack_backend.inference.embedder import IN_MEMORY, embedder
from aistack_backend.inference.fetch import fetch
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.idle import Idle
from aistack_backend.inference.memory import MemoryEngine
from aistack_backend.inference.models import Embeddings, EngineDied, InferenceSettings, Load, Loaded, Quarantined
from aistack_backend.inference.packages import Stopper
from aistack_backend.inference.port import Engine
from aistack_backend.inference.progress import Tell
from aistack_backend.inference.shelf import OWN, Shelf
from aistack_backend.inference.stages import Stages
from aistack_backend.inference.standing import Standing
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState, ModelStatus

RETRY = 60.0
"""Seconds until a preparation that found no network is tried again."""
NEXT, RESTS = "The next question loads it again.", (EngineState.READY, EngineState.NO_MODEL)
T = TypeVar("T")


class EngineRoom:
    """One engine, one loaded model. Methods belong to one event loop; ``status`` may be asked from any thread."""

    def __init__(
        self, settings: InferenceSettings, shelf: Shelf, bus: Bus, clock: Clock, data_dir: Path, cache_dir: Path
    ) -> None:
        self._settings, self._shelf, self._bus, self._clock = settings, shelf, bus, clock
        self._data, self._cache = data_dir / "inference", cache_dir
        self._stages, self._stopper = Stages(clock, self._publish), Stopper()
        self._standing = Standing(EngineState.ABSENT, clock.now())
        self._engine: Engine | None = None
        self._loaded: Loaded | None = None
        self._active = ""
        self._rate: float | None = None
        self._vectors: tuple[str, int | None] = ("", None)
        self._answers = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._fetching: set[str] = set()
        self._preparing: asyncio.Task[None] | None = None
        self._swap = asyncio.Lock()
        self._first = False
        """The engine of the first minutes is the one that answers."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._asleep: Path | None = None
        """The model that was unloaded because nobody asked."""
        self._nap = Idle(settings.idle_unload, lambda: self._spawn(self._unload()))

    def start(self) -> None:
        """Begin to get ready in the background."""
        self._preparing = self._spawn(self._prepare(self._settings.auto_prepare))

    async def stop(self) -> None:
        """End the preparation and the engine."""
        self._stopper.stop()
        self._nap.wake()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._engine:
            await self._engine.close()

    def status(self) -> ModelStatus:
        """Return the whole standing, cards with what fits now included."""
        now, engine, loaded = self._standing, self._engine, None if self._asleep else self._loaded
        load = engine.load_now if isinstance(engine, LlamaHost) else Load()
        return ModelStatus(
            engine=now.state,
            since=now.since,
            detail=now.detail,
            hint=now.hint,
            adapter=engine.adapter if engine else "",
            model=self.model_name,
            context_size=loaded.context_size if loaded else None,
            tokens_per_second=self._rate,
            load_share=load.share,
            slots=load.slots,
            waiting=load.waiting,
            context_used=sum(slot.held for slot in load.slots) if load.slots else None,
            memory=load.memory,
            layers=loaded.layers if loaded else None,
            layers_on_gpu=loaded.layers_on_gpu if loaded else None,
            embedding_model=self._vectors[0],
            embedding_dimensions=self._vectors[1],
            gpu_hint=gpus.hint(self._bus.latest(Topic.HOST), loaded),
            stages=self._stages.all(),
            cards=self._shelf.cards(self._active, self._settings.context, loading=loaded is None),
        )

    @property
    def active(self) -> str:
        """Card id of the loaded model; empty = none."""
        return self._active if self._loaded else ""

    @property
    def model_name(self) -> str:
        """Catalogue id, or the file's name, of the loaded model; empty = none."""
        loaded = self._loaded
        return (loaded.path.name if self._active == OWN else self._active) if loaded else ""

    def engine(self) -> Engine:
        """Return the engine when it can answer.

        Raises:
            Unavailable: it cannot now; says where it stands and what would help.
        """
        now = self._standing
        if self._engine is None or now.state not in (EngineState.READY, EngineState.BUSY):
            detail = now.detail or f"The local model is {now.state.value}."
            raise Unavailable(detail, now.hint or "Wait until it is ready.", kind="model-not-ready")
        return self._engine

    async def embedder(self) -> tuple[Engine, Path]:
        """Return the engine with the model of vectors; see :func:`~aistack_backend.inference.embedder.embedder`."""
        return await embedder(self._engine, self._standing.detail, self._standing.hint, self._shelf)

    def embedded(self, found: Embeddings) -> None:
        """Vectors were made: show by which model, and how wide they are."""
        if (said := (found.model, found.dimensions)) != self._vectors:
            self._vectors = said
            self._publish()

    async def awake(self) -> Engine:
        """Return the engine as :meth:`engine` does, with the model loaded again when it was unloaded for being idle.

        Raises:
            Unavailable: it cannot answer now, or the model cannot be loaded any more.
        """
        self._nap.wake()
        if self._asleep is not None:
            await asyncio.shield(self._spawn(self._load(self._active, self._asleep, again=True)))
        return self.engine()

    async def _unload(self) -> None:
        async with self._swap:
            loaded, engine, now = self._loaded, self._engine, self._standing
            if engine is None or self._first or not (now.state in RESTS and self._idle.is_set()):
                return
            if loaded is not None and not self._asleep:  # else it is the model of vectors alone
                self._asleep, now = loaded.path, replace(now, detail=f"Unloaded: idle for {self._nap}.", hint=NEXT)
            await engine.close()
            self._set(now.state, now.detail, now.hint)

    def busy(self, answering: bool, rate: float | None = None) -> None:
        """An answer began or ended."""
        self._rate = rate if rate is not None else self._rate
        self._answers += 1 if answering else -1
        if self._answers:
            self._idle.clear()
            self._nap.wake()
        else:
            self._idle.set()
            self._nap.rest()
        now, state = self._standing, EngineState.BUSY if self._answers else EngineState.READY
        if now.state in (EngineState.READY, EngineState.BUSY) and now.state is not state:
            self._set(state, now.detail, now.hint)

    async def fetch(self, card_id: str) -> ModelStatus:
        """Begin to fetch a model: a person confirmed it. The progress is in the stages.

        Raises:
            NotFound: there is no such model.
            Conflict: it is here, or on its way.
        """
        wanted = self._shelf.model(card_id)
        if await asyncio.to_thread(self._shelf.path, card_id):
            raise Conflict(f"{wanted.name} is here already.", "Use it.")
        if card_id in self._fetching:
            raise Conflict(f"{wanted.name} is being fetched already.")
        self._spawn(self._fetch_and_maybe_load(card_id))
        return await asyncio.to_thread(self.status)

    async def use(self, card_id: str) -> ModelStatus:
        """Begin to load a model that is here; one in quarantine gets another chance.

        Raises:
            NotFound: there is no such model.
            Conflict: it must be fetched first.
        """
        path = await asyncio.to_thread(self._shelf.path, card_id)
        if path is None:
            raise Conflict(f"{self._shelf.model(card_id).name} is not on this machine.", "Fetch it first.")
        if isinstance(self._engine, LlamaHost) and not self._first:
            self._engine.forgive(path)
            self._spawn(self._load(card_id, path))
        else:
            await asyncio.to_thread(self._shelf.used, card_id)  # it is loaded when our own engine is there
            if self._preparing is None or self._preparing.done():
                self._preparing = self._spawn(self._prepare(True))
        return await asyncio.to_thread(self.status)

    async def _prepare(self, may_fetch: bool) -> None:
        while True:
            try:
                await self._prepare_once(may_fetch)
            except BackendError as error:
                again = error.type == "offline"
                hint = f"{error.hint} It is tried again each minute." if again else error.hint
                if self._first:
                    self._set(EngineState.READY, f"The first engine answers. {error.detail}", hint)
                else:
                    self._set(EngineState.FAILED, error.detail, hint)
                if again:
                    await asyncio.sleep(RETRY)
                    continue
            return

    async def _prepare_once(self, may_fetch: bool) -> None:
        if self._settings.adapter == "memory":
            self._engine = MemoryEngine(check_files=False)
            await self._load(IN_MEMORY, Path(IN_MEMORY))
            return
        site = wheel.site_folder(self._cache)
        if not may_fetch and not site.is_dir():
            self._set(EngineState.ABSENT, "The engine is not built.", "Use a model to build it.")
            return
        small = await asyncio.to_thread(self._shelf.path, SMALL.id)
        if small is None and may_fetch and await asyncio.to_thread(self._choice) is None:
            self._set(EngineState.PREPARING, "The small model is being fetched.")
            small = await self._fetch(SMALL.id)
        if not site.is_dir():
            if small and self._settings.adapter == "auto" and not self._first:
                await self._begin_with(small)
            if not self._first:
                self._set(EngineState.PREPARING, "The engine is being built; this takes some minutes once.")
        site = await self._job("engine build", lambda tell: self._build(tell))
        await self._idle.wait()
        self._loaded = None
        if self._engine:
            await self._engine.close()
        self._engine, self._first = self._hosted(site), False
        if choice := await asyncio.to_thread(self._choice):
            await self._load(*choice)
        else:
            self._set(EngineState.NO_MODEL, "No model is on this machine.", "Fetch one.")

    def _choice(self) -> tuple[str, Path] | None:
        """The model to load: the one wished for, else the small one; None = neither is here."""
        for card in (self._shelf.first(), SMALL.id):
            if path := self._shelf.path(card):
                return card, path
        return None

    async def _begin_with(self, small: Path) -> None:
        """Let xllamacpp answer until our own engine is built. It is a courtesy: without it nothing is lost."""
        self._set(EngineState.PREPARING, "A first engine is being fetched.")
        with contextlib.suppress(BackendError):  # the failed stage tells it
            site = await self._job(interim.STAGE, lambda tell: interim.prepare(self._cache, tell, self._stopper))
            self._engine = self._hosted(site, "xllamacpp")
            self._first = True
            await self._load(SMALL.id, small)
        if self._loaded is None:
            if self._engine:
                await self._engine.close()
            self._engine, self._first = None, False
            return
        self._set(EngineState.READY, "The first engine answers, a little slower, until our own is built.")

    def _build(self, tell: Tell) -> Path:
        return wheel.prepare(self._cache, tell, self._stopper, wheel.given_wheel())

    async def _fetch(self, card_id: str) -> Path:
        wanted = self._shelf.model(card_id)
        self._fetching.add(card_id)
        try:
            return await self._job(f"model {wanted.name}", lambda tell: fetch(wanted, self._cache, tell, self._stopper))
        finally:
            self._fetching.discard(card_id)
            self._publish()

    async def _fetch_and_maybe_load(self, card_id: str) -> None:
        with contextlib.suppress(BackendError):  # the failed stage tells it
            path = await self._fetch(card_id)
            if self._shelf.model(card_id).kind == "chat" and self._standing.state is EngineState.NO_MODEL:
                await self._load(card_id, path)

    async def _job(self, name: str, work: Callable[[Tell], T]) -> T:
        job = self._stages.job()
        try:
            made = await asyncio.to_thread(work, job)
        except BackendError as error:
            job.fail(name, error.detail)
            raise
        job.finish()
        return made

    async def _load(self, card_id: str, path: Path, again: bool = False) -> None:
        async with self._swap:
            engine = self._engine
            assert engine is not None  # noqa: S101 - its callers made it
            if again and self._asleep is None:
                return  # another question has loaded it meanwhile
            self._loaded, self._active = None, card_id
            try:
                self._loaded = await engine.load(path)
            except EngineDied:
                return  # the engine has said so, and tries again by itself
            except BackendError as error:
                state = EngineState.QUARANTINED if isinstance(error, Quarantined) else EngineState.FAILED
                self._set(state, error.detail, error.hint)
                return
            finally:
                self._asleep = None
            self._set(EngineState.READY)
            self._nap.rest()
            if isinstance(engine, LlamaHost) and not self._first and not again:
                await asyncio.to_thread(self._shelf.used, card_id)

    def _hosted(self, site: Path, engine: str = "llama-cpp-python") -> LlamaHost:
        host = LlamaHost(site, self._data, self._settings, self._watch, engine=engine)
        host.on_load = self._publish
        if vectors := self._shelf.path(EMBEDDING.id):
            host.forgive(vectors)  # nobody loads it by its name, so that a new backend is its new chance
        host.gpu_free = lambda: gpus.free_memory(self._bus.latest(Topic.HOST))
        return host

    def _watch(self, state: EngineState, detail: str, hint: str) -> None:
        if isinstance(self._engine, LlamaHost):
            self._loaded = self._engine.loaded
        self._set(state, detail, hint)

    def _set(self, state: EngineState, detail: str = "", hint: str = "") -> None:
        self._standing = Standing(state, self._clock.now(), detail, hint)
        self._publish()

    def _publish(self) -> None:
        self._bus.publish(Topic.MODEL, self.status())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
