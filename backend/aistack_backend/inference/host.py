"""llama-cpp-python behind the engine port: a worker process that is restarted, and a model that can be quarantined."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import psutil

from aistack_backend.errors import BackendError, BadInput, Conflict, Unavailable
from aistack_backend.inference import grammar
from aistack_backend.inference.gguf import Header, read_header
from aistack_backend.inference.models import (
    BadModel,
    EngineDied,
    InferenceSettings,
    Loaded,
    Piece,
    Quarantined,
    Request,
)
from aistack_backend.inference.process import Patience, WorkerProcess
from aistack_backend.inference.protocol import Do, Is, Order, Report
from aistack_backend.inference.quarantine import Quarantine
from aistack_backend.wire.chat import Finish
from aistack_backend.wire.models import EngineState

MEMORY_SHARE = 0.25
"""Of the memory that is free now, for keys and values at most."""
SMALLEST = 512
"""A context below this is refused rather than made."""
MAX_BACK_OFF = 30.0

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
        self._quarantine = Quarantine(folder / "quarantine.json")
        self._process: WorkerProcess | None = None
        self._loaded: Loaded | None = None
        self._model: Path | None = None
        self._adapter = self._engine = engine
        self._next = 0
        self._running = 0
        self._restart: asyncio.Task[None] | None = None
        self._swap = asyncio.Lock()

    @property
    def adapter(self) -> str:
        """Name and version, as the worker reported it."""
        return self._adapter

    @property
    def pid(self) -> int:
        """Process id of the worker; 0 when none runs."""
        return self._process.pid if self._process else 0

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
            if not header.template:
                raise BadModel(f"{model.name} has no chat template, so it cannot chat.", "Choose an instruct model.")
            context = fit_context(header, self._settings.context, psutil.virtual_memory().available)
            await self._end()
            self._watcher(EngineState.LOADING, f"Loading {model.name}.", "")
            process = WorkerProcess(self._engine, self._site, self._log, self._patience, self._died)
            self._process = process
            self._adapter = await process.start()
            self._loaded = await self._order_load(process, model, context)
            self._watcher(EngineState.READY, "", "")
            return self._loaded

    async def _order_load(self, process: WorkerProcess, model: Path, context: int) -> Loaded:
        self._next += 1
        threads = self._settings.threads or compute_threads()
        order = Order(do=Do.LOAD, id=self._next, path=str(model), context=context, threads=threads)
        async for report in process.reports(order):
            if report.what is Is.LOADED:
                return Loaded(path=model, context_size=report.context_size, description=report.detail)
            raise BadModel(f"{model.name}: {report.detail}", "Fetch it again, or choose another GGUF file.")
        raise EngineDied("The model worker ended while it loaded.")

    async def generate(self, request: Request) -> AsyncGenerator[Piece, None]:
        """See the port."""
        process = self._process
        if process is None or self._loaded is None:
            raise Unavailable("No model is loaded.", "Wait until the model is ready.")
        if self._running:
            raise Conflict("Another answer is being generated.")
        compiled = grammar.compile_schema(request.schema) if request.schema else ""
        self._next += 1
        order = Order(
            do=Do.SAY,
            id=self._next,
            turns=tuple((turn.role.value, turn.text) for turn in request.turns),
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            grammar=compiled,
        )
        self._running, model = order.id, self._loaded.path
        done = False
        try:
            async for report in process.reports(order):
                done = report.what is not Is.PIECE
                if report.what is Is.REFUSED:
                    raise BadInput(report.detail)
                if done:  # before the last piece goes out: its reader may never come back
                    self._running = 0
                    self._quarantine.clear(model)
                yield _piece(report)
                if done:
                    break
        finally:
            if not done:
                process.send(Order(do=Do.CANCEL, id=order.id))
            if self._running == order.id:
                self._running = 0

    def cancel(self) -> None:
        """See the port."""
        if self._running and self._process:
            self._process.send(Order(do=Do.CANCEL, id=self._running))

    async def close(self) -> None:
        """See the port."""
        self._cancel_restart()
        self._model = None
        await self._end()

    def _died(self, sentence: str) -> None:
        self._loaded = None
        if self._model is None:
            return
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
        self._loaded = None
        if process := self._process:
            await process.stop()  # ours until it has ended: who is cancelled here may come again
            if self._process is process:
                self._process = None


def fit_context(header: Header, wished: int, free: int) -> int:
    """Return the context in tokens: at most what is wished, what the model was trained for, what memory allows.

    Raises:
        Unavailable: not even the weights and a small context fit into ``free`` bytes.
    """
    need = header.memory(SMALLEST)
    if need > free:
        raise Unavailable(
            f"{header.name} needs about {need // 1_000_000} MB of memory and {free // 1_000_000} MB are free.",
            "Free memory, or choose a smaller model.",
        )
    by_memory = int(free * MEMORY_SHARE) // max(header.kv_bytes_per_token, 1)
    fitted = min(wished, header.context_train or wished, by_memory)
    return max(SMALLEST, fitted // 256 * 256)


def compute_threads() -> int:
    """Return one thread for each physical core that this process may use."""
    allowed = len(os.sched_getaffinity(0))
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def _piece(report: Report) -> Piece:
    return Piece(
        text=report.text,
        finish=Finish(report.finish) if report.what is Is.END else None,
        tokens=report.tokens,
        tokens_per_second=report.tokens_per_second,
        prompt_tokens=report.prompt_tokens,
        reused_tokens=report.reused_tokens,
        dropped_turns=report.dropped_turns,
        context_used=report.context_used,
        context_size=report.context_size,
    )
