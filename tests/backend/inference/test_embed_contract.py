"""What every engine promises of vectors: the real ones in their child process, and the in-memory one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from aistack_backend.errors import BadInput
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.memory import MemoryEngine
from aistack_backend.inference.models import BadModel, InferenceSettings, Request, Turn
from aistack_backend.inference.port import Engine
from aistack_backend.wire.chat import Role

pytestmark = pytest.mark.engine

PAIRS = [
    # how near they are, by a person's judgement from 0 to 5, and the two
    (5.0, "The database container does not start.", "The container of the database fails to start."),
    (4.6, "How do I restart a service?", "What is the way to start a service again?"),
    (4.2, "The disk is almost full.", "There is hardly any space left on the drive."),
    (3.8, "A woman plays the violin.", "A lady makes music with a string instrument."),
    (3.2, "The backup was taken last night.", "Yesterday evening a copy of the data was made."),
    (2.6, "The web server answers slowly.", "The page takes long to load in the browser."),
    (2.2, "He cooks pasta for his children.", "The family is having dinner together."),
    (1.6, "The train to Vienna leaves at noon.", "We took a bus to the airport."),
    (1.0, "The dog sleeps in the sun.", "A cat hunts mice at night."),
    (0.6, "The certificate expires tomorrow.", "Tomorrow it will rain in the mountains."),
    (0.2, "Memory use of the model rises.", "She bought a red dress for the wedding."),
    (0.0, "The firewall blocks port 8080.", "Penguins feed their young with fish."),
]
SENTENCES = [text for _, *two in PAIRS for text in two]


@pytest.fixture(params=["llama", "xllamacpp", "memory"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    made: Engine
    settings = InferenceSettings(context=1024)
    if request.param == "memory":
        made = MemoryEngine()
    else:
        name, site = ("llama-cpp-python", "site") if request.param == "llama" else ("xllamacpp", "first_site")
        made = LlamaHost(request.getfixturevalue(site), tmp_path, settings, lambda *_: None, engine=name)
    yield made
    await made.close()


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=lambda at: values[at])
    return [float(order.index(at)) for at in range(len(values))]


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    a, b, count = ranks(one), ranks(other), len(one)
    return 1 - 6 * sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / (count * (count**2 - 1))


async def test_vectors_are_of_length_one_in_the_order_of_the_texts(engine: Engine, minilm: Path) -> None:
    found = await engine.embed(minilm, SENTENCES)
    assert len(found.vectors) == len(SENTENCES)
    assert {len(one) for one in found.vectors} == {found.dimensions}
    for one in found.vectors:
        assert math.isclose(cosine(one, one), 1, abs_tol=1e-5)
    assert found.tokens > 2 * len(SENTENCES)
    backwards = await engine.embed(minilm, SENTENCES[::-1])
    assert backwards.vectors == found.vectors[::-1]


async def test_the_same_text_has_the_same_vector_and_unlike_texts_differ(engine: Engine, minilm: Path) -> None:
    alone = await engine.embed(minilm, ["The disk is full."])
    among = await engine.embed(minilm, ["Something else.", "The disk is full.", "And a third, much longer text."])
    assert among.vectors[1] == alone.vectors[0]
    assert len(set(among.vectors)) == 3


async def test_nothing_and_empty_and_broken_texts_are_refused_and_the_engine_lives(
    engine: Engine, minilm: Path
) -> None:
    for texts, said in (
        ([], "no text"),
        ([""], "The text is empty"),
        (["fine", " \n\t"], "Text 2 of 2 is empty"),
        (["half \ud83d"], "lone surrogate"),
        (["x y" * 20_000], "60000 characters"),
    ):
        with pytest.raises(BadInput, match=said):
            await engine.embed(minilm, texts)
    assert (await engine.embed(minilm, ["\0 \x1b[31m ok 🦊"])).tokens > 2


async def test_a_text_that_is_too_long_is_refused_with_its_tokens_and_nothing_is_cut(
    engine: Engine, minilm: Path
) -> None:
    assert (await engine.embed(minilm, ["word " * 510])).tokens == 512
    for texts, name in ((["word " * 511], "The text"), (["fine"] * 20 + ["word " * 511], "Text 21 of 21")):
        with pytest.raises(BadInput, match=rf"^{name} has 513 tokens, and the model takes 512 at most\.$"):
            await engine.embed(minilm, texts)
    assert (await engine.embed(minilm, ["fine"])).tokens == 3


async def test_a_file_that_makes_no_vectors_is_refused(
    engine: Engine, minilm: Path, smollm: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadModel, match="does not turn texts into vectors"):
        await engine.embed(smollm, ["hello"])
    with pytest.raises(BadModel, match="no model file"):
        await engine.embed(tmp_path / "missing.gguf", ["hello"])
    with pytest.raises(BadModel, match="cannot chat"):
        await engine.load(minilm)
    assert (await engine.embed(minilm, ["hello"])).tokens == 3


async def test_many_ask_at_once_and_each_gets_its_own(engine: Engine, minilm: Path) -> None:
    alone = [await engine.embed(minilm, [text]) for text in SENTENCES[:6]]
    together = await asyncio.gather(*[engine.embed(minilm, [text] * 3) for text in SENTENCES[:6]])
    for one, three in zip(alone, together, strict=True):
        assert three.vectors == one.vectors * 3


async def test_who_gives_up_disturbs_nobody(engine: Engine, minilm: Path) -> None:
    await engine.embed(minilm, ["hello"])
    given_up = asyncio.create_task(engine.embed(minilm, ["word " * 400] * 50))
    other = asyncio.create_task(engine.embed(minilm, ["hello"]))
    await asyncio.sleep(0)
    given_up.cancel()
    assert (await asyncio.wait_for(other, 60)).tokens == 3
    assert given_up.cancelled() or given_up.cancelling()


async def test_an_answer_goes_on_meanwhile(engine: Engine, minilm: Path, smollm: Path) -> None:
    await engine.load(smollm)
    ask = Request(turns=(Turn(role=Role.USER, text="Count from one to ten."),), max_tokens=24, temperature=0)

    async def answered() -> str:
        return "".join([piece.text async for piece in engine.generate(ask)])

    alone = await answered()
    text, found = await asyncio.gather(answered(), engine.embed(minilm, SENTENCES))
    assert text == alone
    assert len(found.vectors) == len(SENTENCES)


@pytest.mark.parametrize("engine", ["llama", "xllamacpp"], indirect=True)
async def test_what_means_the_same_is_near(engine: Engine, minilm: Path) -> None:
    found = await engine.embed(minilm, SENTENCES)
    assert found.dimensions == 384
    near = [cosine(found.vectors[at], found.vectors[at + 1]) for at in range(0, len(SENTENCES), 2)]
    told = [judged for judged, *_ in PAIRS]
    assert spearman(told, near) >= 0.7, near
    assert min(near[:3]) > max(near[-3:])


@pytest.mark.parametrize("engine", ["llama", "xllamacpp"], indirect=True)
async def test_special_tokens_in_a_text_mean_nothing(engine: Engine, minilm: Path) -> None:
    plain = await engine.embed(minilm, ["a b"])
    marked = await engine.embed(minilm, ["a [SEP] b"])
    assert marked.tokens >= plain.tokens + 3
