"""What every engine promises: the real ones in their child process, and the in-memory one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference import grammar
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.memory import MemoryEngine
from aistack_backend.inference.models import BadModel, InferenceSettings, Piece, Request, Turn
from aistack_backend.inference.port import Engine
from aistack_backend.wire.chat import Finish, Role

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "tool": {"type": "string", "enum": ["container.restart", "container.stop"]},
            "target": {"enum": ["web", "db"]},
            "reason": {"type": "string", "maxLength": 60},
            "version": {"const": "1"},
        },
        "required": ["tool", "target", "reason", "version"],
        "additionalProperties": False,
    }
)


@pytest.fixture(params=["llama", "xllamacpp", "memory"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    made: Engine
    if request.param == "llama":
        site = request.getfixturevalue("site")
        made = LlamaHost(site, tmp_path, InferenceSettings(context=2048), lambda *_: None)
    elif request.param == "xllamacpp":
        site = request.getfixturevalue("first_site")
        made = LlamaHost(site, tmp_path, InferenceSettings(context=2048), lambda *_: None, engine="xllamacpp")
    else:
        made = MemoryEngine()
    yield made
    await made.close()


@pytest.fixture
async def ready(engine: Engine, smollm: Path) -> Engine:
    await engine.load(smollm)
    return engine


def ask(text: str, **more: object) -> Request:
    return Request(turns=(Turn(role=Role.USER, text=text),), **more)  # type: ignore[arg-type]


async def collect(engine: Engine, request: Request) -> list[Piece]:
    return [piece async for piece in engine.generate(request)]


pytestmark = pytest.mark.engine


async def test_load_tells_the_context(engine: Engine, smollm: Path) -> None:
    loaded = await engine.load(smollm)
    assert loaded.path.name == smollm.name
    assert 512 <= loaded.context_size <= 2048
    assert loaded.description


async def test_answer_streams_and_ends_once(ready: Engine) -> None:
    pieces = await collect(ready, ask("Say hello.", max_tokens=24, temperature=0))
    assert [piece.finish for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert pieces[-1].finish in (Finish.STOP, Finish.LENGTH)
    assert "hello" in "".join([piece.text for piece in pieces]).lower()
    assert pieces[-1].tokens <= 24
    assert pieces[-1].prompt_tokens > 0
    assert 0 < pieces[-1].context_used <= pieces[-1].context_size


async def test_length_ends_at_max_tokens(ready: Engine) -> None:
    pieces = await collect(ready, ask("Count from one to one hundred in words.", max_tokens=5, temperature=0))
    assert pieces[-1].finish is Finish.LENGTH
    assert pieces[-1].tokens == 5


async def test_schema_is_satisfied(ready: Engine) -> None:
    request = ask("Restart the db container.", max_tokens=200, temperature=0, schema=SCHEMA)
    text = "".join([piece.text for piece in await collect(ready, request)])
    assert grammar.check(SCHEMA, text)["version"] == "1"


async def test_schema_outside_the_subset_is_refused_and_the_engine_lives(ready: Engine) -> None:
    for schema in (
        '{"type":"array","uniqueItems":true}',
        "nonsense",
        '{"type":"object","properties":{"x":{"not":{}}}}',
    ):
        with pytest.raises(BadInput):
            await collect(ready, ask("hello", schema=schema))
    assert (await collect(ready, ask("hello", max_tokens=3)))[-1].finish is not None


async def test_closing_the_iterator_cancels(ready: Engine) -> None:
    answer = ready.generate(ask("Tell a very long story about a fox.", max_tokens=1500))
    await anext(answer)
    await answer.aclose()
    after = await asyncio.wait_for(collect(ready, ask("hello", max_tokens=3)), 60)
    assert after[-1].finish is not None


async def test_many_at_once_are_answered_each_with_its_own_text(ready: Engine) -> None:
    words = [f"{colour} {'and more of it ' * 4}" for colour in ("red", "green", "blue", "black")]
    asked = [ask("Say it.", max_tokens=80, temperature=0, schema=json.dumps({"const": word})) for word in words]
    answers = await asyncio.gather(*[collect(ready, one) for one in asked])
    for word, pieces in zip(words, answers, strict=True):  # free text may differ by a word beside others: ADR 0025
        assert json.loads("".join([piece.text for piece in pieces])) == word
        assert pieces[-1].finish is Finish.STOP


async def test_no_model_is_said(engine: Engine) -> None:
    with pytest.raises(Unavailable, match="No model is loaded"):
        await collect(engine, ask("hello"))


async def test_missing_and_bad_files_are_refused(engine: Engine, tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"not a model")
    for path in (tmp_path / "missing.gguf", bad, tmp_path):
        with pytest.raises(BadModel):
            await engine.load(path)


async def test_a_schema_that_no_token_can_spell_is_refused_and_the_engine_lives(
    site: Path, smollm: Path, tmp_path: Path
) -> None:
    host = LlamaHost(site, tmp_path, InferenceSettings(context=512), lambda *_: None)
    try:
        await host.load(smollm)
        before = host.pid
        with pytest.raises(BadInput, match="no token"):
            await collect(host, ask("hello", schema=json.dumps({"const": "\U00040000"})))
        assert (await collect(host, ask("hello", schema='{"type":"integer"}')))[-1].finish is Finish.STOP
        assert host.pid == before
    finally:
        await host.close()
