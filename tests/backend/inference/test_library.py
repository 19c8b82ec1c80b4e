"""The bench and its history, and what may be removed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bed import ggufs
from tests.bed.splitter import split

from aistack_backend.clock import HandClock, SystemClock
from aistack_backend.errors import Refused
from aistack_backend.inference.bench import TOKENS, Bench
from aistack_backend.inference.digests import Digests, Wanted
from aistack_backend.inference.facts import key_of
from aistack_backend.inference.gguf import read_header
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.measures import KEPT, Measures
from aistack_backend.inference.models import BadModel, Piece, Request, Turn
from aistack_backend.inference.removing import remove_ours
from aistack_backend.store.database import Database
from aistack_backend.wire.chat import Role
from aistack_backend.wire.shelf import Measured

ONE = Measured(at=1.0, kind="bench", adapter="a", tokens=3, tokens_per_second=9.0, first_token_after=0.5)


def test_the_newest_measurements_of_each_model_are_kept(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    measures = Measures(database)
    assert (measures.of("a"), measures.newest()) == ((), {})
    for number in range(KEPT + 5):
        measures.keep("a", replace(ONE, at=float(number)))
    measures.keep("b", replace(ONE, tokens_per_second=None))
    found = measures.of("a")
    assert (len(found), found[0].at, found[-1].at) == (KEPT, KEPT + 4.0, 5.0)
    assert measures.newest() == {"a": found[0]}
    assert measures.of("b") == (replace(ONE, tokens_per_second=None),)
    database.close()


async def test_a_bench_measures_the_first_token_and_the_rate_and_its_prompt_is_another_each_time() -> None:
    clock, asked = HandClock(), []

    async def answer(turns: Sequence[Turn], tokens: int, temperature: float) -> AsyncGenerator[Piece, None]:
        asked.append((turns[0].text, tokens, temperature))
        clock.advance(0.25)
        yield Piece(text="a", tokens=1, prompt_tokens=90, reused_tokens=10)
        yield Piece(tokens=48, tokens_per_second=12.0, prompt_tokens=90, reused_tokens=10)

    bench = Bench(answer, clock)
    found = await bench.run("engine 1")
    await bench.run("engine 1")
    assert (found.first_token_after, found.tokens_per_second, found.prompt_tokens) == (0.25, 12.0, 80)
    assert (found.kind, found.adapter, found.tokens) == ("bench", "engine 1", 48)
    assert asked[0][1:] == (TOKENS, 0.0)
    assert asked[0][0] != asked[1][0]


@pytest.mark.engine
async def test_the_real_model_is_measured(host: LlamaHost, smollm: Path) -> None:
    await host.load(smollm)

    def answer(turns: Sequence[Turn], tokens: int, temperature: float) -> AsyncGenerator[Piece, None]:
        return host.generate(Request(turns=tuple(turns), max_tokens=tokens, temperature=temperature))

    found = await Bench(answer, SystemClock()).run(host.adapter)
    assert found.tokens_per_second
    assert found.first_token_after
    assert found.prompt_tokens


def test_only_what_lies_in_our_cache_is_removed(tmp_path: Path) -> None:
    models = tmp_path / "cache/models"
    mine = ggufs.write(models / "mine.gguf")
    far = ggufs.write(tmp_path / "far/far.gguf")
    (models / "link.gguf").symlink_to(far)
    (models / "folder").symlink_to(far.parent)
    for path in (far, models / "link.gguf", models / "folder/far.gguf", models / "../../far/far.gguf", models):
        with pytest.raises(Refused, match="not ours to remove"):
            remove_ours(path, models)
    remove_ours(mine, models)
    assert not mine.exists()
    assert far.is_file()
    for number in (1, 2):
        ggufs.write(models / f"big-0000{number}-of-00002.gguf")
    remove_ours(models / "big-00001-of-00002.gguf", models)
    assert list(models.glob("big*")) == []


async def test_sha256_are_computed_smallest_first_and_wait_while_the_model_answers(tmp_path: Path) -> None:
    files = [ggufs.write(tmp_path / f"{number}.gguf", {"x": ggufs.words("x" * number * 1000)}) for number in (3, 1, 2)]
    done: list[str] = []
    all_done, loop = asyncio.Event(), asyncio.get_running_loop()

    def came(key: str, sha256: str) -> None:
        done.append(key)
        if len(done) == 3:
            loop.call_soon_threadsafe(all_done.set)

    answering = [True, False]
    digests = Digests(came, lambda: answering.pop(0) if answering else False)
    wanted = [Wanted(path.stat().st_size, key_of(path), path) for path in files]
    digests.want([*wanted, Wanted(1, "gone", tmp_path / "gone.gguf")])
    async with asyncio.timeout(60):
        await all_done.wait()
    assert done == [one.key for one in sorted(wanted)]
    digests.stop()
    assert digests.waiting == 0


@pytest.mark.engine
async def test_a_real_model_in_three_parts_is_read_loaded_and_answers(
    host: LlamaHost, smollm: Path, tmp_path: Path
) -> None:
    first = await asyncio.to_thread(split, smollm, tmp_path, 3)
    parts, whole = await asyncio.to_thread(read_header, first), await asyncio.to_thread(read_header, smollm)
    assert replace(parts, size=whole.size) == whole
    await host.load(first)
    turns = (Turn(role=Role.USER, text="Say hello."),)
    pieces = [piece async for piece in host.generate(Request(turns=turns, max_tokens=8, temperature=0.0))]
    assert "".join([piece.text for piece in pieces]).strip()
    (tmp_path / first.name.replace("00001-of", "00002-of")).unlink()
    with pytest.raises(BadModel, match="no model file at"):
        await host.load(first)
