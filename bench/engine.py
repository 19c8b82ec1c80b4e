"""The local model's engine against others, and what it promises while it works: ``python -m bench engine [OPTION…]``.

``--quick`` takes fewer of everything; ``--parts=streams,turns,cancel,keys,kill,sampling,forms`` chooses;
``--model=ID`` is a model of the catalogue; ``--outputs=N`` counts the constrained outputs; ``--without=NAME`` leaves a
contender out (llama-server, which must be built first, is the slowest to come by).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from aistack_backend.errors import BackendError
from aistack_backend.inference import interim, wheel
from aistack_backend.inference.catalogue import MODELS, SMALL, Model
from aistack_backend.inference.fetch import fetch
from aistack_backend.inference.packages import Stopper
from aistack_backend.inference.progress import printing
from aistack_backend.wire import rendezvous
from bench import engine_forms, engine_keys, engine_trials, llama_server
from bench.contestants import Contender, Http, Locked, Ours, Said, child, server
from bench.figures import Figure, ms

PARTS = ("streams", "turns", "cancel", "keys", "kill", "sampling", "forms")
GOALS = {1: ">= 88", 2: ">= 88", 4: ">= 95", 8: ">= 95"}
SUBJECTS = (
    "a lighthouse",
    "an old ship",
    "a red fox",
    "the winter",
    "a clever thief",
    "two bakers",
    "a lost key",
    "rain",
)
TOKENS = 48
"""Of each answer, at most."""
BUDGET = 240.0
"""Seconds after which no further round of all contenders is begun."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be measured, and with what."""

    quick: bool
    parts: tuple[str, ...]
    outputs: int
    without: tuple[str, ...]
    site: Path
    model: Model
    file: Path
    small: Path


@dataclass(frozen=True, slots=True)
class Round:
    """What one contender did at once."""

    firsts: tuple[float, ...]
    """Seconds to each answer's first token."""
    rate: float
    """Tokens a second, all answers together, prompts included."""
    per_cpu: float
    """Tokens for each processor second of the process that computes."""
    whole_per_cpu: float
    """The same, with what the asking process spent."""


def run(*options: str) -> Iterator[Figure]:
    """Measure the chosen parts one after the other."""
    wish = _wish(options)
    told: dict[str, object] = {
        "streams": lambda: asyncio.run(_streams(wish)),
        "turns": lambda: asyncio.run(engine_trials.turns(wish.site, wish.file, 1 if wish.quick else 2)),
        "cancel": lambda: asyncio.run(engine_trials.cancels(wish.site, wish.file, 3 if wish.quick else 10)),
        "keys": lambda: engine_keys.run(50 if wish.quick else 200),
        "kill": lambda: asyncio.run(engine_trials.kills(wish.site, wish.file, 1 if wish.quick else 3)),
        "sampling": lambda: engine_forms.sampling(wish.site, wish.file),
        "forms": lambda: asyncio.run(engine_forms.outputs(wish.site, wish.small, wish.outputs)),
    }
    for part in wish.parts:
        began = time.monotonic()
        try:
            call = told[part]
            assert callable(call)
            yield from call()
        except (AssertionError, OSError, RuntimeError, TimeoutError, BackendError) as error:
            yield Figure(name=f"{part}: could not be measured: {error}", value=None, unit="")
        name = f"  ({part}: the machine's load average, after {time.monotonic() - began:.0f} s of it)"
        yield Figure(name=name, value=os.getloadavg()[0], unit="")


def _wish(options: Sequence[str]) -> Wish:
    parser = argparse.ArgumentParser(prog="python -m bench engine")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--model", choices=[one.id for one in MODELS], default=MODELS[1].id)
    parser.add_argument("--outputs", type=int)
    parser.add_argument("--without", action="append", default=[])
    given = parser.parse_args(list(options))
    parts = tuple(given.parts.split(","))
    if wrong := set(parts) - set(PARTS):
        raise RuntimeError(f"There is no part {', '.join(sorted(wrong))}; there are {', '.join(PARTS)}.")
    cache, tell, stopper = rendezvous.cache_dir(os.environ), printing(sys.stderr), Stopper()
    try:
        site = wheel.prepare(cache, tell, stopper, wheel.given_wheel())
        small = fetch(SMALL, cache, tell, stopper)
        model = next(one for one in MODELS if one.id == given.model)
        file = fetch(model, cache, tell, stopper)
    except BackendError as error:
        raise RuntimeError(f"{error.detail} {error.hint}") from error
    return Wish(
        quick=given.quick,
        parts=parts,
        outputs=given.outputs or (100 if given.quick else 1000),
        without=tuple(given.without),
        site=site,
        model=model,
        file=file,
        small=small,
    )


