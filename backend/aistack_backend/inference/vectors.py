"""Vectors from the worker: texts go there in small orders, so that nobody waits long behind a big request."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from aistack_backend.errors import BackendError, BadInput
from aistack_backend.inference.embedding import decoded
from aistack_backend.inference.models import BadModel, Embeddings
from aistack_backend.inference.process import WorkerProcess
from aistack_backend.inference.protocol import Do, Is, Order, Report

ORDER = 16
"""Texts of one order to the worker."""
LONGEST = 20_000
"""Characters of a text: ten times what the model takes, unless they are blanks."""

_UNPAIRED = re.compile(r"[\ud800-\udfff]")


def checked(texts: Sequence[str]) -> tuple[str, ...]:
    """Return texts that can be turned into vectors.

    Raises:
        BadInput: there is none, or one is empty or absurdly long; says which.
    """
    if not texts:
        raise BadInput("There is no text to turn into a vector.")
    for at, text in enumerate(texts, 1):
        if not text.strip():
            raise BadInput(f"{_name(at, len(texts))} is empty.", "An empty text has no vector.")
        if _UNPAIRED.search(text):
            raise BadInput(f"{_name(at, len(texts))} has half a character (a lone surrogate).", "Send whole Unicode.")
        if len(text) > LONGEST:
            raise too_long(at, len(texts), f"has {len(text)} characters; {LONGEST} at most are read.")
    return tuple(texts)


def too_long(at: int, count: int, why: str) -> BadInput:
    """Return the refusal of text ``at`` (from 1) of ``count``; ``why`` goes on after its name."""
    return BadInput(f"{_name(at, count)} {why}", "Cut it into parts: nothing is left out silently.")


@dataclass(slots=True)
class Work:
    """One request on its way, over the death of a worker: what is done stays done."""

    model: Path
    texts: tuple[str, ...]
    vectors: list[tuple[float, ...]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    window: int = 0
    loaded_in: float = 0.0
    computing: bool = False
    """One of its texts was being computed when the worker told last."""

    async def on(self, process: WorkerProcess, number: Callable[[], int], threads: int) -> None:
        """Have the worker do what is not done; ``number`` gives each order its own.

        Raises:
            BadInput: a text cannot be turned into a vector. BadModel: the model cannot be loaded.
            EngineDied: the worker ended meanwhile.
        """
        while left := self.texts[len(self.vectors) :][:ORDER]:
            await self._order(
                process, Order(do=Do.EMBED, id=number(), path=str(self.model), texts=left, threads=threads)
            )

    async def _order(self, process: WorkerProcess, order: Order) -> None:
        done = len(self.vectors)
        over = False
        try:
            async with aclosing(process.reports(order)) as reports:
                async for report in reports:
                    self.computing = report.what is Is.EMBEDDING
                    if report.what is Is.REFUSED:
                        over = True
                        raise self._refusal(report, done)
                    if report.what is Is.VECTOR:
                        self.vectors.append(decoded(report.vector))
                        self.counts.append(report.tokens)
                        self.window, self.loaded_in = report.window, report.loaded_in
                        over = len(self.vectors) == done + len(order.texts)
                    if over:
                        return
        finally:
            if not over:
                process.send(Order(do=Do.CANCEL, id=order.id))

    def _refusal(self, report: Report, done: int) -> BackendError:
        if not report.count:
            return BadModel(f"{self.model.name}: {report.detail}", "Fetch it again, or choose another GGUF file.")
        return too_long(done + report.count, len(self.texts), report.detail)

    def result(self) -> Embeddings:
        """Return what was asked for, when all is done."""
        return Embeddings(
            model=self.model.stem,
            dimensions=len(self.vectors[0]),
            vectors=tuple(self.vectors),
            tokens=sum(self.counts),
            counts=tuple(self.counts),
            window=self.window or None,
            loaded_in=self.loaded_in or None,
        )


def _name(at: int, count: int) -> str:
    return "The text" if count == 1 else f"Text {at} of {count}"
