"""The embeddings service: what waits is joined, each gets its own, and what is full, late or wrong is told as that."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from aistack_backend.api.roles.catalogue import named
from aistack_backend.api.roles.embed import EmbedService
from aistack_backend.api.roles.own_vectors import OwnVectors
from aistack_backend.api.roles.serve import site
from aistack_backend.api.roles.site import build
from aistack_backend.api.roles.vector_queue import QueueFull, TooLate, VectorQueue
from aistack_backend.clock import SystemClock
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference.catalogue import EMBEDDING
from aistack_backend.inference.fetch import model_file
from aistack_backend.inference.interim import site_folder
from aistack_backend.inference.memory import MemoryEngine
from aistack_backend.inference.models import Embeddings
from aistack_backend.wire.rendezvous import cache_dir


class Gated:
    """The engine without a model, which begins when the test says so."""

    def __init__(self) -> None:
        self._engine = MemoryEngine(check_files=False)
        self.batches: list[int] = []
        self.free = asyncio.Event()
        self.begun = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def embedder(self) -> str:
        return "in-memory"

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        self.batches.append(len(texts))
        self.begun.set()
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return await self._engine.embed(Path("in-memory"), texts)


async def alone(texts: Sequence[str]) -> Embeddings:
    return await MemoryEngine(check_files=False).embed(Path("in-memory"), texts)


async def waits(queue: VectorQueue, depth: int) -> None:
    """Let others go on until so many wait."""
    for _ in range(1000):
        if queue.depth >= depth:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"{queue.depth} wait, not {depth}")


def numbers(text: str) -> dict[tuple[str, str], float]:
    """Every sample, by its name and its labels' values."""
    found = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            found[one.name, " ".join(one.labels.values())] = one.value
    return found


async def test_what_waits_is_joined_and_each_gets_its_own() -> None:
    held = Gated()
    queue = VectorQueue(held.embed, SystemClock(), joined=8)
    wishes = [[f"text {at}", f"word {at * 7}"] for at in range(9)]
    first = asyncio.create_task(queue.embed(["first"]))
    await held.begun.wait()
    rest = [asyncio.create_task(queue.embed(wish)) for wish in wishes]
    await waits(queue, 9)
    held.free.set()
    answers = await asyncio.gather(*rest)
    await first
    assert held.batches == [1, 8, 8, 2]
    for wish, answer in zip(wishes, answers, strict=True):
        single = await alone(wish)
        assert (answer.vectors, answer.tokens, answer.counts) == (single.vectors, single.tokens, single.counts)
    assert queue.depth == 0


async def test_one_bad_text_refuses_its_own_request_alone_and_is_named_right() -> None:
    held = Gated()
    queue = VectorQueue(held.embed, SystemClock())
    good = [asyncio.create_task(queue.embed([f"good {at}"])) for at in range(3)]
    bad = asyncio.create_task(queue.embed(["fine", "word " * 600]))
    await held.begun.wait()
    held.free.set()
    found = await asyncio.gather(*good)
    assert [len(one.vectors) for one in found] == [1, 1, 1]
    with pytest.raises(BadInput, match="Text 2 of 2 has 602 tokens"):
        await bad
    with pytest.raises(BadInput, match="Text 1 of 2 is empty"):
        await queue.embed(["", "x"])


async def test_full_late_and_left() -> None:
    held = Gated()
    queue = VectorQueue(held.embed, SystemClock(), depth=2, texts=5, within=0.2)
    running = asyncio.create_task(queue.embed(["a"]))
    await held.begun.wait()
    waiting = [asyncio.create_task(queue.embed(["b", "c"])) for _ in range(2)]
    await waits(queue, 2)
    with pytest.raises(QueueFull, match="2 requests with 4 texts wait") as full:
        await queue.embed(["d"])
    assert full.value.again >= 1
    for one in (running, *waiting):
        with pytest.raises(TooLate, match=r"no vectors within 0\.2 s"):
            await one
    await held.cancelled.wait()  # nobody waits for that batch any more
    assert queue.depth == 0
    held.free.set()
    assert len((await queue.embed(["e"])).vectors) == 1


async def test_what_fails_is_told_to_everybody_and_the_next_is_served() -> None:
    calls = 0

    async def failing(texts: Sequence[str]) -> Embeddings:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Unavailable("The engine died.")
        return await alone(texts)

    queue = VectorQueue(failing, SystemClock())
    said = await asyncio.gather(*(queue.embed([str(at)]) for at in range(3)), return_exceptions=True)
    assert [str(one) for one in said] == ["The engine died."] * 3
    assert (await queue.embed(["x"])).dimensions == 64


