"""What agents open by themselves, each once, to one address: fetches, imports, an agent and a model behind HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from aistack_backend.api.loopdoor import Elsewhere
from aistack_backend.approvals.action import Action
from aistack_backend.containers.aside import Breaker
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.memory_world import World
from aistack_backend.containers.models import Spec
from aistack_backend.containers.sandbox_box import Boxes
from aistack_backend.engine.tools import Tool
from aistack_backend.inference.models import Turn as Said
from aistack_backend.inference.remote import RemoteModel
from aistack_backend.orchestration.federation.tool import BundlePart, BundleTool
from aistack_backend.orchestration.fetch.guarded import Guarded
from aistack_backend.orchestration.fetch.tool import FetchPart, FetchTool
from aistack_backend.orchestration.imports.part import ImportPart
from aistack_backend.orchestration.imports.tool import ImportTool
from aistack_backend.orchestration.loop.agents import Turn
from aistack_backend.orchestration.loop.far import Far
from aistack_backend.orchestration.nixos.tool import NixPart, NixTool
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.wire.chat import Role
from aistack_backend.wire.loops import AgentKind, LoopLimits, LoopRequest

Goes = Callable[[], Coroutine[Any, Any, str]]
"""Goes out once and returns what came of it in words."""
NOBODY: Any = None
"""A part that none of this comes to: the connection is what it is about."""


def turn(folder: Path, url: str, seconds: int = 1) -> Turn:
    """Return a pass of a loop whose agent answers at that URL."""
    for name in ("tree", "told"):
        (folder / name).mkdir(exist_ok=True)
    limits = LoopLimits(pass_seconds=seconds)
    return Turn(
        request=LoopRequest(goal="g", source="/s", proof="true", agent=AgentKind.HTTP, endpoint=url, limits=limits),
        number=1,
        guidance="",
        last="",
        spec=Spec(name="n", image="i", command=("true",), labels={}),
        tree=folder / "tree",
        told=folder / "told",
        breaker=Breaker(),
        look=lambda: "",
    )


def agents(folder: Path, way: WayOut, host: str) -> dict[str, Goes]:
    """Return them by name; each begins as what was approved does, after the recheck."""
    guarded, url = Guarded(way=way), f"https://{host}"
    imports = ImportTool(NOBODY, NOBODY, folder / "imports", guarded)

    def wished(kind: str, **more: str) -> str:
        return json.dumps({"url": f"{url}/a.git", "collection": "docs", "kind": kind, **more})

    fetch, _ = FetchPart().prepare("http.fetch", url)
    page, _ = ImportPart().prepare("knowledge.import", "", wished("page"))
    clone, _ = ImportPart().prepare("knowledge.import", "", wished("git"))
    nixos, _ = NixPart().prepare("nixos.import", "", json.dumps({"url": f"{url}/packages.json"}))
    bundle, _ = BundlePart().prepare("federation.fetch", f"{url}/bundle")
    return {
        "fetch": lambda: _ran(FetchTool(way=way), fetch),
        "page": lambda: _ran(imports, page),
        "clone": lambda: _ran(imports, clone),
        "nixos": lambda: _ran(NixTool(lambda: NOBODY, guarded), nixos),
        "bundle": lambda: _ran(BundleTool(NOBODY, guarded), bundle),
        "agent's model": lambda: _answered(Elsewhere(RemoteModel(f"{url}/v1", "big", ""), host, way)),
        "http agent": lambda: _worked(Far(Boxes(MemoryPodman(World())), way), turn(folder, url)),
    }


async def _ran(tool: Tool, action: Action) -> str:
    """Run it, whatever the recheck says: the moment of the effect is what it is about."""
    return (await tool.run("k", action)).text


async def _worked(far: Far, one: Turn) -> str:
    return (await asyncio.to_thread(far.work, one)).output


async def _answered(model: Elsewhere) -> str:
    return "".join([one.text async for one in model.answer([Said(role=Role.USER, text="hello")], 5, 0.0)])
