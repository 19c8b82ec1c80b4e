"""The index of NixOS as a server of the Model Context Protocol, over HTTP at the role's ``/mcp``: four tools that read.

Every request stands alone, as those of the knowledge base do. Nobody is asked; each answer says how old it is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from mcp.server import Server, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from starlette.types import Receive, Scope, Send

from aistack_backend import __version__
from aistack_backend.api.roles.nixos import Finds
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.wire.nixos import NixKind, NixQuestion

ABOUT = (
    "What NixOS publishes, as it lies on this machine: packages, options and manuals. Each answer says how old it is; "
    "without an index nothing is found, and that is said."
)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
KINDS: dict[str, tuple[NixKind, ...]] = {
    "search": (),
    "search_packages": (NixKind.PACKAGE,),
    "search_options": (NixKind.OPTION,),
}
SAYS = {
    "search": "Find packages, options and sections of manuals by name or by words.",
    "search_packages": "Find packages by name or by words: version, licence, homepage.",
    "search_options": "Find options by name or by words: type, default, example, where it is declared.",
}


def _tool(name: str, about: str) -> Tool:
    properties = {
        "query": {"type": "string", "minLength": 1, "maxLength": 2_000},
        "channel": {"type": "string", "description": "e.g. nixos-unstable; none = every channel that is here."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
    }
    schema = {"type": "object", "properties": properties, "required": ["query"], "additionalProperties": False}
    return Tool(name=name, description=about, input_schema=schema, annotations=_READS)


NOTHING: dict[str, Any] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
SOURCES = Tool(
    name="list_sources",
    description="What is in the index, when it was published and read in.",
    input_schema=NOTHING,
    annotations=_READS,
)
TOOLS = (*(_tool(name, about) for name, about in SAYS.items()), SOURCES)


async def answered(index: Callable[[], Finds], scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request of a client."""
    manager = StreamableHTTPSessionManager(server(index), json_response=True, stateless=True)
    async with manager.run():
        await manager.handle_request(scope, receive, send)


def server(index: Callable[[], Finds]) -> Server[Any]:
    """Return an MCP server over what ``index`` finds for each call."""

    async def listed(_: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=list(TOOLS))

    async def called(_: ServerRequestContext[Any], asked: CallToolRequestParams) -> CallToolResult:
        try:
            found = await asyncio.to_thread(_called, index(), asked.name, asked.arguments or {})
        except BackendError as error:
            sentence = f"{error.detail} {error.hint}".strip()
            return CallToolResult(content=[TextContent(text=sentence)], is_error=True)
        text = TextContent(text=json.dumps(found, ensure_ascii=False))
        return CallToolResult(content=[text], structured_content=found)

    return Server(
        "aistack-nixos",
        version=__version__,
        title="What NixOS publishes",
        instructions=ABOUT,
        on_list_tools=listed,
        on_call_tool=called,
    )


def _called(index: Finds, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    tool = next((one for one in TOOLS if one.name == name), None)
    if tool is None:
        raise BadInput(f"There is no tool {name[:80]!r}.", f"There are: {', '.join(one.name for one in TOOLS)}.")
    if unknown := sorted(set(given) - set(tool.input_schema["properties"])):
        raise BadInput(f"{name} takes no {', '.join(unknown)[:200]}.")
    if name == SOURCES.name:
        return _plain(index.sources())
    query, channel, most = given.get("query"), given.get("channel", ""), given.get("limit", 10)
    if not isinstance(query, str) or not isinstance(channel, str) or not isinstance(most, int):
        raise BadInput(f"{name} needs a query, and takes a channel and a limit.", "Texts, and a whole number.")
    return _plain(index.find(NixQuestion(question=query, kinds=KINDS[name], channel=channel, most=most)))


def _plain(found: object) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(found)
    return made
