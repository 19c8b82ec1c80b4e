"""``/v1/shelf`` and the models' routes over the whole application: fetch, bench, cancel, remove, each in the audit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.bed import ggufs
from tests.bed.hub import Hub, hub

from aistack_backend.inference import library
from aistack_backend.inference.models import Piece
from aistack_backend.wire.events import Topic

from .conftest import make_app, running, settings_in, small_world

FILE = ggufs.gguf({**ggufs.sane(), "padding": ggufs.words("x" * 100_000)})


@pytest.fixture
def server() -> Iterator[Hub]:
    with hub() as one:
        one.files["/o/r/resolve/main/tiny.gguf"] = FILE
        yield one


@pytest.fixture
def served(tmp_path: Path, server: Hub) -> FastAPI:
    env = {"AISTACK_MODEL_HUB": server.url, "AISTACK_MODEL_FOLDERS": str(tmp_path / "mine")}
    ggufs.write(tmp_path / "mine/base.gguf", {"tokenizer.chat_template": ggufs.words("{{ x }}")})
    return make_app(settings_in(tmp_path, **env), small_world())


@asynccontextmanager
async def speaking(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as client:
        client.headers["X-Aistack-Via"] = "cli"
        yield client


def read(path: str) -> bytes | None:
    """What a file holds, None when there is none."""
    return Path(path).read_bytes() if Path(path).is_file() else None


async def until(app: FastAPI, holds: Any) -> Any:
    """Wait for a SHELF that holds."""
    async with asyncio.timeout(60), aclosing(app.state.parts.bus.read()) as events:
        async for event in events:
            if event.topic is Topic.SHELF and holds(event.data):
                return event.data
    raise AssertionError("the bus has ended")


def card_of(shelf: Any, name: str) -> Any:
    return next((card for card in shelf.cards if card.name.startswith(name)), None)


async def kinds(client: httpx.AsyncClient) -> list[str]:
    page = (await client.get("/v1/audit?limit=20")).json()
    return [one["kind"] for one in reversed(page["records"]) if one["kind"].startswith("model.")]


async def test_a_model_is_fetched_by_its_hub_name_shown_and_removed(served: FastAPI, tmp_path: Path) -> None:
    async with speaking(served) as client:
        begun = (await client.post("/v1/models", json={"source": "o/r:tiny.gguf"})).json()["card"]
        shelf = await until(served, lambda shelf: (one := card_of(shelf, "tiny")) and one.path)
        card = card_of(shelf, "tiny")
        assert (card.id, card.removable, card.cannot_chat) == (begun["id"], True, "")
        assert card.origin == "our cache: o/r"
        assert read(card.path) == FILE
        again = await client.post("/v1/models", json={"source": "o/r:tiny.gguf"})
        assert (again.status_code, again.json()["detail"]) == (409, "tiny.gguf is here already.")
        wrong = await client.post(f"/v1/models/{card.id}/remove", json={"typed_name": "tiny"})
        assert wrong.status_code == 403
        assert read(card.path)
        gone = await client.post(f"/v1/models/{card.id}/remove", json={"typed_name": card.id})
        assert gone.status_code == 200
        assert read(card.path) is None
        assert (await client.get(f"/v1/models/{card.id}")).status_code == 404
        assert await kinds(client) == ["model.fetch", "model.fetch", "model.remove", "model.remove"]


async def test_a_fetch_is_cancelled_shown_as_broken_off_and_gone_on_with(served: FastAPI, server: Hub) -> None:
    server.hold.clear()
    async with speaking(served) as client:
        card_id = (await client.post("/v1/models", json={"source": "o/r:tiny.gguf"})).json()["card"]["id"]
        await asyncio.to_thread(server.begun.wait, 10)
        shelf = (await client.get("/v1/shelf")).json()
        assert next(card for card in shelf["cards"] if card["id"] == card_id)["fetching"]
        twice = await client.post("/v1/models", json={"source": "o/r:tiny.gguf"})
        assert twice.status_code == 409
        assert (await client.post(f"/v1/models/{card_id}/cancel")).status_code == 200
        broken = card_of(await until(served, lambda one: one.stages and not card_of(one, "tiny").fetching), "tiny")
        assert (broken.have, broken.size, broken.path) == (1000, len(FILE), "")
        server.hold.set()
        assert (await client.post(f"/v1/models/{card_id}/fetch")).status_code == 200
        await until(served, lambda shelf: card_of(shelf, "tiny").path)
        assert server.asked[-1][1] == "bytes=1000-"
        assert (await client.post(f"/v1/models/{card_id}/cancel")).status_code == 404
        assert await kinds(client) == ["model.fetch", "model.fetch", "model.cancel", "model.fetch", "model.cancel"]


async def test_a_fetch_that_fails_says_why_in_its_stage(served: FastAPI) -> None:
    async with speaking(served) as client:
        await client.post("/v1/models", json={"source": "o/r:none.gguf"})
        shelf = await until(served, lambda shelf: any(stage.ended_at for stage in shelf.stages))
        assert "127.0.0.1 has no none.gguf there (HTTP 404)." in shelf.stages[0].detail


@pytest.mark.parametrize("body", [{"source": ""}, {"source": "http://10.0.0.1/x.gguf"}, {"source": "o/r:x"}, {}])
async def test_what_cannot_be_fetched_is_one_sentence(served: FastAPI, body: dict[str, str]) -> None:
    async with speaking(served) as client:
        answer = await client.post("/v1/models", json=body)
        assert answer.status_code == 422


async def test_what_is_not_ours_is_never_removed_nor_benched(served: FastAPI, tmp_path: Path) -> None:
    async with speaking(served) as client:
        shelf = (await client.get("/v1/shelf?fresh=true")).json()
        card = next(card for card in shelf["cards"] if card["name"] == "base")
        refused = await client.post(f"/v1/models/{card['id']}/remove", json={"typed_name": card["id"]})
        assert refused.status_code == 403
        assert read(card["path"])
        bench = await client.post(f"/v1/models/{card['id']}/bench")
        assert (bench.status_code, "is not loaded" in bench.json()["detail"]) == (409, True)
        for verb in ("bench", "cancel", "fetch", "use"):
            assert (await client.post(f"/v1/models/none/{verb}")).status_code == 404


async def test_an_answer_of_the_loaded_model_is_measured(served: FastAPI) -> None:
    async with speaking(served) as client:
        held = served.state.parts.library.get()
        last = Piece(tokens=20, prompt_tokens=30, reused_tokens=10, tokens_per_second=12.0)
        before = served.state.parts.bus.latest(Topic.SHELF)
        held.answered("qwen2.5-coder-0.5b-instruct", "engine 1", last, 0.5)
        held.answered("qwen2.5-coder-0.5b-instruct", "engine 1", last, 9.9)
        await until(served, lambda shelf: shelf != before and any(card.tokens_per_second for card in shelf.cards))
        (one,) = (await client.get("/v1/models/qwen2.5-coder-0.5b-instruct")).json()["measured"]
        assert (one["kind"], one["prompt_tokens"], one["first_token_after"]) == ("answer", 20, 0.5)


async def test_more_models_than_a_list_holds_are_counted_and_the_offered_ones_stay(
    served: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "MOST_CARDS", 10)
    for number in range(30):
        ggufs.write(tmp_path / f"mine/m{number:02}.gguf", {"general.name": ggufs.words(str(number))})
    async with speaking(served) as client:
        shelf = (await client.get("/v1/shelf?fresh=true")).json()
        assert (len(shelf["cards"]), shelf["left_out"]) == (10, 31 - 6)
        assert len([card for card in shelf["cards"] if not card["path"]]) == 4
        await until(served, lambda shelf: not shelf.hashing and all(card.sha256 for card in shelf.cards))
