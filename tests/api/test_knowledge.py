"""The knowledge base over the whole application: documents in, hits with their sources out, each change recorded."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from .conftest import make_app, running, settings_in, small_world


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(make_app(settings_in(tmp_path, AISTACK_MODEL_ENABLED="false"), small_world())) as client:
        client.headers["X-Aistack-Via"] = "cli"
        yield client


DOCUMENTS = "/v1/collections/docs/documents"


async def test_a_text_and_a_file_are_added_found_and_removed(client: httpx.AsyncClient, tmp_path: Path) -> None:
    file = tmp_path / "redis.md"
    file.write_text("# Redis\n\nIt listens on 6379.")
    added = (await client.post(DOCUMENTS, json={"path": str(file)})).json()
    assert (added["outcome"], added["document"]["title"], added["document"]["added_by"]) == (
        "added",
        "Redis",
        f"operator:{(await client.get('/v1/status')).json()['operator']}",
    )
    assert "found by words only" in added["detail"]
    note = {"source": "note:proxy", "text": "nginx listens on 8443", "title": "Proxy"}
    assert (await client.post(DOCUMENTS, json=note)).json()["document"]["source"] == "note:proxy"
    found = (await client.post("/v1/search", json={"question": "6379"})).json()
    assert [(hit["source"], hit["words_rank"], hit["cosine"]) for hit in found["hits"]] == [(str(file), 1, None)]
    (docs,) = (await client.get("/v1/collections")).json()["collections"]
    assert (docs["name"], docs["documents"], docs["without_vector"], docs["model"]) == ("docs", 2, 2, "")
    number = added["document"]["id"]
    assert (await client.post(f"/v1/documents/{number}/remove")).json()["source"] == str(file)
    assert [one["title"] for one in (await client.get(DOCUMENTS)).json()["documents"]] == ["Proxy"]
    records = (await client.get("/v1/audit?limit=50")).json()["records"]
    kinds = [one["kind"] for one in records if one["kind"].startswith("knowledge.")]
    assert kinds == ["knowledge.remove", "knowledge.add", "knowledge.add"]


async def test_bad_input_is_one_sentence(client: httpx.AsyncClient, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "big.txt").write_bytes(b"x" * 9_000_000)
    for body, why in [
        ({}, "A document is a text or a file, and one of them."),
        ({"text": "x", "path": "/x", "source": "s"}, "A document is a text or a file, and one of them."),
        ({"text": "x"}, "A document needs a source of 1 to 2000 characters."),
        ({"path": "relative.md"}, "'relative.md' is no absolute path."),
        ({"path": str(tmp_path / "none")}, f"{tmp_path}/none cannot be read: No such file or directory."),
        ({"path": str(tmp_path)}, f"{tmp_path} is no file."),
        ({"path": str(tmp_path / "pipe")}, f"{tmp_path}/pipe is no file."),
        ({"path": "/dev/zero"}, "/dev/zero is no file."),
        ({"path": str(tmp_path / "a.pdf")}, "a.pdf is a broken PDF"),
        ({"path": str(tmp_path / "big.txt")}, "big.txt has 8388609 bytes; a document has 8388608 at most."),
        ({"text": "x", "source": "s", "keep_days": -1}, "keep_days is -1; more than 0 and less than 36500"),
    ]:
        answer = await client.post(DOCUMENTS, json=body)
        assert (answer.status_code, why in answer.json()["detail"]) == (422, True), answer.text
    assert (await client.post("/v1/collections/A B/documents", json={"text": "x", "source": "s"})).status_code == 422
    assert (await client.post("/v1/search", json={"question": "x", "mode": "magic"})).status_code == 422
    assert (await client.post("/v1/search", json={"question": "x", "mode": "meaning"})).status_code == 503
    assert (await client.post("/v1/search", json={"question": "x", "collections": ["none"]})).status_code == 404
    assert (await client.post("/v1/collections/none/reindex")).status_code == 404
    assert (await client.post("/v1/documents/7/remove")).status_code == 404
    assert (await client.get("/v1/collections")).json()["collections"] == []
