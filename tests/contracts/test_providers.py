"""The contract of endpoints elsewhere: on the bed of our own, and on llama.cpp's own server with a small model."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.bed.endpoint import completion, endpoint, streamed
from tests.bed.far_world import ASK, CANARY, transport
from tests.bed.llama_server import llama_server
from tests.bed.provider_contract import ProviderContract, Spot

from aistack_backend.inference import catalogue, fetch, interim
from aistack_backend.inference.models import Turn
from aistack_backend.inference.packages import Stopper
from aistack_backend.inference.providers.faults import KeyRefused, Rejected
from aistack_backend.inference.providers.models import Ask
from aistack_backend.wire.chat import Role
from aistack_backend.wire.rendezvous import cache_dir

LONG = Ask(turns=(Turn(role=Role.USER, text="word " * 5_000),))
WORDS = ["hello", "to", "you", "and", "to", "everybody", "else"]


def said(body: Any) -> Any:
    """Answer as an endpoint would."""
    if body is None:
        return {"data": [{"id": "big"}]}
    if not body["messages"]:
        return {"error": {"message": "There are no messages."}}
    words = WORDS[: body["max_tokens"]]
    reason = "length" if len(words) == body["max_tokens"] else "stop"
    counts = {"read": 5, "written": len(words), "reason": reason}
    if body.get("stream"):
        return streamed(*(f"{word} " for word in words), **counts)
    return completion(" ".join(words), **counts)


class TestBed(ProviderContract):
    """The endpoint of our tests."""

    @pytest.fixture
    def spot(self) -> Iterator[Spot]:
        with endpoint(said) as made:
            yield Spot(made.url, "big")


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("key") / "key"
    file.write_text(CANARY)
    file.chmod(0o600)
    return file


def untold(stage: str, done: int, total: int | None, unit: str, words: str) -> None:
    """Take progress that nobody follows."""


@pytest.mark.engine
class TestLlamaServer(ProviderContract):
    """llama.cpp's own server."""

    @pytest.fixture(scope="class")
    def served(self, key_file: Path) -> Iterator[str]:
        cache, tell = cache_dir(os.environ), untold
        site = interim.prepare(cache, tell, Stopper())
        with llama_server(site, fetch.fetch(catalogue.SMALL, cache, tell, Stopper()), CANARY) as url:
            yield url

    @pytest.fixture
    def spot(self, served: str, key_file: Path) -> Spot:
        return Spot(served, "small", str(key_file), refused=LONG)

    async def test_a_wrong_key_and_none(self, served: str, tmp_path: Path) -> None:
        wrong = tmp_path / "wrong"
        wrong.write_text("sk-other")
        wrong.chmod(0o600)
        for file in ("", str(wrong)):
            with pytest.raises(KeyRefused, match="answers 401") as raised:
                await transport(served, model="small", key_file=file).whole(ASK)
            assert "sk-other" not in raised.value.detail

    async def test_a_schema_is_kept(self, spot: Spot) -> None:
        shape = {"type": "object", "properties": {"ok": {"enum": ["yes", "no"]}}, "required": ["ok"]}
        ask = Ask(turns=ASK.turns, schema=json.dumps(shape), max_tokens=40, temperature=0.0)
        assert json.loads((await spot.transport().whole(ask)).text)["ok"] in ("yes", "no")

    async def test_too_long_is_our_own_fault(self, spot: Spot) -> None:
        with pytest.raises(Rejected, match="answers 400"):
            await spot.transport().whole(LONG)

    async def test_it_embeds(self, key_file: Path) -> None:
        cache, tell = cache_dir(os.environ), untold
        site = interim.prepare(cache, tell, Stopper())
        model = fetch.fetch(catalogue.SMALL, cache, tell, Stopper())
        with llama_server(site, model, CANARY, embeds=True) as url:
            found = await transport(url, model="small", key_file=str(key_file)).embed(["a cat", "the sea", "a cat"])
        assert [len(one) for one in found.vectors] == [576] * 3
        assert found.vectors[0] == pytest.approx(found.vectors[2], abs=1e-3)
        assert found.vectors[0] != pytest.approx(found.vectors[1], abs=1e-3)
        assert found.tokens is not None
        assert found.tokens.read > 3
