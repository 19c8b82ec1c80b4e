"""The role aidb: what it answers, what it refuses, and that nobody removes or replaces anything through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from tests.backend.knowledge.conftest import Meanings
from tests.bed.qdrant import QdrantServer

from aistack_backend.api.roles.aidb import endpoints
from aistack_backend.api.roles.catalogue import named
from aistack_backend.api.roles.desk import Desk
from aistack_backend.api.roles.far_vectors import FarVectors
from aistack_backend.api.roles.own_knowledge import OwnKnowledge
from aistack_backend.api.roles.serve import site
from aistack_backend.api.roles.site import build
from aistack_backend.clock import HandClock
from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.knowledge.search import Search
from aistack_backend.knowledge.service import Knowledge
from aistack_backend.orchestration.routing.limits import A_MINUTE
from aistack_backend.store.database import Database

from .conftest import make_app, running, settings_in, small_world


class Shop:
    """The role over a knowledge base of its own, with vectors by words."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.embeds = HandClock(), Meanings()
        self.database = Database(f"sqlite:///{folder}/a.db")
        self.base = Knowledge(self.database, self.clock, self.embeds)
        search = Search(self.database, self.clock, self.embeds, uses=self.base.uses)
        self.said: list[tuple[str, str]] = []
        self.refuse = False
        self.desk = Desk(self.base, search, self.embeds, "role:aidb", self.record)
        self.app = build(named("aidb"), endpoints(lambda: self.desk, self.clock), (), "embedded")

    def record(self, kind: str, what: str) -> None:
        if self.refuse:
            raise Unavailable("The audit cannot be written.")
        self.said.append((kind, what))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(shop.app), base_url="http://aidb:8091") as client:
        yield client


REDIS = {"text": "# Redis\n\nThe port of redis is 6379.", "source": "note:redis", "collection": "docs"}


async def test_a_text_is_submitted_recorded_found_and_read(client: httpx.AsyncClient, shop: Shop) -> None:
    added = (await client.post("/documents", json=REDIS)).json()
    assert (added["outcome"], added["document"]["added_by"], added["detail"]) == ("added", "role:aidb", "")
    assert shop.said == [("knowledge.submit", "docs: note:redis")]
    assert (await client.post("/documents", json=REDIS)).json()["outcome"] == "unchanged"
    found = (await client.post("/search", json={"query": "port of redis"})).json()
    (hit,) = found["hits"]
    assert (hit["words_rank"], hit["meaning_rank"], found["vectors"]) == (1, 1, "exact")
    assert hit["citation"] == "Redis (note:redis, characters 0 to 35)"
    read = (await client.get(f"/documents/{hit['document_id']}")).json()
    assert [one["text"] for one in read["passages"]] == [REDIS["text"]]
    assert [one["source"] for one in (await client.get("/documents?collection=docs")).json()["documents"]] == [
        "note:redis"
    ]
    (docs,) = (await client.get("/collections")).json()["collections"]
    assert (docs["name"], docs["model"], docs["without_vector"]) == ("docs", "words-64", 0)


async def test_vectors_are_made_and_searched(client: httpx.AsyncClient) -> None:
    await client.post("/documents", json=REDIS)
    made = (await client.post("/vector/embed", json={"texts": ["harbour of redis"]})).json()
    assert (made["model"], made["dimensions"], len(made["vectors"][0])) == ("words-64", 64, 64)
    near = {"collection": "docs", "embedding": made["vectors"][0], "limit": 1}
    (by_vector,) = (await client.post("/vector/search", json=near)).json()["hits"]
    (by_words,) = (await client.post("/vector/search", json={"query": "harbour of redis"})).json()["hits"]
    assert by_vector["cosine"] == pytest.approx(by_words["cosine"])
    assert (await client.post("/vector/search", json={**near, "min_score": 0.999})).json()["hits"] == []
    short = await client.post("/vector/search", json={**near, "embedding": [1.0, 0.0]})
    assert (short.status_code, "of 2 numbers" in short.json()["detail"]) == (422, True)


async def test_nothing_is_replaced_or_removed_here(client: httpx.AsyncClient, shop: Shop) -> None:
    await client.post("/documents", json=REDIS)
    other = await client.post("/documents", json={**REDIS, "text": "nothing listens"})
    assert (other.status_code, other.json()["type"]) == (409, "conflict")
    number = shop.base.documents("docs")[0].id
    for method, path in [
        ("DELETE", f"/documents/{number}"),
        ("POST", f"/documents/{number}"),
        ("PUT", "/documents"),
        ("DELETE", "/collections"),
    ]:
        assert (await client.request(method, path, json={})).status_code == 405
    for path in (f"/documents/{number}/remove", "/collections/docs/sweep", "/collections/docs/reindex"):
        assert (await client.post(path, json={})).status_code == 404
    assert [one.source for one in shop.base.documents("docs")] == ["note:redis"]


async def test_without_a_record_nothing_is_kept(client: httpx.AsyncClient, shop: Shop) -> None:
    shop.refuse = True
    assert (await client.post("/documents", json=REDIS)).status_code == 503
    assert shop.base.collections() == ()


