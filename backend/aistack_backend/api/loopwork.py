"""The wiring of loops: their rows, their agents, the tool and the service."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from aistack_backend.api.loopdoor import LoopDoors
from aistack_backend.api.parts import Parts
from aistack_backend.containers.port import Podman
from aistack_backend.containers.sandbox_box import Boxes
from aistack_backend.engine.port import Journal
from aistack_backend.errors import BackendError
from aistack_backend.orchestration.loop.agents import Program, Worker
from aistack_backend.orchestration.loop.drive import Means
from aistack_backend.orchestration.loop.far import Far
from aistack_backend.orchestration.loop.prepare import LoopPart
from aistack_backend.orchestration.loop.retire import Keeper, WorkspacePart
from aistack_backend.orchestration.loop.rows import Rows
from aistack_backend.orchestration.loop.service import Loops
from aistack_backend.orchestration.loop.tool import LoopTool
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.store.database import Database
from aistack_backend.wire.events import Topic
from aistack_backend.wire.loops import AgentKind

log = logging.getLogger(__name__)
KEEP_EVERY = 3_600.0
"""Seconds between two looks for folders that were kept long enough."""
FOLDER = "workspaces"
"""In the data folder: one folder a loop."""


@dataclass(frozen=True, kw_only=True)
class LoopParts:
    """What the engine and the routes need of loops."""

    tool: LoopTool
    part: LoopPart
    rows: Rows
    removal: WorkspacePart

    def service(self, tasks: Tasks, database: Database, audit: Journal) -> Loops:
        """Return what the routes call."""
        return Loops(database, self.rows, self.tool, tasks, audit)


def build(parts: Parts, podman: Podman, database: Database, way: WayOut) -> LoopParts:
    """Wire it, on the running event loop; nothing is read or asked yet."""
    rows, boxes = Rows(database, parts.clock), Boxes(podman)
    program = Program(boxes)
    workers: dict[AgentKind, Worker] = {
        AgentKind.COMMAND: program,
        AgentKind.RULES: program,
        AgentKind.LOCAL: program,
        AgentKind.OPENAI: program,
        AgentKind.AIDER: program,
        AgentKind.HTTP: Far(boxes, way),
    }
    models = LoopDoors(parts.inference.get, asyncio.get_running_loop(), parts.clock.now, way)

    def changed(_: int) -> None:
        if (tasks := parts.tasks.part) is not None:
            parts.bus.publish(Topic.TASKS, tasks.list())

    means = Means(rows=rows, boxes=boxes, workers=workers, models=models, changed=changed, way=way)
    tool = LoopTool(means, parts.settings.data_dir / FOLDER)
    image = parts.settings.config.podman.sandbox_image
    return LoopParts(
        tool=tool,
        part=LoopPart(podman, models, image),
        rows=rows,
        removal=WorkspacePart(database, rows, tool, parts.clock),
    )


async def keep(parts: Parts, removal: WorkspacePart) -> None:
    """Remove folders of loops that ended longer ago than the configuration says; for ever."""
    days = parts.settings.config.loops.keep_days
    keeper = Keeper(removal, parts.audit.get(), days)
    while days:
        try:
            gone = await asyncio.to_thread(keeper.tick)
        except BackendError as error:
            log.warning("Old folders of loops were not looked at: %s", error.detail)
        else:
            if gone:
                log.info("Removed the folders of loops %s, which ended over %g days ago.", gone, days)
        await asyncio.sleep(KEEP_EVERY)
