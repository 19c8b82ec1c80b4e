"""What a span costs where it is made, with nobody recording and with spans kept."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from aistack_backend import tracing
from aistack_backend.clock import SystemClock
from aistack_backend.observe.traces.service import Traces
from aistack_backend.store.database import Database
from bench.figures import Figure

ROUNDS, TIMES = 400, 9
"""Fewer spans in all than may wait to be written, so that none is dropped."""


def bare() -> None:
    """The block without a span."""


def made() -> None:
    with tracing.span("engine.run", task=12):
        bare()


def step() -> None:
    with tracing.step("tool container.restart"):
        bare()


def each(work: Callable[[], None]) -> float:
    """Microseconds of one call: the median of ``TIMES`` rounds."""
    rounds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        for _ in range(ROUNDS):
            work()
        rounds.append((time.perf_counter() - began) / ROUNDS * 1e6)
    return statistics.median(rounds)


def run() -> list[Figure]:
    """Measure a span and a step inside a trace, with nobody recording and with spans kept in SQLite."""
    told = [
        Figure(name="a block without a span", value=each(bare), unit="us"),
        Figure(name="a span while none is recorded", value=each(made), unit="us", goal="<= 5"),
        Figure(name="a step while none is recorded", value=each(step), unit="us", goal="<= 5"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 't.db'}")
        held = Traces(database, SystemClock(), str, most=20_000)
        held.start()
        try:
            told.append(Figure(name="a span that is kept", value=each(made), unit="us"))
        finally:
            held.stop()
            database.close()
    return told
