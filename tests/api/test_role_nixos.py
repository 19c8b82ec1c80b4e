"""The role nixos-docs and the operator's routes over the whole application: nothing made up, dated, no way to clear."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import brotli
import httpx
import pytest
from tests.bed.nixpkgs import MANUAL, options, packages
from tests.bed.postgres import emptied

from aistack_backend.api.roles.catalogue import named
from aistack_backend.api.roles.own_nixos import OwnNixos
from aistack_backend.api.roles.serve import site
from aistack_backend.orchestration.routing.limits import A_MINUTE

from .conftest import make_app, running, settings_in, small_world


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(make_app(settings_in(tmp_path, AISTACK_MODEL_ENABLED="false"), small_world())) as client:
        client.headers["X-Aistack-Via"] = "cli"
        yield client


async def post(client: httpx.AsyncClient, where: str, /, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await client.post(where, json=body)).json()
    return found


def names(answer: dict[str, Any]) -> list[str]:
    return [hit["name"] for hit in answer["hits"]]


async def filled(client: httpx.AsyncClient, folder: Path) -> None:
    files = {"packages.json": packages(20), "options.json": options(20), "manual.md": MANUAL}
    for name, data in files.items():
        (folder / name).write_bytes(data)
        assert (await post(client, "/v1/nixos/import", path=str(folder / name)))["outcome"] == "added"


async def test_without_an_index_it_is_well_and_says_that_there_is_none(client: httpx.AsyncClient) -> None:
    health = (await client.get("/nixos/health")).json()
    assert (health["status"], health["not_built"]) == ("ok", [])
    assert "No index of NixOS packages, options or manuals is here." in health["checks"][0]["detail"]
    found = await post(client, "/nixos/packages/search", name="firefox", channel="nixos-unstable")
    assert (found["hits"], found["searched"]) == ([], 0)
    assert found["detail"].startswith("No index of NixOS packages of nixos-unstable is here.")
    stats = (await client.get("/nixos/cache/stats")).json()
    assert (stats["sources"], stats["entries"], stats["oldest_imported_at"]) == (0, 0, None)


async def test_files_are_read_in_and_found_at_the_role(client: httpx.AsyncClient, tmp_path: Path) -> None:
    await filled(client, tmp_path)
    assert names(await post(client, "/nixos/packages/search", name="ripgrep")) == ["ripgrep"]
    found = await post(client, "/nixos/options/search", option="services.nginx")
    assert names(found)[0] == "services.nginx.enable"
    assert "option nixos-unstable: 37 entries, published today" in found["detail"]
    both = await post(client, "/nixos/search", query="nginx", limit=20)
    assert {hit["kind"] for hit in both["hits"]} == {"package", "option"}
    assert names(await post(client, "/nixos/search", query="rollback", sources=["manuals"])) == ["Rolling back"]
    said = (await client.get("/nixos/sources")).json()["sources"]
    assert [one["name"] for one in said] == ["manual NixOS Manual", "option nixos-unstable", "package nixos-unstable"]
    assert said == (await client.get("/v1/nixos")).json()["sources"]
    stats = (await client.get("/nixos/cache/stats")).json()
    assert (stats["sources"], stats["entries"]) == (3, 36 + 37 + 4)
    assert names(await post(client, "/v1/nixos/search", question="git", kinds=["package"])) == ["git"]
    records = (await client.get("/v1/audit?limit=50")).json()["records"]
    assert [one["kind"] for one in records].count("nixos.import") == 3


async def test_bad_wishes_are_one_sentence_and_nothing_can_be_cleared(client: httpx.AsyncClient) -> None:
    for path, body, why in (
        ("/search", {}, "query"),
        ("/search", {"query": ""}, "1 to 2000 characters"),
        ("/search", {"query": "x" * 2001}, "1 to 2000 characters"),
        ("/search", {"query": "x", "sources": ["nix.dev"]}, "no source 'nix.dev'"),
        ("/search", {"query": "x", "limit": 101}, "1 to 100 hits"),
        ("/packages/search", {"name": 7}, "name"),
        ("/options/search", {"option": "x", "limit": 0}, "1 to 100 hits"),
    ):
        answer = await client.post(f"/nixos{path}", json=body)
        assert (answer.status_code, why in answer.json()["detail"]) == (422, True), answer.text
    for method, path in (("DELETE", "/cache/clear"), ("POST", "/cache/clear"), ("POST", "/sync"), ("POST", "/import")):
        assert (await client.request(method, f"/nixos{path}", json={})).status_code == 404


async def test_a_caller_asks_sixty_times_a_minute_and_is_told_when_it_may_again(client: httpx.AsyncClient) -> None:
    attacks = ("'; DROP TABLE task; --", "' OR '1'='1", "../../../../etc/passwd", "<script>alert(1)</script>", "\x00")
    for path, field in (("/search", "query"), ("/packages/search", "name"), ("/options/search", "option")):
        for text in attacks:
            answer = await client.post(f"/nixos{path}", json={field: text})
            assert (answer.status_code, answer.json()["type"]) == (422, "pattern-refused"), answer.text
        answer = await client.post(f"/nixos{path}", json={field: "x" * 900_000})
        assert (answer.status_code, "1 to 2000 characters" in answer.json()["detail"]) == (422, True)
    for _ in range(A_MINUTE - 3 * (len(attacks) + 1)):
        assert (await client.post("/nixos/packages/search", json={"name": "services.nginx.enable"})).status_code == 200
    over = await client.post("/nixos/search", json={"query": "git"})
    assert (over.status_code, over.json()["type"]) == (429, "too-often")
    assert over.json()["detail"] == "60 questions a minute are the most."
    assert 1 <= int(over.headers["retry-after"]) <= 60
    for path in ("/health", "/sources", "/cache/stats"):
        assert (await client.get(f"/nixos{path}")).status_code == 200


async def test_bad_files_are_one_sentence(client: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("[]")
    for body, why in (
        ({"path": "packages.json"}, "no absolute path"),
        ({"path": str(tmp_path / "none")}, "No such file"),
        ({"path": str(tmp_path)}, "is no file"),
        ({"path": "/dev/zero"}, "is no file"),
        ({"path": str(tmp_path / "bad.json")}, "is no packages.json or options.json"),
        ({"path": str(tmp_path / "bad.json"), "channel": "A"}, "no name of a channel"),
    ):
        answer = await client.post("/v1/nixos/import", json=body)
        assert (answer.status_code, why in answer.json()["detail"]) == (422, True), answer.text
    assert (await client.get("/v1/nixos")).json()["sources"] == []


async def test_from_a_url_it_is_an_action_that_waits_for_a_person(client: httpx.AsyncClient) -> None:
    script = json.dumps({"url": "https://channels.example/nixos-unstable/packages.json.br"})
    shown = await post(client, "/v1/actions/preview", kind="nixos.import", script=script)
    assert (shown["risk"], shown["title"]) == ("high", "read packages.json.br into the index of NixOS")
    assert "sends a GET to channels.example:443" in shown["effect"]
    asked = await post(client, "/v1/tasks/action", kind="nixos.import", script=script)
    assert asked["state"] == "awaiting approval"
    inside = json.dumps({"url": "http://127.0.0.1/packages.json"})
    assert (
        await client.post("/v1/actions/preview", json={"kind": "nixos.import", "script": inside})
    ).status_code == 422


async def test_the_notes_own_question_is_answered_from_the_index(client: httpx.AsyncClient, tmp_path: Path) -> None:
    await filled(client, tmp_path)
    said = await post(client, "/ralph/execute", task="List available NixOS packages")
    assert said["state"] == "done"
    lines = said["result"].splitlines()
    assert lines[0].startswith("package nixos-unstable: 36 entries, published today (")
    assert lines[1:4] == ["36 packages are in the index; the first 36 by name:", "fd", "firefox"]
    said = await post(client, "/ralph/execute", task="show NixOS packages for web server")
    assert "nginx 1.28.0: Reverse proxy and lightweight web server" in said["result"]
    assert (await client.get("/v1/approvals")).json()["approvals"] == []


async def test_in_its_container_it_binds_first_and_reads_what_lies_in_its_folder(tmp_path: Path, postgres: str) -> None:
    folder = tmp_path / "nixos"
    (folder / "nixos-24.05").mkdir(parents=True)
    (folder / "packages.json.br").write_bytes(brotli.compress(packages()))
    (folder / "nixos-24.05" / "options.json").write_bytes(options())
    (folder / "broken.json").write_bytes(b"[")
    env = {"AISTACK_DATABASE": emptied(postgres, "nixos_role"), "AISTACK_NIXOS_FOLDER": str(folder)}
    own = OwnNixos(named("nixos-docs"), env)
    app = site(named("nixos-docs"), env, nixos=own)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://nixos-docs") as client:
        early = await client.post("/search", json={"query": "git"})
        assert (early.status_code, "is not there yet" in early.text) == (503, True)
        own.start()
        try:
            await asyncio.wait_for(own.looked.wait(), 60)
            assert names(await post(client, "/packages/search", name="git")) == ["git"]
            found = await post(client, "/options/search", option="services.nginx.enable", channel="nixos-24.05")
            assert names(found)[0] == "services.nginx.enable"
            assert (await client.get("/cache/stats")).json()["sources"] == 2
            none = await post(client, "/search", query="x", sources=["manuals"])
            assert none["detail"] == f"No index of NixOS manuals is here. Put a file into {folder} of this container."
            checks = (await client.get("/health")).json()["checks"]
            assert [(one["name"], one["ok"]) for one in checks] == [("postgres", False), ("index", True)]
        finally:
            await own.stop()


async def test_a_store_that_is_away_is_told(tmp_path: Path) -> None:
    own = OwnNixos(named("nixos-docs"), {})
    app = site(named("nixos-docs"), {}, nixos=own)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://nixos-docs") as client:
        said = (await client.get("/health")).json()
    assert said["status"] == "unavailable"
    assert "The variable POSTGRES_HOST is not set" in said["detail"]
    await own.stop()