BAD = [
    ("/search", {"query": ""}),
    ("/search", {"query": "x" * 10_241}),
    ("/search", {"query": "x", "limit": 0}),
    ("/search", {"query": "x", "limit": 101}),
    ("/search", {"query": "x", "limit": "5"}),
    ("/search", {"query": "x", "mode": "magic"}),
    ("/search", {"query": "x", "kind": "docx"}),
    ("/search", {"query": "x", "added_after": 2.0, "added_before": 1.0}),
    ("/search", {"query": "../../../etc/passwd"}),
    ("/search", {"query": "<script>alert(1)</script>"}),
    ("/search", {"query": "'; DROP TABLE knowledge_document; --"}),
    ("/search", {"query": "' OR '1'='1"}),
    ("/search", {"query": "a\0b"}),
    ("/search", {}),
    ("/vector/search", {"query": "x", "embedding": [1.0]}),
    ("/vector/search", {}),
    ("/vector/search", {"query": "x", "limit": 101}),
    ("/vector/search", {"query": "1' UNION SELECT password"}),
    ("/vector/embed", {"texts": []}),
    ("/vector/embed", {"texts": ["x"] * 65}),
    ("/vector/embed", {"texts": ["x" * 10_241]}),
    ("/documents", {"text": ""}),
    ("/documents", {"text": "x", "source": "/etc/passwd"}),
    ("/documents", {"text": "x", "source": "note:../../../etc/shadow"}),
    ("/documents", {"text": "x", "collection": "../x"}),
    ("/documents", {"text": "x", "kind": "pdf"}),
    ("/documents", {"text": "x", "keep_days": 0}),
]


@pytest.mark.parametrize(("path", "body"), BAD, ids=[f"{path} {str(body)[:40]}" for path, body in BAD])
async def test_bad_input_is_one_sentence(
    client: httpx.AsyncClient, shop: Shop, path: str, body: dict[str, object]
) -> None:
    answer = await client.post(path, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"].endswith(".")
    assert shop.base.collections() == ()


async def test_a_caller_is_served_sixty_a_minute(client: httpx.AsyncClient, shop: Shop) -> None:
    for _ in range(A_MINUTE):
        assert (await client.get("/collections")).status_code == 200
    over = await client.get("/collections")
    assert (over.status_code, "60 questions a minute" in over.json()["detail"]) == (429, True)
    assert over.headers["retry-after"] == "60"
    assert (await client.get("/health")).status_code == 200
    shop.clock.advance(61)
    assert (await client.get("/collections")).status_code == 200


async def test_a_limit_that_is_no_number(client: httpx.AsyncClient) -> None:
    for limit in ("x", "-1", "1e3", "", "0", "101"):
        assert (await client.get(f"/documents?limit={limit}")).status_code == 422
    assert (await client.get("/documents?collection=none")).status_code == 404
    assert (await client.get("/documents/7")).status_code == 404


async def test_embedded_a_submission_is_in_the_audit(tmp_path: Path) -> None:
    app: FastAPI = make_app(settings_in(tmp_path, AISTACK_MODEL_ENABLED="false"), small_world())
    async with running(app) as operator:
        assert (await operator.post("/aidb/documents", json=REDIS)).json()["outcome"] == "added"
        records = (await operator.get("/v1/audit?limit=20")).json()["records"]
        (one,) = [one for one in records if one["kind"] == "knowledge.submit"]
        assert (one["actor"], one["object"]) == ("role:aidb", "docs: note:redis")
        health = (await operator.get("/aidb/health")).json()
        assert health["checks"][0]["detail"] == "1 document in 1 collection."


@pytest.mark.timeout(120)
async def test_in_its_container_it_binds_first_and_waits_for_the_database(postgres: str, tmp_path: Path) -> None:
    from tests.bed.postgres import emptied

    qdrant = QdrantServer(tmp_path / "q", key="k")
    (tmp_path / "key").write_text("k\n")
    env = {
        "AISTACK_DATABASE": "postgresql+psycopg://nobody@/none?host=/nonexistent",
        "QDRANT_URL": qdrant.url,
        "QDRANT_KEY_FILE": str(tmp_path / "key"),
        "EMBEDDINGS_URL": "http://127.0.0.1:1",
    }
    own = OwnKnowledge(env)
    transport = httpx.ASGITransport(site(named("aidb"), env, documents=own))
    async with httpx.AsyncClient(transport=transport, base_url="http://aidb:8091") as client:
        own.start()
        early = await client.get("/collections")
        assert (early.status_code, "cannot be read yet" in early.json()["detail"]) == (503, True)
        env["AISTACK_DATABASE"] = emptied(postgres, "aidb")
        async with asyncio.timeout(60):
            await own.opened()
        added = (await client.post("/documents", json=REDIS)).json()
        assert added["detail"].startswith("It is found by words only: The embeddings service at http://127.0.0.1:1")
        found = (await client.post("/search", json={"query": "6379"})).json()
        assert (found["mode"], len(found["hits"])) == ("words", 1)
        said = (await client.get("/health")).json()["checks"]
        assert [one["name"] for one in said] == ["postgres", "qdrant", "documents", "embeddings"]
        assert said[2]["detail"] == "1 document in 1 collection."
        assert (said[3]["ok"], said[3]["detail"].startswith("Search is by words only")) == (True, True)
    await own.stop()
    qdrant.stop()


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (503, {"detail": "No model of vectors lies in /models."}, "makes no vectors: No model"),
        (422, {"error": {"message": "It is too long."}}, "takes it not: It is too long."),
        (200, {"data": []}, "answered something else: 0 vectors for 1 texts"),
        (200, {"data": [{"index": 0, "embedding": []}], "model": "m"}, "answered something else"),
        (200, {"data": [{"index": 0, "embedding": ["x"]}], "model": "m"}, "answered something else"),
        (200, [], "answered something else"),
    ],
)
async def test_an_embeddings_service_that_answers_badly_is_told(status: int, body: object, why: str) -> None:
    vectors = FarVectors("http://embeddings:8081")
    await vectors.close()
    answer = httpx.Response(status, json=body)
    vectors._client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer))
    with pytest.raises(BackendError) as told:
        await vectors.embed(["x"])
    assert why in told.value.detail
    await vectors.close()
