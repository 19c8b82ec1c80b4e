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
from typing import BinaryIO

from aistack_backend.inference.answers import Answering, CannotAnswer, Progress
from aistack_backend.inference.protocol import LINE_LIMIT, Do, Is, Order, Report, decode, encode

XLLAMACPP = "xllamacpp"
LIBRARIES = {"llama-cpp-python": "llama_cpp", XLLAMACPP: "xllamacpp"}
"""Engine → the module that must be there."""
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
        self._current = 0
        self._cancelled = 0
        self._stop = False

    def run(self) -> None:
        """Load the library, say hello, and serve."""
        threading.Thread(target=self._beat, daemon=True).start()
        library = importlib.import_module(LIBRARIES[self._engine])
        self._say(Report(what=Is.HELLO, detail=f"{self._engine} {library.__version__}"))
        threading.Thread(target=self._read, daemon=True).start()
        while (order := self._todo.get()).do is not Do.QUIT:
            self._busy = True
            try:
                self._obey(order)
            finally:
                self._busy = False

    def _obey(self, order: Order) -> None:
        try:
            if order.do is Do.LOAD:
                self._load(order)
            elif order.do is Do.SAY:
                self._answer(order)
        except CannotAnswer as error:
            self._say(Report(what=Is.REFUSED, id=order.id, detail=str(error)))

    def _load(self, order: Order) -> None:
        if self._engine == XLLAMACPP:
            from aistack_backend.inference.xllama import LoadedModel as Loader
        else:
            from aistack_backend.inference.llama import LoadedModel as Loader  # type: ignore[assignment]
        self._model = Loader(order.path, order.context, order.threads, self._tick)
        detail = self._model.description
        self._say(Report(what=Is.LOADED, id=order.id, detail=detail, context_size=self._model.context_size))

    def _answer(self, order: Order) -> None:
        if self._model is None:
            raise CannotAnswer("No model is loaded.")
        self._current = order.id
        self._stop = self._cancelled == order.id
        progress = Progress()
        try:
            for text in self._model.answer(order.turns, order.max_tokens, order.temperature, order.grammar, progress):
                self._say(self._report(Is.PIECE, order.id, progress, text))
            self._say(self._report(Is.END, order.id, progress, ""))
        finally:
            self._current, self._stop = 0, False

    def _report(self, what: Is, number: int, progress: Progress, text: str) -> Report:
        assert self._model is not None  # noqa: S101
        return Report(
            what=what,
            id=number,
            text=text,
            finish=progress.finish,
            tokens=progress.tokens,
            tokens_per_second=progress.rate,
            prompt_tokens=progress.prompt,
            reused_tokens=progress.reused,
            dropped_turns=progress.dropped,
            context_used=self._model.used,
            context_size=self._model.context_size,
        )

    def _tick(self) -> bool:
        self._count += 1
        return self._stop

    def _read(self) -> None:
        try:
            while line := self._orders.readline(LINE_LIMIT):
                self._take(decode(Order, line))
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            os._exit(2)
        os._exit(0)  # the backend is gone: nobody to answer, nothing to save

    def _take(self, order: Order) -> None:
        if order.do is Do.CANCEL:
            self._cancelled = order.id
            self._stop = self._stop or order.id == self._current
        elif order.do is Do.QUIT:
            self._stop = True
            self._todo.put(order)
        else:
            self._todo.put(order)

    def _beat(self) -> None:
        pause = threading.Event()
        while True:
            self._say(Report(what=Is.BEAT, count=self._count, busy=self._busy))
            pause.wait(BEAT)

    def _say(self, report: Report) -> None:
        with self._write, contextlib.suppress(BrokenPipeError):
            self._reports.write(encode(report))
            self._reports.flush()


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
