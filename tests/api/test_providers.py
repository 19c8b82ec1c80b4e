"""``/v1/providers`` over the whole application: listing sends nothing, a check is recorded and says what it sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.bed.endpoint import Endpoint, endpoint, streamed

from .conftest import make_app, running, settings_in, small_world


@asynccontextmanager
async def served(tmp_path: Path, there: Endpoint) -> AsyncIterator[httpx.AsyncClient]:
    file = tmp_path / "config.toml"
    file.write_text(f'[providers.far]\nurl = "{there.url}"\nmodel = "big"\n')
    app = make_app(settings_in(tmp_path, AISTACK_CONFIG=str(file)), small_world())
    async with running(app) as client:
        client.headers["X-Aistack-Via"] = "cli"
        assert app.state.parts.providers.part is not None, "it comes before the model, which was waited for"
        yield client


async def records(client: httpx.AsyncClient) -> list[Any]:
    found = (await client.get("/v1/audit?text=provider.check")).json()["records"]
    return [(one["kind"], one["object"], one["via"]) for one in found]


async def test_listing_sends_nothing_and_a_check_is_recorded(tmp_path: Path) -> None:
    with endpoint({"data": [{"id": "big"}]}, {"data": []}, streamed("ready", read=9, written=1)) as there:
        async with served(tmp_path, there) as client:
            (one,) = (await client.get("/v1/providers")).json()["providers"]
            assert (one["name"], one["breaker"]["state"], one["latency"], one["today"]["cost"]) == (
                "far", "closed", None, None,
            )  # fmt: skip
            assert there.asked == []
            assert await records(client) == []
            done = (await client.post("/v1/providers/far/check")).json()
            assert (done["ok"], len(done["steps"])) == (True, 1)
            done = (await client.post("/v1/providers/far/check?ask=true")).json()
            assert [step["ok"] for step in done["steps"]] == [True, True]
            assert (done["steps"][1]["tokens_in"], done["provider"]["today"]["tokens_out"]) == (9, 1)
            assert await records(client) == [
                ("provider.check", "far ask", "cli"), ("provider.check", "far", "cli"),
            ]  # fmt: skip
    assert [path for path, _, _ in there.asked] == ["/v1/models", "/v1/models", "/v1/chat/completions"]


async def test_a_check_that_fails_is_an_answer_and_no_such_name_is_a_problem(tmp_path: Path) -> None:
    with endpoint({"error": "down"}, status=500) as there:
        async with served(tmp_path, there) as client:
            answer = await client.post("/v1/providers/far/check")
            assert (answer.status_code, answer.json()["ok"]) == (200, False)
            assert "down" in answer.json()["provider"]["breaker"]["last_error"]
            answer = await client.post("/v1/providers/near/check")
            assert (answer.status_code, answer.json()["type"]) == (404, "not-found")
            assert len(await records(client)) == 1, "what names nothing is not tried"


async def test_without_a_record_nothing_is_sent(tmp_path: Path) -> None:
    with endpoint({"data": []}) as there:
        async with served(tmp_path, there) as client:
            witness = tmp_path / "d" / "audit"
            broken = [one for one in witness.iterdir() if one.is_file() and "witness" in one.name]
            assert broken, [one.name for one in witness.iterdir()]
            for one in broken:
                one.unlink()
                one.mkdir()
            answer = await client.post("/v1/providers/far/check")
            assert answer.status_code == 503, answer.text
    assert there.asked == []
