"""What the engine promises beside speed: a quick second turn, silence after Esc, and life after a kill."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from aistack_backend.inference.fit import fit_context
from aistack_backend.inference.gguf import read_header
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.models import EngineDied, InferenceSettings, Rank, Request, Turn
from aistack_backend.inference.orders import compute_threads, order_of
from aistack_backend.inference.process import Patience, WorkerProcess
from aistack_backend.inference.protocol import Do, Is, Order
from aistack_backend.wire.chat import Role
from aistack_backend.wire.models import EngineState
from bench.figures import Figure, ms, percentile

CONTEXT = 4096
SENTENCE = "At quay {} lies a ship with {} crates of grain, and its captain writes the number {} into a book. "
QUESTION = "How many ships are there?"
LONGEST = 120.0


def long_text(seed: int, sentences: int = 64) -> str:
    """About 2,000 tokens that begin with nothing that was said before."""
    return f"Log {seed}. " + "".join(SENTENCE.format(at, at * 7 % 90, seed + at) for at in range(sentences))


@asynccontextmanager
async def _host(site: Path, model: Path, ready: asyncio.Event | None = None) -> AsyncIterator[LlamaHost]:
    def watch(state: EngineState, _detail: str, _hint: str) -> None:
        if ready is not None:
            ready.set() if state is EngineState.READY else ready.clear()

    with tempfile.TemporaryDirectory(prefix="ai-") as folder:
        host = LlamaHost(site, Path(folder), InferenceSettings(context=CONTEXT), watch)
        try:
            await host.load(model)
            yield host
        finally:
            await host.close()


async def turns(site: Path, model: Path, times: int) -> list[Figure]:
    """The first turn of a long chat, and the second one, which only adds to it."""
    firsts, seconds, tokens = [], [], 0
    async with _host(site, model) as host:
        for number in range(times):
            said = [Turn(role=Role.USER, text=f"{long_text(number * 1000 + 7)}{QUESTION}")]
            first, text, tokens = await _first(host, said)
            said += [Turn(role=Role.ASSISTANT, text=text), Turn(role=Role.USER, text="And how many captains?")]
            second, _, _ = await _first(host, said)
            firsts.append(first)
            seconds.append(second)
    share = percentile([two / one for one, two in zip(firsts, seconds, strict=True)], 0.5)
    return [
        ms(f"first token of a chat that ends with {tokens} tokens: first turn", firsts[-1]),
        ms("the same, second turn", seconds[-1]),
        Figure(name="second turn / first turn", value=share * 100, unit="%", goal="<= 10"),
    ]


async def _first(host: LlamaHost, said: list[Turn]) -> tuple[float, str, int]:
    """Return seconds to the first token, the text, and the prompt's tokens."""
    began, first, text, prompt = time.monotonic(), 0.0, "", 0
    asked = Request(turns=tuple(said), max_tokens=16, temperature=0, rank=Rank.PERSON)
    async for piece in host.generate(asked):
        first = first or (time.monotonic() - began if piece.text else 0.0)
        text, prompt = text + piece.text, piece.prompt_tokens
    return first, text, prompt


async def cancels(site: Path, model: Path, times: int) -> list[Figure]:
    """From the cancel order to the worker's word that the answer is over, by a worker of our own."""
    told: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="ai-") as folder:
        process = WorkerProcess("llama-cpp-python", site, Path(folder) / "log", Patience(), lambda _: None)
        await process.start()
        try:
            context, cells = fit_context(read_header(model), CONTEXT, 8_000_000_000)
            order = Order(do=Do.LOAD, id=1, path=str(model), context=context, cells=cells, threads=compute_threads())
            async for report in process.reports(order):
                if report.what is Is.LOADED:
                    break
            for name, text in (("while it generates", ""), ("while a prompt of 2,000 tokens is read", "long")):
                took = [await _silence(process, 10 + len(told) * 1000 + at, bool(text)) for at in range(times)]
                told.append(ms(f"cancel to last token, {name}, p50 of {times}", percentile(took, 0.5), "<= 150"))
                told.append(ms("the same, the longest", max(took), "<= 150"))
        finally:
            await process.stop()
    return told


async def _silence(process: WorkerProcess, number: int, reading: bool) -> float:
    text = long_text(number) if reading else f"{number}. Tell a very long story about a fox."
    turn = (Turn(role=Role.USER, text=text),)
    order = order_of(number, Request(turns=turn, max_tokens=1000, temperature=0), "")
    cancelled, seen = 0.0, 0
    async with asyncio.timeout(LONGEST), aclosing(process.reports(order)) as reports:
        async for report in reports:
            seen += report.what is Is.PIECE
            if not cancelled and (seen == 5 or (reading and report.what is Is.BEGUN)):
                await asyncio.sleep(0.2 + number % 10 * 0.03)  # at any moment of a step
                cancelled = time.monotonic()
                process.send(Order(do=Do.CANCEL, id=number))
            if report.what is Is.END:
                if report.finish != "cancelled":
                    raise RuntimeError("It ended before it was cancelled.")
                break
    return time.monotonic() - cancelled


async def kills(site: Path, model: Path, times: int) -> list[Figure]:
    """Kill -9 of the worker in the middle of an answer: what its reader got, and when the next one is served."""
    took, got, words = [], 0, ""
    ready = asyncio.Event()
    async with _host(site, model, ready) as host:
        for number in range(times):
            asked = Request(turns=(Turn(role=Role.USER, text=f"{number}. Tell a long story."),), max_tokens=500)
            pieces, killed = 0, 0.0
            try:
                async for piece in host.generate(asked):
                    pieces += bool(piece.text)
                    if pieces == 12 and not killed:
                        killed = time.monotonic()
                        os.kill(host.pid, signal.SIGKILL)
            except EngineDied as error:
                words = f"{error.detail} {error.hint}"
            if not words:
                raise RuntimeError("The answer ended although its worker was killed.")
            got = pieces
            await asyncio.wait_for(ready.wait(), LONGEST)
            await _first(host, [Turn(role=Role.USER, text="Say hello.")])
            took.append(time.monotonic() - killed)
    return [
        Figure(name=f"killed in the middle: pieces that its reader had, then: {words}", value=got, unit="pieces"),
        Figure(
            name=f"kill to the next whole answer of 16 tokens, longest of {times}", value=max(took) * 1000, unit="ms"
        ),
    ]
