"""The small real model as planner: whatever it chooses, what is proposed fits the goal, and who chose is said."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.tools import Registry
from aistack_backend.inference.models import InferenceSettings
from aistack_backend.inference.service import Inference
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.memory import MemoryShips
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState

VERBS = ("kill", "pause", "remove", "restart", "start", "stop", "unpause")
SHIPS = MemoryShips(("web", "nginx:1"), ("redis", "redis:7"), ("db", "postgres:15"), ("worker-1", "job:1"))
GOALS = {
    "restart the nginx container": ("container.restart", "web"),
    "stop redis": ("container.stop", "redis"),
    "start db": ("container.start", "db"),
    "pause web": ("container.pause", "web"),
    "turn off the postgres container": ("container.stop", "db"),
    "remove container worker-1": ("container.remove", "worker-1"),
}


class Yard(NoteTool):
    """Stands for the container tools: only its kinds matter here."""

    kinds = frozenset({f"container.{verb}" for verb in VERBS} | {"shell.run"})


async def ready(bus: Bus) -> None:
    async for event in bus.read():
        if event.topic is Topic.MODEL and event.data.engine is EngineState.READY:
            return


@pytest.mark.engine
async def test_the_small_model_plans_or_the_rules_do(tmp_path: Path) -> None:
    bus, registry = Bus(), Registry()
    registry.register(Yard(tmp_path / "notes"))
    cache = Path(os.environ["AISTACK_CACHE_DIR"])
    model = Inference(InferenceSettings(), bus, SystemClock(), tmp_path, cache)
    await model.start()
    try:
        await asyncio.wait_for(ready(bus), 60)
        agent = Agent(registry, SHIPS, model)
        names = {container.id: container.name for container in SHIPS.containers}
        by_model = 0
        for goal, wanted in GOALS.items():
            proposal = await agent.propose(goal)
            assert (proposal.kind, names[proposal.target]) == wanted
            assert proposal.planner in ("rules", f"model {model.status().model}")
            assert (proposal.planner == "rules") == bool(proposal.note)
            by_model += proposal.planner != "rules"
        assert by_model >= 2
    finally:
        await model.stop()