@asynccontextmanager
async def _contenders(wish: Wish) -> AsyncIterator[list[Contender]]:
    cache, tell = rendezvous.cache_dir(os.environ), printing(sys.stderr)
    made: list[Contender] = [Ours(wish.site, wish.file)]
    if "llama-server" not in wish.without:
        made.append(server(llama_server.prepare(cache, tell, Stopper()), wish.file))
    if "locked Llama" not in wish.without:
        made.append(Locked(wish.site, wish.file))
    if "xllamacpp" not in wish.without:
        made.append(Http("xllamacpp", child("xllamacpp", interim.prepare(cache, tell, Stopper()), wish.file)))
    try:
        for one in made:
            await one.start()
            await _round(one, ["Say hello."], 4)
        yield made
    finally:
        for one in made:
            await one.stop()


async def _round(one: Contender, prompts: Sequence[str], tokens: int) -> Round:
    process = psutil.Process(one.pid)
    before, own, began = process.cpu_times(), time.process_time(), time.monotonic()
    said: list[Said] = await asyncio.gather(*[one.ask(prompt, tokens) for prompt in prompts])
    own, after = time.process_time() - own, process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    made = sum(each.tokens for each in said)
    return Round(
        tuple(each.first - began for each in said),
        made / (max(each.last for each in said) - began),
        made / cpu,
        made / (cpu + own),
    )


async def _streams(wish: Wish) -> list[Figure]:
    rounds: dict[tuple[str, int], list[Round]] = {}
    counts = (1, 4, 8) if wish.quick else (1, 2, 4, 8)
    async with _contenders(wish) as contenders:
        began, number, most = time.monotonic(), 0, 2 if wish.quick else 4
        while number < most and (number == 0 or time.monotonic() - began < BUDGET):
            for count in counts:
                prompts = [f"{number}{count}. Tell a long story about {what}." for what in SUBJECTS[:count]]
                for one in contenders[number % len(contenders) :] + contenders[: number % len(contenders)]:
                    rounds.setdefault((one.name, count), []).append(await _round(one, prompts, TOKENS))
            number += 1
    told = Figure(name=f"{wish.model.name}, {TOKENS} tokens an answer: rounds", value=number, unit="")
    return [told, *_told(rounds, [one.name for one in contenders], counts)]


def _told(rounds: Mapping[tuple[str, int], list[Round]], names: Sequence[str], counts: Sequence[int]) -> list[Figure]:
    told = []
    for count in counts:
        for name in names:
            rate = statistics.median(each.rate for each in rounds[name, count])
            told.append(Figure(name=f"{name}, {count} at once", value=rate, unit="tok/s"))
    for name in names[1:]:
        for count in counts:
            goal = GOALS[count] if name == "llama-server" else ">= 190" if (name, count) == ("locked Llama", 4) else ""
            told += _ratios(f"ours / {name}, {count} at once", rounds["ours", count], rounds[name, count], goal)
    for name in names:
        worst = statistics.median(max(each.firsts) for each in rounds[name, 4])
        told.append(ms(f"{name}: worst first token of 4 short prompts", worst, "<= 300" if name == "ours" else ""))
    return told


def _ratios(name: str, ours: Sequence[Round], others: Sequence[Round], goal: str) -> list[Figure]:
    """Medians of the ratios within each round, in percent."""
    pairs = list(zip(ours, others, strict=True))

    def median(of: str) -> float:
        return float(statistics.median(getattr(one, of) / getattr(other, of) for one, other in pairs) * 100)

    return [
        Figure(name=f"{name}: tokens a second", value=median("rate"), unit="%", goal=goal),
        Figure(name=f"{name}: tokens a CPU-second", value=median("per_cpu"), unit="%"),
        Figure(name=f"{name}: the same, readers included", value=median("whole_per_cpu"), unit="%"),
    ]
