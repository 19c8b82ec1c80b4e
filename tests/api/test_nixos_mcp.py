"""The index of NixOS by MCP, asked by the SDK's own client over streamable HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import TextContent
from tests.bed.nixpkgs import options, packages

from aistack_backend.api.roles.catalogue import named
from aistack_backend.api.roles.door import Door, tcp
from aistack_backend.api.roles.nixos import endpoints
from aistack_backend.api.roles.site import build
from aistack_backend.clock import SystemClock
from aistack_backend.knowledge.nixos.service import NixIndex
from aistack_backend.store.database import Database


def plain(result: Any) -> dict[str, Any]:
    """What a tool said, which is the same twice."""
    assert not result.is_error, result.content
    (text,) = result.content
    assert isinstance(text, TextContent)
    said: dict[str, Any] = json.loads(text.text)
    assert said == result.structured_content
    return said


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_four_tools(tmp_path: Path, mode: str) -> None:
    database = Database(f"sqlite:///{tmp_path}/a.db")
    index = NixIndex(database, SystemClock())
    site = build(named("nixos-docs"), endpoints(lambda: index), (), "container")
    with tcp("127.0.0.1", 0) as bound:
        door = Door(site, bound)
        await door.open()
        try:
            async with Client(f"http://127.0.0.1:{bound.getsockname()[1]}/mcp", mode=mode) as client:
                tools = (await client.list_tools()).tools
                assert [one.name for one in tools] == ["search", "search_packages", "search_options", "list_sources"]
                assert all(one.annotations and one.annotations.read_only_hint for one in tools)
                none = plain(await client.call_tool("search", {"query": "git"}))
                assert (none["hits"], none["detail"].startswith("No index of NixOS")) == ([], True)
                index.take(packages(), "/d/packages.json", "t")
                index.take(options(), "/d/options.json", "t")
                found = plain(await client.call_tool("search_packages", {"query": "ripgrep", "limit": 1}))
                assert [hit["name"] for hit in found["hits"]] == ["ripgrep"]
                found = plain(await client.call_tool("search_options", {"query": "services.nginx.enable"}))
                assert found["hits"][0]["type"] == "boolean"
                assert len(plain(await client.call_tool("list_sources", {}))["sources"]) == 2
                for name, given in (
                    ("clear", {}),
                    ("search", {"query": 7}),
                    ("search", {"query": ""}),
                    ("search", {"query": "x", "limit": 1000}),
                    ("search", {"query": "x", "path": "/etc/passwd"}),
                    ("list_sources", {"query": "x"}),
                ):
                    bad = await client.call_tool(name, given)
                    assert bad.is_error, (name, given)
        finally:
            await door.close()
    database.close()
