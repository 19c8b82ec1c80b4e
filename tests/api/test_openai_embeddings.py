"""Vectors in OpenAI's form: on the operator's socket, under the role's prefix, and in the role's own container."""

from __future__ import annotations

import asyncio
import base64
import math
import os
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.bed import ggufs
from tests.bed.openai_client import openai

from aistack_backend.api.roles.catalogue import named
from aistack_backend.api.roles.door import Door, tcp
from aistack_backend.api.roles.embed import EmbedService
from aistack_backend.api.roles.model_files import first
from aistack_backend.api.roles.own_vectors import OwnVectors
from aistack_backend.api.roles.serve import site
from aistack_backend.api.roles.site import build
from aistack_backend.clock import SystemClock
from aistack_backend.inference.catalogue import EMBEDDING
from aistack_backend.inference.fetch import model_file
from aistack_backend.inference.interim import site_folder
from aistack_backend.inference.memory import MemoryEngine
from aistack_backend.inference.models import Embeddings
from aistack_backend.wire.rendezvous import cache_dir

DOORS = ("", "/embeddings")


async def ask(client: httpx.AsyncClient, door: str = "", **body: Any) -> httpx.Response:
    return await client.post(f"{door}/v1/embeddings", json=body)


def length(vector: Sequence[float]) -> float:
    return math.sqrt(sum(one * one for one in vector))


@pytest.mark.parametrize("door", DOORS)
async def test_texts_become_vectors_in_their_order(client: httpx.AsyncClient, door: str) -> None:
    said = (await ask(client, door, input=["hello there", "bye"], model="in-memory")).json()
    assert (said["object"], said["model"]) == ("list", "in-memory")
    assert said["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    assert [(one["object"], one["index"], len(one["embedding"])) for one in said["data"]] == [
        ("embedding", 0, 64),
        ("embedding", 1, 64),
    ]
    assert all(math.isclose(length(one["embedding"]), 1, abs_tol=1e-5) for one in said["data"])
    alone = (await ask(client, door, input="bye")).json()
    assert alone["data"][0]["embedding"] == said["data"][1]["embedding"]


