"""``bench search``: recall and time of each way to search, on a real corpus with real vectors of MiniLM.

Each side runs in a process of its own, one after the other, so that its memory is its own. The question's vector is
made before: what the model takes for it is not in these times.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from sqlalchemy import select

from aistack_backend.knowledge import rows
from aistack_backend.knowledge.chunking import split
from aistack_backend.knowledge.vectors import packed
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import chunk, collection
from bench.figures import Figure, percentile
from bench.search_corpus import Entry, corpus, questions
from bench.search_sides import NAME, SIDES, Asked, side
from bench.search_vectors import Kept, kept

WARM = 10
"""Questions that are asked before it is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one side did."""

    recall: float
    times: list[float]
    own: list[float]
    """Seconds of the process's own processor time; a server's are not in it."""
    memory: int
    """Bytes that its process grew by, from before it opened the corpus to the last answer."""
    load: float


def run(*options: str) -> Iterator[Figure]:
    """Measure every side, and give each one's figures and their ratio to ours. ``--sides=A,B``: those alone whose names
    contain one of these."""
    parts = [part for option in options if option.startswith("--sides=") for part in option[8:].split(",")]
    sides = [name for name in SIDES if not parts or any(part in name for part in parts)]
    entries = corpus()
    asked = questions(entries)
    texts = [piece.text for entry in entries for piece in split(entry.text, headed=False)]
    yield Figure(name="documents", value=len(entries), unit="")
    yield Figure(name="pieces", value=len(texts), unit="", goal="10,000")
    yield Figure(name="questions, held out of the text", value=len(asked), unit="", goal="100")
    vectors = kept([*texts, *(entry.question for entry in asked)])
    with tempfile.TemporaryDirectory(prefix="aibench-") as made:
        folder = Path(made)
        _prepare(folder, entries, asked, vectors)
        found: dict[str, Seen] = {}
        for name in sides:
            try:
                found[name] = _apart(name, folder)
            except RuntimeError as error:
                yield Figure(name=f"{name}: {str(error)[:200]}", value=None, unit="")
                continue
            yield from _figures(name, found[name])
        yield from _ratios(found)


def _figures(name: str, seen: Seen) -> Iterator[Figure]:
    yield Figure(name=f"{name}: recall@10", value=seen.recall * 100, unit="%")
    yield Figure(name=f"{name}: p50", value=percentile(seen.times, 0.5) * 1e3, unit="ms")
    yield Figure(name=f"{name}: p95", value=percentile(seen.times, 0.95) * 1e3, unit="ms")
    yield Figure(name=f"{name}: own processor time, p50", value=percentile(seen.own, 0.5) * 1e3, unit="ms")
    yield Figure(name=f"{name}: memory of its process grew by", value=seen.memory / 1e6, unit="MB")
    yield Figure(name=f"{name}: load average then", value=seen.load, unit="")


def _ratios(found: dict[str, Seen]) -> Iterator[Figure]:
    pairs = (
        ("ours by words", "plain FTS5"),
        ("ours by words", "ours by words, PostgreSQL"),
        ("ours by meaning, exact", "qdrant-client, local mode"),
        ("ours by meaning, exact", "pgvector alone, exact"),
        ("ours by meaning, exact", "pgvector alone, HNSW"),
        ("ours by both, exact", "plain FTS5"),
    )
    for ours, theirs in pairs:
        if ours in found and theirs in found:
            one, other = found[ours], found[theirs]
            times = percentile(other.times, 0.5) / percentile(one.times, 0.5)
            yield Figure(name=f"{theirs} takes, of {ours} (p50)", value=times, unit="times")
            gain = (one.recall - other.recall) * 100
            yield Figure(name=f"{ours} finds more than {theirs} by", value=gain, unit="points")


def _apart(name: str, folder: Path) -> Seen:
    """Measure one side in a process of its own.

    Raises:
        RuntimeError: it cannot be measured here.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_measure, args=(name, folder, theirs))
    child.start()
    theirs.close()
    try:
        said = ours.recv()
    except EOFError:
        said = "its process ended"
    child.join()
    if isinstance(said, str):
        raise RuntimeError(said)
    return said  # type: ignore[no-any-return]


def _measure(name: str, folder: Path, out: multiprocessing.connection.Connection) -> None:
    own, answers = psutil.Process(), Asked(folder).answers
    try:
        with ExitStack() as stack:
            one = side(name)
            before = own.memory_info().rss
            one.open(folder, stack)
            for at in range(WARM):
                one.ask(at)
            times, own_times, hits = [], [], 0
            for at, wanted in enumerate(answers):
                began, busy = time.perf_counter(), time.process_time()
                found = one.ask(at)
                times.append(time.perf_counter() - began)
                own_times.append(time.process_time() - busy)
                hits += wanted in found
            memory = own.memory_info().rss - before
            load = os.getloadavg()[0]
            out.send(Seen(recall=hits / len(answers), times=times, own=own_times, memory=memory, load=load))
    except Exception as error:
        out.send(f"not measured: {type(error).__name__}: {error}")


def _prepare(folder: Path, entries: list[Entry], asked: list[Entry], vectors: Kept) -> None:
    numbers: dict[str, int] = {}
    database = Database(f"sqlite:///{folder}/a.db")
    with database.tx() as connection:
        held = rows.opened(connection, NAME, time.time())
        values = {"model": vectors.model, "dimensions": vectors.dimensions}
        connection.execute(collection.update().where(collection.c.id == held).values(**values))
        for entry in entries:
            pieces = split(entry.text, headed=False)
            made = [packed(vectors.of(piece.text)) for piece in pieces]
            about = {"collection_id": held, "title": entry.source, "source": entry.source, "kind": "text"}
            about |= {"sha256": "", "size": len(entry.text), "characters": len(entry.text), "added_at": time.time()}
            numbers[entry.source] = rows.keep(connection, pieces, made, added_by="bench", expires_at=None, **about)
    with database.read() as connection:
        every = connection.execute(select(chunk.c.id, chunk.c.document_id, chunk.c.text).order_by(chunk.c.id)).all()
    database.close()
    np.save(folder / "pieces.npy", np.array([(row.id, row.document_id) for row in every], dtype=np.int64))
    np.save(folder / "vectors.npy", np.array([vectors.of(row.text) for row in every], dtype="<f4"))
    np.save(folder / "questions.npy", np.array([vectors.of(one.question) for one in asked], dtype="<f4"))
    said = {"model": vectors.model, "questions": [one.question for one in asked]}
    said["answers"] = [numbers[one.source] for one in asked]
    (folder / "questions.json").write_text(json.dumps(said))
    with sqlite3.connect(folder / "fts.db") as plain:
        plain.execute("CREATE VIRTUAL TABLE pieces USING fts5(text)")
        plain.executemany("INSERT INTO pieces(rowid, text) VALUES (?, ?)", [(row.id, row.text) for row in every])
    plain.close()
