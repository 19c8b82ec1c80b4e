"""The model worker: a child process that loads one model and answers over JSON lines on its standard streams.

Run as ``python -P -m aistack_backend.inference.worker --site FOLDER``. The main thread computes; one thread reads
orders, so that a cancel is seen at once; one thread reports that the process is alive and gets on.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import queue
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from aistack_backend.inference.answers import Answering, CannotAnswer, Step
from aistack_backend.inference.embedding import Embedding, Embeds
from aistack_backend.inference.protocol import LINE_LIMIT, Do, Is, Order, Report, decode, encode

XLLAMACPP = "xllamacpp"
LIBRARIES = {"llama-cpp-python": "llama_cpp", XLLAMACPP: "xllamacpp"}
"""Engine → the module that must be there."""
EVERY = 0.25
"""Seconds between two words on how much is loaded."""
BEAT = 0.5
"""Seconds between two signs of life."""


class Worker:
    """Takes orders from ``orders`` and writes reports to ``reports`` until it is told to quit."""

    def __init__(self, engine: str, orders: BinaryIO, reports: BinaryIO) -> None:
        self._engine = engine
        self._orders, self._reports = orders, reports
        self._write = threading.Lock()
        self._todo: queue.Queue[Order] = queue.Queue()
        self._model: Answering | None = None
        self._count = 0
        self._busy = False
        self._cancelled: set[int] = set()
        self._vectors = Embedding(self._embedder, self._cancelled.__contains__)
        self._open: set[int] = set()
        """Requests that are not over."""
        self._unwanted: Callable[[], bool] = lambda: False
        self._stop = False
        self._told = 0.0
        self._places: dict[int, int] = {}
        """What was told last of the queue."""

    def run(self) -> None:
        """Load the library, say hello, and serve."""
        threading.Thread(target=self._beat, daemon=True).start()
        library = importlib.import_module(LIBRARIES[self._engine])
        self._say(Report(what=Is.HELLO, detail=f"{self._engine} {library.__version__}"))
        threading.Thread(target=self._read, daemon=True).start()
        while not self._stop:
            self._busy = self._answers or not self._vectors.idle
            self._orders_in(wait=not self._busy)
            self._busy = True
            if self._model is not None and not self._stop:
                self._tell(self._model.step())
                self._tell_places(self._model.places())
            if not self._stop:
                self._tell_vectors()

    @property
    def _answers(self) -> bool:
        return self._model is not None and not self._model.idle

    def _orders_in(self, wait: bool) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                order = self._todo.get(wait)
                wait = False
                self._busy = True
                try:
                    self._obey(order)
                except CannotAnswer as error:
                    self._say(Report(what=Is.REFUSED, id=order.id, detail=str(error)))

    def _obey(self, order: Order) -> None:
        if order.do is Do.LOAD:
            self._load(order)
        elif order.do is Do.SAY:
            if self._model is None:
                raise CannotAnswer("No model is loaded.")
            self._open.add(order.id)
            self._model.add(order)
        elif order.do is Do.EMBED:
            self._open.add(order.id)
            self._vectors.add(order)
        elif order.do is Do.CANCEL:
            if self._vectors.cancel(order.id):
                self._close(order.id)
            elif self._model is not None and order.id in self._open:
                self._tell(self._model.cancel(order.id))
            else:
                self._cancelled.discard(order.id)

    def _load(self, order: Order) -> None:
        if self._engine == XLLAMACPP:
            from aistack_backend.inference import xllama
            from aistack_backend.inference.serial import Serial

            model = xllama.LoadedModel(order.path, order.context, order.threads, self._tick)
            self._model = serial = Serial(model, self._cancelled.__contains__)
            self._unwanted = serial.unwanted
        else:
            from aistack_backend.inference.batching import SLOTS, Batching
            from aistack_backend.inference.llama import LoadedModel

            loaded = LoadedModel(order, SLOTS, self._tick, lambda share: self._loading(order.id, share))
            self._model = Batching(loaded, self._cancelled.__contains__)
        layers, on_gpu = self._model.layers
        self._say(
            Report(
                what=Is.LOADED,
                id=order.id,
                detail=self._model.description,
                context_size=self._model.context_size,
                layers=layers,
                layers_on_gpu=on_gpu,
                gpu_able=self._model.gpu_able,
            )
        )

    def _embedder(self, order: Order) -> Embeds:
        if self._engine == XLLAMACPP:
            from aistack_backend.inference import xllama_embedder

            return xllama_embedder.LoadedEmbedder(order)
        from aistack_backend.inference import llama_embedder

        return llama_embedder.LoadedEmbedder(order, self._tick)

    def _loading(self, number: int, share: float) -> None:
        now = time.monotonic()
        if now - self._told >= EVERY or share >= 1:
            self._told = now
            self._say(Report(what=Is.LOADING, id=number, share=share))

    def _tell(self, steps: Iterator[Step]) -> None:
        """Report the steps: what begins at once, since what it reads may kill us, the rest together."""
        assert self._model is not None  # noqa: S101
        told: list[Report] = []
        for step in steps:
            if step.refused:
                told.append(Report(what=Is.REFUSED, id=step.id, detail=step.refused))
            elif step.begun:
                self._places.pop(step.id, None)  # if it waits all the same, that is told again
                self._say(Report(what=Is.BEGUN, id=step.id))
            else:
                if step.text or not step.over:
                    told.append(self._report(Is.PIECE, step))
                if step.over:
                    told.append(self._report(Is.END, step))
            if step.over:
                self._close(step.id)
        if told:
            self._say(*told)

    def _tell_vectors(self) -> None:
        for report in self._vectors.step(beside=self._answers):
            self._count += 1
            self._say(report)
            if report.id not in self._vectors:
                self._close(report.id)

    def _close(self, number: int) -> None:
        self._open.discard(number)
        self._cancelled.discard(number)

    def _tell_places(self, places: dict[int, int]) -> None:
        moved = [(number, ahead) for number, ahead in places.items() if self._places.get(number) != ahead]
        self._places = places
        if moved:
            self._say(*[Report(what=Is.WAITS, id=number, waiting=ahead) for number, ahead in moved])

    def _report(self, what: Is, step: Step) -> Report:
        assert self._model is not None  # noqa: S101
        progress = step.progress
        return Report(
            what=what,
            id=step.id,
            text=step.text if what is Is.PIECE else "",
            finish=progress.finish,
            tokens=progress.tokens,
            tokens_per_second=progress.rate,
            prompt_tokens=progress.prompt,
            reused_tokens=progress.reused,
            dropped_turns=progress.dropped,
            context_used=step.used,
            context_size=self._model.context_size,
        )

    def _tick(self) -> bool:
        self._count += 1
        return self._stop or self._unwanted()

    def _read(self) -> None:
        try:
            while line := self._orders.readline(LINE_LIMIT):
                order = decode(Order, line)
                if order.do is Do.CANCEL:
                    self._cancelled.add(order.id)
                elif order.do is Do.QUIT:
                    self._stop = True
                self._todo.put(order)
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            os._exit(2)
        os._exit(0)  # the backend is gone: nobody to answer, nothing to save

    def _beat(self) -> None:
        pause = threading.Event()
        while True:
            model = self._model
            self._say(
                Report(
                    what=Is.BEAT,
                    count=self._count,
                    busy=self._busy,
                    slots=model.shown() if model else (),
                    waiting=model.waiting if model else 0,
                    memory=_memory(),
                )
            )
            pause.wait(BEAT)

    def _say(self, *reports: Report) -> None:
        with self._write, contextlib.suppress(BrokenPipeError):
            self._reports.write(b"".join([encode(report) for report in reports]))
            self._reports.flush()


def _memory() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def main() -> None:
    """Keep the protocol's streams for ourselves, forbid core dumps, serve."""
    arguments = argparse.ArgumentParser(description="The model worker; started by the backend.")
    arguments.add_argument("--site", required=True, help="folder with llama_cpp and what it needs")
    arguments.add_argument("--engine", choices=tuple(LIBRARIES), default="llama-cpp-python")
    given = arguments.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    orders, reports = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)  # whatever a library prints goes to the log, not into the protocol
    sys.path.append(given.site)
    Worker(given.engine, orders, reports).run()


if __name__ == "__main__":
    main()