async def test_base64_is_of_little_endian_floats(client: httpx.AsyncClient) -> None:
    plain = (await ask(client, input="hello")).json()["data"][0]["embedding"]
    packed = (await ask(client, input="hello", encoding_format="base64")).json()["data"][0]["embedding"]
    assert list(array("f", base64.b64decode(packed))) == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({"input": [1, 2, 3]}, "input", "list of tokens"),
        ({"input": [[1, 2], [3]]}, "input", "list of tokens"),
        ({"input": ["fine", 7]}, "input", "list of tokens"),
        ({"input": []}, "input", "input is empty"),
        ({"input": ""}, "input", "The text is empty"),
        ({"input": ["fine", "  "]}, "input", "Text 2 of 2 is empty"),
        ({"input": "word " * 600}, "input", "has 602 tokens"),
        ({"input": ["a"] * 2049}, "input", "2048"),
        ({"input": {"text": "a"}}, "input", "Expected"),
        ({"input": "hello", "dimensions": 32}, "dimensions", "vectors of 64 numbers, not of 32"),
        ({"input": "hello", "encoding_format": "hex"}, "encoding_format", "hex"),
        ({}, None, "input"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(
    client: httpx.AsyncClient, body: dict[str, Any], param: str | None, said: str
) -> None:
    answer = await ask(client, **body)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert said in error["message"]


async def test_the_right_number_of_dimensions_is_taken_and_other_fields_are_told(client: httpx.AsyncClient) -> None:
    answer = await ask(client, input="hello", dimensions=64, user="me")
    assert answer.status_code == 200
    assert answer.headers["x-aistack-ignored"] == "user"


async def test_another_model_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await ask(client, input="hello", model="text-embedding-3-small")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert "in-memory does" in answer.json()["error"]["message"]


async def test_the_role_lists_its_model_and_is_well(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/embeddings/v1/models")).json()
    assert [one["id"] for one in listed["data"]] == ["in-memory"]
    health = (await client.get("/embeddings/health")).json()
    assert (health["status"], health["not_built"]) == ("ok", [])
    assert "POST /v1/embeddings" in health["built"]
    assert 'route="/v1/models"' in (await client.get("/embeddings/metrics")).text


class Hashes:
    """The engine without a model, as what a role serves."""

    def __init__(self) -> None:
        self._engine = MemoryEngine(check_files=False)

    async def embedder(self) -> str:
        return "in-memory"

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        return await self._engine.embed(Path("in-memory"), texts)


async def test_the_official_client_reads_them_in_the_form_that_it_asks_for_by_itself() -> None:
    service = EmbedService(Hashes, SystemClock())
    made = build(named("embeddings"), service.endpoints(), (), "container")
    with tcp("127.0.0.1", 0) as bound:
        door = Door(made, bound)
        await door.open()
        try:
            url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
            plain = openai.DefaultAsyncHttpxClient(trust_env=False)
            async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, http_client=plain) as asking:
                said = await asking.embeddings.create(model="in-memory", input=["hello there", "bye"])
                assert [len(one.embedding) for one in said.data] == [64, 64]
                assert math.isclose(length(said.data[0].embedding), 1, abs_tol=1e-5)
                assert said.usage.total_tokens == 7
                with pytest.raises(openai.BadRequestError, match="list of tokens"):
                    await asking.embeddings.create(model="in-memory", input=[1, 2])
                with pytest.raises(openai.NotFoundError, match="in-memory does"):
                    await asking.embeddings.create(model="other", input="hello")
        finally:
            await door.close()


@asynccontextmanager
async def contained(own: OwnVectors) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(site(named("embeddings"), {}, None, own), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        own.start()
        try:
            yield client
        finally:
            await own.stop()


async def test_a_container_without_a_model_says_so_and_the_stack_boots_all_the_same(tmp_path: Path) -> None:
    async with contained(OwnVectors(tmp_path, None, tmp_path)) as client:
        health = await client.get("/health")
        assert (health.status_code, health.json()["not_built"]) == (
            200,
            ["making vectors: no model of vectors lies in /models"],
        )
        answer = await ask(client, input="hello")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_embedding_model")
        assert "No model of vectors lies in /models." in answer.json()["error"]["message"]
        assert (await client.get("/v1/models")).json()["data"] == []


async def test_a_container_whose_model_cannot_be_loaded_is_not_well(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"no model")
    own = OwnVectors(tmp_path, bad, tmp_path)
    async with contained(own) as client:
        assert (await client.get("/health")).status_code == 503
        await asyncio.wait_for(own.settled(), 60)
        health = await client.get("/health")
        assert (health.status_code, "not a GGUF file" in health.text) == (503, True)
        assert (await ask(client, input="hello")).status_code == 503


def test_each_role_takes_the_first_file_of_its_kind(tmp_path: Path) -> None:
    assert first(tmp_path, vectors=True) is None
    pairs = {name.replace("llama.", "bert."): value for name, value in ggufs.sane().items()}
    pairs["general.architecture"] = ggufs.words("bert")
    (tmp_path / "a.gguf").write_bytes(ggufs.gguf(pairs))
    (tmp_path / "b.gguf").write_bytes(b"broken")
    ggufs.write(tmp_path / "c.gguf")
    assert first(tmp_path, vectors=True) == tmp_path / "a.gguf"
    assert first(tmp_path, vectors=False) == tmp_path / "b.gguf"


@pytest.mark.engine
async def test_a_container_with_the_real_model_makes_vectors(tmp_path: Path) -> None:
    cache = cache_dir(os.environ)
    model = model_file(cache, EMBEDDING)
    own = OwnVectors(site_folder(cache), model, tmp_path)
    async with contained(own) as client:
        await asyncio.wait_for(own.settled(), 200)
        health = await client.get("/health")
        assert "xllamacpp" in health.json()["checks"][0]["detail"]
        said = (await ask(client, input=["The disk is full.", "No space is left."], model=model.name)).json()
        one, other = (row["embedding"] for row in said["data"])
        assert len(one) == 384
        assert sum(a * b for a, b in zip(one, other, strict=True)) > 0.5
        refused = await ask(client, input="word " * 600)
        assert (refused.status_code, "has 602 tokens" in refused.text) == (400, True)