async def test_the_service_answers_and_its_numbers_are_what_happened() -> None:
    held = Gated()
    service = EmbedService(lambda: held, SystemClock(), worker=lambda: 77)
    service.queue = VectorQueue(held.embed, SystemClock(), depth=1)
    service.queue.on_batch = service.numbers.batch
    app = build(named("embeddings"), service.endpoints(), (), "container")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        before = numbers((await client.get("/metrics")).text)
        assert ("embeddings_model_load_seconds", "") not in before
        running = asyncio.create_task(client.post("/embed", json={"inputs": "hello there"}))
        await held.begun.wait()
        waiting = asyncio.create_task(client.post("/embed", json={"inputs": ["bye", "now"]}))
        await waits(service.queue, 1)
        assert numbers((await client.get("/metrics")).text)["embeddings_batch_queue_depth", ""] == 1
        full = await client.post("/embed", json={"inputs": "x"})
        assert (full.status_code, full.json()["type"], int(full.headers["retry-after"]) >= 1) == (
            503,
            "too-many-requests",
            True,
        )
        other = await client.post("/v1/embeddings", json={"input": "x"})
        assert (other.status_code, "retry-after" in other.headers) == (429, True)
        held.free.set()
        assert (await running).json() == [list(one) for one in (await alone(["hello there"])).vectors]
        assert [len(one) for one in (await waiting).json()] == [64, 64]
        assert (await client.get("/info")).json() == {
            "model": "in-memory",
            "dimensions": 64,
            "max_sequence_length": 512,
        }
        said = numbers((await client.get("/metrics")).text)
    assert said["embeddings_requests_total", "/embed 200"] == 2
    assert said["embeddings_requests_total", "/embed 503"] == 1
    assert said["embeddings_request_errors_total", "/embed"] == 1
    assert said["embeddings_request_latency_seconds_count", "/embed"] == 3
    assert (said["embeddings_batch_size_sum", ""], said["embeddings_batch_size_count", ""]) == (3, 2)
    assert said["embeddings_batch_wait_seconds_count", ""] == 2
    assert said["embeddings_process_memory_bytes", "model worker"] == 77
    assert said["embeddings_process_memory_bytes", "service"] > 10_000_000


async def test_late_is_504_in_either_form() -> None:
    held = Gated()
    service = EmbedService(lambda: held, SystemClock())
    service.queue = VectorQueue(held.embed, SystemClock(), within=0.05)
    app = build(named("embeddings"), service.endpoints(), (), "container")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        late = await client.post("/embed", json={"inputs": "x"})
        assert (late.status_code, late.json()["type"]) == (504, "too-late")
        assert (await client.post("/v1/embeddings", json={"input": "x"})).status_code == 504


BAD: tuple[tuple[object, str], ...] = (
    ({}, "inputs"),
    ({"inputs": []}, "There is no text"),
    ({"inputs": ""}, "The text is empty"),
    ({"inputs": ["a", 3]}, "inputs"),
    ({"inputs": {"a": 1}}, "inputs"),
    ({"inputs": ["a"] * 2049}, "2048 at most"),
    ({"inputs": "a", "truncate": True}, "Only whole texts"),
    ({"inputs": "a", "normalize": False}, "Only whole texts"),
    ({"inputs": "word " * 600}, "has 602 tokens"),
    ([], "no JSON object"),
)


async def test_a_bad_wish_is_one_sentence(client: httpx.AsyncClient) -> None:
    for body, said in BAD:
        answer = await client.post("/embeddings/embed", json=body)
        assert (answer.status_code, said in answer.json()["detail"]) == (422, True), answer.text


async def test_the_backend_serves_it_under_its_prefix(client: httpx.AsyncClient) -> None:
    assert (await client.get("/embeddings/info")).json()["dimensions"] == 64  # nobody asked before: it was measured
    assert len((await client.post("/embeddings/embed", json={"inputs": ["a", "b"]})).json()) == 2
    assert "embeddings_batch_size_count 2.0" in (await client.get("/embeddings/metrics")).text


@pytest.mark.engine
async def test_the_containers_real_model(tmp_path: Path) -> None:
    cache = cache_dir(os.environ)
    model = model_file(cache, EMBEDDING)
    own = OwnVectors(site_folder(cache), model, tmp_path)
    app = site(named("embeddings"), {}, None, own)
    own.start()
    try:
        await asyncio.wait_for(own.settled(), 120)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            info = (await client.get("/info")).json()
            assert info == {"model": model.name, "dimensions": 384, "max_sequence_length": 512}
            asked = [client.post("/embed", json={"inputs": f"text {at}"}) for at in range(20)]
            answers = await asyncio.gather(*asked)
            assert {(one.status_code, len(one.json()[0])) for one in answers} == {(200, 384)}
            said = numbers((await client.get("/metrics")).text)
    finally:
        await own.stop()
    assert said["embeddings_model_load_seconds", ""] > 0
    assert said["embeddings_batch_size_sum", ""] == 20
    assert said["embeddings_batch_size_count", ""] < 20
    assert said["embeddings_process_memory_bytes", "model worker"] > 40_000_000
