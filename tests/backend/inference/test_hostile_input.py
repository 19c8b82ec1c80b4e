"""Fifty cut model files, wrong files, and hostile schemas and grammars: one sentence each, and nothing dies."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.bed.ggufs import gguf, number, sane, words

from aistack_backend.errors import BackendError
from aistack_backend.inference.gguf import read_header
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.models import BadModel, InferenceSettings, Request, Turn
from aistack_backend.inference.orders import compute_threads
from aistack_backend.inference.process import Patience, WorkerProcess
from aistack_backend.inference.protocol import Do, Is, Order
from aistack_backend.wire.chat import Finish, Role
from aistack_backend.wire.models import EngineState

from .conftest import States

pytestmark = pytest.mark.engine
SEED = 20261127
HEAD = 2_000_000
"""Bytes in which the header of the small model lies."""


def one_sentence(error: BackendError) -> str:
    """The sentence, which must be one, of ours, and readable."""
    said = error.detail
    assert said.endswith("."), said
    assert len(said) < 600, said
    assert "\n" not in said, said
    assert "Traceback" not in said, said
    return said


def ask(text: str, schema: str = "", limit: int = 8) -> Request:
    return Request(turns=(Turn(role=Role.USER, text=text),), max_tokens=limit, temperature=0, schema=schema)


async def text_of(host: LlamaHost, request: Request) -> tuple[str, Finish | None]:
    pieces = [piece async for piece in host.generate(request)]
    return "".join([piece.text for piece in pieces]), pieces[-1].finish


@pytest.fixture
def calm(site: Path, tmp_path: Path, states: States) -> LlamaHost:
    return LlamaHost(site, tmp_path / "host", InferenceSettings(context=512), states.watch)


def cuts(model: Path, count: int) -> list[int]:
    """Lengths to cut it to, the longest first: half of them within its header."""
    chance, size = random.Random(SEED), model.stat().st_size
    return sorted([chance.randrange(HEAD if at % 2 else size) for at in range(count)], reverse=True)


@pytest.mark.parametrize("count", [50, pytest.param(2_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
async def test_cut_files_are_refused_with_a_sentence_and_a_whole_one_loads_after(
    calm: LlamaHost, smollm: Path, tmp_path: Path, states: States, count: int
) -> None:
    cut = tmp_path / "cut.gguf"
    shutil.copyfile(smollm, cut)
    try:
        for place in cuts(smollm, count):  # one copy is cut shorter and shorter
            os.truncate(cut, place)
            with pytest.raises(BadModel) as caught:
                await calm.load(cut)
            assert str(cut) in one_sentence(caught.value)
        await calm.load(smollm)
        assert (await text_of(calm, ask("Say hello.")))[1] is not None
    finally:
        await calm.close()
    assert EngineState.CRASHED not in states.names()


WRONG: dict[str, Callable[[Path], object]] = {
    "a web page": lambda path: path.write_text("<!DOCTYPE html><title>404</title>" * 50),
    "a picture": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(4000)),
    "an archive of weights": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(4000)),
    "safetensors": lambda path: path.write_bytes((64).to_bytes(8, "little") + b'{"w":{}}'.ljust(64) + bytes(4000)),
    "an older format": lambda path: path.write_bytes(b"lmgg" + bytes(4000)),
    "the other byte order": lambda path: path.write_bytes(gguf(sane(), version=0x03000000)),
    "zeros": lambda path: path.write_bytes(bytes(1_000_000)),
    "nothing": lambda path: path.write_bytes(b""),
    "a folder": lambda path: path.mkdir(),
    "a pipe that nobody writes to": os.mkfifo,
    "a link to nowhere": lambda path: path.symlink_to(path.with_name("gone")),
    "a million layers": lambda path: path.write_bytes(gguf(sane() | {"llama.block_count": number(10**6)})),
    "an unknown kind of model": lambda path: path.write_bytes(
        gguf(
            {key.replace("llama", "nonesuch"): value for key, value in sane().items()}
            | {"general.architecture": words("nonesuch")}
        )
    ),
    "tensors that are no model": lambda path: path.write_bytes(gguf(sane())),
}


async def test_wrong_files_are_refused_with_a_sentence(calm: LlamaHost, tmp_path: Path, states: States) -> None:
    try:
        for name, make in WRONG.items():
            wrong = tmp_path / f"{name}.gguf"
            make(wrong)
            with pytest.raises(BadModel) as caught:
                await calm.load(wrong)
            assert wrong.name in one_sentence(caught.value)
    finally:
        await calm.close()
    assert EngineState.CRASHED not in states.names()


def nested(depth: int) -> str:
    return '{"type":"array","items":' * depth + '{"type":"null"}' + "}" * depth


def one(**node: object) -> str:
    return json.dumps({"type": "object", "properties": {"x": node}, "required": ["x"]})


SCHEMAS = {
    "no JSON": "{'type': 'object'}",
    "half a JSON": '{"type":"object","properties":{"x":',
    "not an object": "[1, 2]",
    "nesting without end": nested(5_000),
    "nesting beyond reason": nested(200),
    "a far reference": json.dumps({"$ref": "http://example.org/schema.json"}),
    "a reference to itself": json.dumps({"$ref": "#"}),
    "a pattern with look-ahead": one(type="string", pattern="^(?=.*a)(?!b)c$"),
    "an unknown type": one(type="tuple"),
    "no values": one(enum=[]),
    "no forms": one(anyOf=[]),
    "a string as long as the world": one(type="string", minLength=10**12),
    "a string of ten thousand": one(type="string", maxLength=10_000),
    "more items than can be": one(type="array", items={"type": "null"}, minItems=10**9),
    "lists of lists of lists": one(type="array", maxItems=200, items={"type": "array", "maxItems": 200}),
    "bounds the wrong way round": one(type="integer", minimum=9, maximum=1),
    "lengths the wrong way round": one(type="string", minLength=9, maxLength=1),
    "a bound that is no number": '{"type":"integer","minimum":NaN}',
    "a grammar in a name": json.dumps({"type": "object", "properties": {'"\nroot ::= root "x" | "': {"const": 1}}}),
    "a grammar in a value": one(const='\\"\n) | root root ::= [^\x00-\x1f]* \u2028'),
    "signs that no text has": '{"const":"\\ud800\\u0000"}',
    "ten thousand values": one(enum=[f"{at:05}" for at in range(10_000)]),
    "not this": one(**{"not": {"type": "null"}}),
    "names by pattern": json.dumps({"type": "object", "patternProperties": {".*": {}}}),
}


async def test_hostile_schemas_are_refused_with_a_sentence_or_kept_to(
    calm: LlamaHost, smollm: Path, states: States
) -> None:
    refused = 0
    try:
        await calm.load(smollm)
        before = calm.pid
        for name, schema in SCHEMAS.items():
            try:
                _, finish = await text_of(calm, ask("Answer.", schema))
                assert finish in (Finish.STOP, Finish.LENGTH), name
            except BackendError as error:
                refused += 1
                one_sentence(error)
        assert (await text_of(calm, ask("Say hello.")))[1] is not None
        assert calm.pid == before
    finally:
        await calm.close()
    assert refused > len(SCHEMAS) // 2
    assert EngineState.CRASHED not in states.names()


GRAMMARS = (
    "root ::= nowhere",
    'root ::= root "x" | "x"',
    'root ::= "x',
    'other ::= "x"',
    "root ::= [a-",
    'root ::= ("x"',
    "root ::= \\",
)
"""No way leads here from outside: only our compiler writes grammars. The worker refuses them all the same."""


async def test_the_worker_refuses_hostile_grammars_and_lives(site: Path, smollm: Path, tmp_path: Path) -> None:
    gone: list[str] = []
    process = WorkerProcess("llama-cpp-python", site, tmp_path / "log", Patience(), gone.append)
    await process.start()
    try:
        load = Order(do=Do.LOAD, id=1, path=str(smollm), context=512, threads=compute_threads())
        assert await told(process, load) is Is.LOADED
        for at, grammar in enumerate(GRAMMARS, 2):
            order = Order(do=Do.SAY, id=at, turns=(("user", "Answer."),), max_tokens=4, grammar=grammar)
            assert await told(process, order) is Is.REFUSED, grammar
    finally:
        await process.stop()
    assert not gone


async def told(process: WorkerProcess, order: Order) -> Is:
    """The word that ends an order."""
    async with aclosing(process.reports(order)) as reports:
        async for report in reports:
            if report.what in (Is.LOADED, Is.REFUSED, Is.END):
                return report.what
    raise AssertionError("The worker said nothing.")


def test_the_header_of_the_small_model_lies_where_it_is_cut(smollm: Path, tmp_path: Path) -> None:
    head = tmp_path / "head.gguf"
    with smollm.open("rb") as whole:
        head.write_bytes(whole.read(HEAD))
    with pytest.raises(BadModel, match="its tensors need"):
        read_header(head)
