"""llama-cpp-python behind the engine port: a worker process that is restarted, and a model that can be quarantined."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import psutil

from aistack_backend.errors import BackendError, BadInput, Unavailable
from aistack_backend.inference import grammar, loras
from aistack_backend.inference.fit import fit_context, fit_smallest
from aistack_backend.inference.gguf import read_header
from aistack_backend.inference.gpus import layers_that_fit
from aistack_backend.inference.models import (
    BadModel,
    Embeddings,
    EngineDied,
    InferenceSettings,
    Load,
    Loaded,
    Piece,
    Quarantined,
    Request,
)
from aistack_backend.inference.orders import compute_threads, order_of, piece_of
from aistack_backend.inference.process import Patience, WorkerProcess
from aistack_backend.inference.protocol import Do, Is, Order, Report
from aistack_backend.inference.quarantine import Quarantine
from aistack_backend.inference.vectors import Work, checked
from aistack_backend.wire.models import EngineState

MAX_BACK_OFF = 30.0
MEMORY_STEP = 1_000_000
"""Bytes: a smaller change of the worker's memory is not told."""

Watcher = Callable[[EngineState, str, str], None]
"""Told of every change: state, one sentence, next step."""


class LlamaHost:
    """llama.cpp, by either of the worker's libraries, as an :class:`~aistack_backend.inference.port.Engine`."""

    def __init__(
        self,
        site: Path,
        folder: Path,
        settings: InferenceSettings,
        watcher: Watcher,
        patience: Patience | None = None,
        engine: str = "llama-cpp-python",
    ) -> None:
        """Take the engine's ``site`` folder and a ``folder`` for the log and the quarantine list."""
        self._site, self._log = site, folder / "logs" / "model-worker.log"
        self._settings, self._watcher = settings, watcher
        self._patience = patience or Patience()
        self._adapters = folder / "adapters"
        self._quarantine = Quarantine(folder / "quarantine.json")
        self._process: WorkerProcess | None = None
        self._loaded: Loaded | None = None
        self._model: Path | None = None
        self._adapter = self._engine = engine
        self._next = 0
        self._closes = 0
        self.load_now = Load()
        """What the worker told last of its slots, queue and memory."""
        self.on_load: Callable[[], None] = lambda: None
        self.gpu_free: Callable[[], int | None] = lambda: None
        """Bytes that are free on a GPU; None = none was measured."""
        self._restart: asyncio.Task[None] | None = None
        self._swap = asyncio.Lock()

    @property
    def adapter(self) -> str:
        """Name and version, as the worker reported it, and the adapter that is on the loaded model."""
        return f"{self._adapter} with {self._settings.lora}" if self._loaded and self._settings.lora else self._adapter

    @property
    def pid(self) -> int:
        """Process id of the worker; 0 when none runs."""
        return self._process.pid if self._process else 0

    @property
    def embedding(self) -> bool:
        """A text is being turned into a vector, as the worker told last."""
        return self._process is not None and not self._process.gone and self._process.embedding != 0

    @property
    def loaded(self) -> Loaded | None:
        """What is loaded now; None while nothing is."""
        return self._loaded

    async def load(self, model: Path) -> Loaded:
        """See the port. Asking for a model in quarantine again is done with :meth:`forgive` first."""
        self._cancel_restart()
        model = await asyncio.to_thread(model.absolute)
        self._model = model
        return await self._load(model)

    def forgive(self, model: Path) -> None:
        """Take a model out of quarantine: a person asked to try it again."""
        self._quarantine.forgive(model)

    async def _load(self, model: Path) -> Loaded:
        async with self._swap:
            if why := self._quarantine.why(model):
                raise Quarantined(
                    f"{model.name} crashed the model worker three times ({why}).", "Use the model again to retry it."
                )
            header = await asyncio.to_thread(read_header, model)
            if header.cannot_chat:
                raise BadModel(f"{model.name} {header.cannot_chat}", "Choose an instruct model.")
            lora = await self._adapted(model)
            await self._end()  # before its memory is counted as taken
            free = await asyncio.to_thread(lambda: psutil.virtual_memory().available)
            context, cells = fit_context(header, self._settings.context, free)
            self._watcher(EngineState.LOADING, f"Loading {model.name}.", "")
            process = await self._spawn()
            layers = layers_that_fit(header, cells, self.gpu_free())
            room = (context, cells, -1 if layers is None else layers)
            self._loaded = await self._order_load(process, model, room, lora)
            self._watcher(EngineState.READY, "", "")
            return self._loaded

    async def _adapted(self, model: Path) -> str:
        """Return the adapter for a model; empty = none is configured."""
        if not self._settings.lora:
            return ""
        if self._engine != "llama-cpp-python":
            raise BadModel("The first engine takes no adapter.", "Our own is being built.")
        return str(await asyncio.to_thread(loras.chosen, self._adapters, self._settings.lora, model))

    async def _spawn(self) -> WorkerProcess:
        process = WorkerProcess(self._engine, self._site, self._log, self._patience, self._died)
        self._process = process
        process.on_beat = self._beaten
        self._adapter = await process.start()
        return process

    @property
    def _threads(self) -> int:
        return self._settings.threads or compute_threads()

    def _number(self) -> int:
        self._next += 1
        return self._next

    async def _order_load(self, process: WorkerProcess, model: Path, room: tuple[int, int, int], lora: str) -> Loaded:
        """Have it loaded with so many tokens of context, cells and layers on the GPU."""
        context, cells, gpu_layers = room
        order = Order(
            do=Do.LOAD,
            id=self._number(),
            path=str(model),
            lora=lora,
            context=context,
            cells=cells,
            threads=self._threads,
            gpu_layers=gpu_layers,
        )
        async for report in process.reports(order):
            if report.what is Is.LOADING:
                self._tell(replace(self.load_now, share=report.share))
                continue
            self._tell(replace(self.load_now, share=None))
            if report.what is Is.LOADED:
                layers = (report.layers, report.layers_on_gpu) if report.layers else (None, None)
                return Loaded(
                    path=model,
                    context_size=report.context_size,
                    description=report.detail,
                    layers=layers[0],
                    layers_on_gpu=layers[1],
                    gpu_able=report.gpu_able,
                )
            raise BadModel(f"{model.name}: {report.detail}", "Fetch it again, or choose another GGUF file.")
        raise EngineDied("The model worker ended while it loaded.")

    async def generate(self, request: Request) -> AsyncGenerator[Piece, None]:
        """See the port."""
        compiled = grammar.compile_schema(request.schema) if request.schema else ""
        until = asyncio.get_running_loop().time() + request.within if request.within else None
        for last in (False, True):  # sent again once at most: it may be what kills
            process = self._process
            if process is None or self._loaded is None:
                raise Unavailable("No model is loaded.", "Wait until the model is ready.")
            begun = False
            reports = self._answer(process, self._loaded.path, order_of(self._number(), request, compiled), until)
            try:
                async with aclosing(reports):
                    async for report in reports:
                        if report.what is Is.WAITS:  # also after it was read and found no room: that killed nobody
                            begun = False
                            yield Piece(ahead=report.waiting)
                            continue
                        begun = True
                        if report.what is not Is.BEGUN:
                            yield piece_of(report)
                return
            except TimeoutError as error:
                late = f"The model did not end this answer within {request.within:g} s."
                raise Unavailable(late, "Ask for less, or again when it is less busy.", kind="too-late") from error
            except EngineDied:
                if begun or last or not await self._back():
                    raise

    async def _answer(
        self, process: WorkerProcess, model: Path, order: Order, until: float | None
    ) -> AsyncGenerator[Report, None]:
        done = False
        try:
            async with aclosing(process.reports(order, until)) as reports:
                async for report in reports:
                    if report.what is Is.REFUSED:
                        done = True
                        raise BadInput(report.detail)
                    if report.what is Is.END:  # before it goes out: its reader may never come back
                        done = True
                        self._quarantine.clear(model)
                    yield report
                    if done:
                        return
        finally:
            if not done:
                process.send(Order(do=Do.CANCEL, id=order.id))

    async def embed(self, model: Path, texts: Sequence[str]) -> Embeddings:
        """See the port."""
        work = Work(await asyncio.to_thread(model.absolute), checked(texts))
        closes = self._closes
        for last in (False, True):  # what was not being computed is sent again, once
            process = await self._for_vectors(work.model, closes)
            try:
                await work.on(process, self._number, self._threads)
                break
            except EngineDied:
                if last or (work.computing and not process.let_go):
                    raise
        self._quarantine.clear(work.model)
        return work.result()

    async def _for_vectors(self, model: Path, closes: int) -> WorkerProcess:
        """Return the worker, a new one without a model that answers when none is there; none after a close that came
        in between."""
        await self._back()
        async with self._swap:
            if closes != self._closes:
                raise Unavailable("The engine was ended meanwhile.", "Try again in a moment.")
            if why := self._quarantine.why(model):
                hint = "It is tried again when the backend is started anew."
                raise Quarantined(f"{model.name} crashed the model worker three times ({why}).", hint)
            process = None if self._process is None or self._process.gone else self._process
            if process is None or process.embeds != model:
                header = await asyncio.to_thread(read_header, model)
                if not header.embeds:
                    raise BadModel(f"{model.name} does not turn texts into vectors.", "Choose a model that does.")
                fit_smallest(header, await asyncio.to_thread(lambda: psutil.virtual_memory().available))
            if process is None:
                await self._end()
                process = await self._spawn()
            process.embeds = model
            return process

    async def _back(self) -> bool:
        """Wait while the worker is being restarted; say whether a model is there again."""
        while self._loaded is None and self._restart is not None and not self._restart.done():
            await asyncio.wait({self._restart})
        return self._loaded is not None

    async def close(self) -> None:
        """See the port."""
        self._cancel_restart()
        self._model = None
        self._closes += 1
        await self._end()

    def _beaten(self) -> None:
        beat = self._process.beat if self._process else Report(what=Is.BEAT)
        memory = beat.memory // MEMORY_STEP * MEMORY_STEP
        self._tell(replace(self.load_now, slots=beat.slots, waiting=beat.waiting, memory=memory))

    def _tell(self, load: Load) -> None:
        if load != self.load_now:
            self.load_now = load
            self.on_load()

    def _died(self, sentence: str) -> None:
        self._loaded, self.load_now = None, Load()
        guilty = self._process.embeds if self._process and self._process.embedding else None
        if guilty:
            self._quarantine.crashed(guilty, sentence)
        if self._model is None:
            return
        if guilty:
            said = f"{sentence} It was turning a text into a vector."
            self._watcher(EngineState.CRASHED, said, "It is being restarted.")
        else:
            self._count_crash(self._model, sentence)
        if not self._quarantine.why(self._model):
            self._restart = asyncio.get_running_loop().create_task(self._again(self._model))

    async def _again(self, model: Path) -> None:
        crashes = self._quarantine.count(model)
        await asyncio.sleep(min(MAX_BACK_OFF, self._patience.back_off * 2 ** (crashes - 1)))
        try:
            await self._load(model)
        except EngineDied:
            return  # _died was told and has planned the next try
        except BackendError as error:
            self._watcher(EngineState.FAILED, error.detail, error.hint)

    def _count_crash(self, model: Path, sentence: str) -> None:
        crashes = self._quarantine.crashed(model, sentence)
        if self._quarantine.why(model):
            hint = "It is not tried again by itself: use the model again to retry it, or choose another."
            self._watcher(EngineState.QUARANTINED, f"{sentence} That was crash {crashes} of {model.name}.", hint)
        else:
            self._watcher(EngineState.CRASHED, sentence, f"It is being restarted (crash {crashes} of 3).")

    def _cancel_restart(self) -> None:
        if self._restart and not self._restart.done():
            self._restart.cancel()
        self._restart = None

    async def _end(self) -> None:
        self._loaded, self.load_now = None, Load()
        if process := self._process:
            await process.stop()  # ours until it has ended: who is cancelled here may come again
            if self._process is process:
                self._process = None
