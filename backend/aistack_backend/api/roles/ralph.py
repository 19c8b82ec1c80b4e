"""Ralph's routes: ask for a task and read what became of it. None decides; stopping is a decision, and is refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.roles.asked import Caller, GetParts, Waiting, body_of, read, who_decides
from aistack_backend.api.roles.catalogue import Role
from aistack_backend.api.roles.site import Endpoints
from aistack_backend.engine.taskrow import FINAL
from aistack_backend.errors import Refused
from aistack_backend.wire.actions import GoalRequest
from aistack_backend.wire.tasks import Task, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute:
    """The body of ``POST /execute``; whatever else is in it is ignored."""

    task: str
    planner: str = "auto"
    require_approval: bool | None = None
    """True asks a person whatever the risk; False changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What became of it so far: 200 when it has ended, however; 202 while it has not."""

    task_id: int
    state: TaskState
    url: str
    """Where to look again, relative to where it was asked: ``tasks/7``."""
    result: str
    reason: str
    note: str
    """One sentence on who decides."""
    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one task ended, or that it has not."""

    task_id: int
    state: TaskState
    ended: bool
    result: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """How many tasks stand where, counted in the database."""

    total: int
    unfinished: int
    waiting_for_a_person: int
    by_state: dict[str, int]


def executed(task: Task, note: str) -> Response:
    """Return the answer to a request that became this task."""
    url = f"tasks/{task.id}"
    said = Json(
        Executed(
            task_id=task.id,
            state=task.state,
            url=url,
            result=task.result,
            reason=task.reason,
            note=note,
            task=task,
        )
    )
    said.status_code = 200 if task.state in FINAL else 202
    said.headers["location"] = url
    return said


def endpoints(role: Role, parts: GetParts) -> Endpoints:
    """Return Ralph's routes."""
    asker, waiting = Caller(f"role:{role.id}"), Waiting(parts)

    async def execute(request: Request) -> Response:
        raw = await body_of(request)
        wish: Execute = read(raw, Execute)
        goal = GoalRequest(text=wish.task, planner=wish.planner, require_approval=wish.require_approval is True)
        task = await parts().tasks.get().submit_goal(goal, asker)
        return executed(await waiting.ended(task.id), who_decides(parts(), raw))

    return {"/execute": execute, **following(parts)}


def following(parts: GetParts) -> Endpoints:
    """Return the routes by which tasks are followed."""

    async def newest(_: Request) -> Response:
        return Json(await asyncio.to_thread(parts().tasks.get().list))

    async def one(request: Request) -> Response:
        return Json(await _task(parts, request))

    async def result(request: Request) -> Response:
        task = await _task(parts, request)
        ended = task.state in FINAL
        said = Json(Result(task_id=task.id, state=task.state, ended=ended, result=task.result, reason=task.reason))
        said.status_code = 200 if ended else 202
        return said

    async def stats(_: Request) -> Response:
        return Json(counted(await asyncio.to_thread(parts().tasks.get().counts)))

    async def stop(request: Request) -> Response:
        task = await _task(parts, request)
        raise Refused(
            f"Stopping task {task.id} is a decision, and whoever reaches this port is no person that the kernel names.",
            f"On the machine: aistack-console stop {task.id}",
        )

    return {
        "/tasks": newest,
        "/tasks/{id:int}": one,
        "/tasks/{id:int}/result": result,
        "/tasks/{id:int}/stop": stop,
        "/stats": stats,
    }


def counted(found: dict[TaskState, int]) -> Stats:
    """Return the counts of each state as the answer to ``GET /stats``."""
    still = {state: count for state, count in found.items() if state not in FINAL}
    return Stats(
        total=sum(found.values()),
        unfinished=sum(still.values()),
        waiting_for_a_person=still.get(TaskState.AWAITING, 0),
        by_state={state.value: count for state, count in found.items()},
    )


async def _task(parts: GetParts, request: Request) -> Task:
    return await asyncio.to_thread(parts().tasks.get().get, request.path_params["id"])
