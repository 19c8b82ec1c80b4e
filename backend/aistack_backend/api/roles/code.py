"""Code Machine's routes: run a workflow and read what became of it. None decides; stopping is a decision: refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.roles.asked import Caller, GetParts, Waiting, body_of, read, who_decides
from aistack_backend.api.roles.catalogue import Role
from aistack_backend.api.roles.site import Endpoints
from aistack_backend.engine.taskrow import FINAL
from aistack_backend.errors import Refused, Unavailable
from aistack_backend.wire.flows import FlowRequest, FlowRun, Named, StepState
from aistack_backend.wire.tasks import Task, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The body of ``POST /workflow``; whatever else is in it is ignored."""

    workflow: str
    engines: list[str] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of it so far: 200 when it has ended, however; 202 while it has not."""

    run_id: int
    workflow: str
    state: TaskState
    url: str
    """Where to look again, relative to where it was asked: ``runs/7``."""
    result: str
    outputs: tuple[Named, ...]
    reason: str
    waits_for: tuple[str, ...]
    """Steps that wait for a person's approval."""
    note: str
    """One sentence on who decides."""
    run: FlowRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one run gave, or that it has not ended."""

    run_id: int
    state: TaskState
    ended: bool
    result: str
    outputs: tuple[Named, ...]
    reason: str


def ran(run: FlowRun, note: str) -> Response:
    """Return the answer to a request that became this run."""
    task = run.task
    url = f"runs/{task.id}"
    said = Json(
        Ran(
            run_id=task.id,
            workflow=run.workflow,
            state=task.state,
            url=url,
            result=task.result,
            outputs=run.outputs,
            reason=task.reason,
            waits_for=asking(run),
            note=note,
            run=run,
        )
    )
    said.status_code = 200 if task.state in FINAL else 202
    said.headers["location"] = url
    return said


def asking(run: FlowRun) -> tuple[str, ...]:
    """Return the steps that wait for a person."""
    return tuple(one.id for one in run.steps if one.state is StepState.ASKING)


def endpoints(role: Role, parts: GetParts) -> Endpoints:
    """Return Code Machine's routes."""
    asker, waiting = Caller(f"role:{role.id}"), Waiting(parts)

    def held(task: Task) -> bool:
        run = parts().flows.get().get(task.id)
        works = any(one.state is StepState.WORKING for one in run.steps)
        return bool(asking(run)) and not works

    async def workflow(request: Request) -> Response:
        raw = await body_of(request)
        wish: Wanted = read(raw, Wanted)
        flows = parts().flows.get()
        asked = FlowRequest(workflow=wish.workflow, inputs=wish.inputs, engines=tuple(wish.engines))
        begun = await flows.submit(asked, asker)
        await waiting.ended(begun.task.id, held)
        return ran(await asyncio.to_thread(flows.get, begun.task.id), who_decides(parts(), raw))

    return {"/workflow": workflow, **following(parts)}


def following(parts: GetParts) -> Endpoints:
    """Return the routes by which workflows and runs are read."""

    async def every(_: Request) -> Response:
        return Json(await asyncio.to_thread(parts().flows.get().list))

    async def detail(request: Request) -> Response:
        return Json(await asyncio.to_thread(parts().flows.get().detail, request.path_params["name"]))

    async def newest(_: Request) -> Response:
        return Json(await asyncio.to_thread(parts().flows.get().runs))

    async def one(request: Request) -> Response:
        return Json(await _run(parts, request))

    async def result(request: Request) -> Response:
        run = await _run(parts, request)
        return resulting(run)

    async def stop(request: Request) -> Response:
        run = await _run(parts, request)
        raise Refused(
            f"Stopping run {run.task.id} is a decision, and whoever reaches this port is no person that the kernel "
            "names.",
            f"On the machine: aistack-console workflow stop {run.task.id}",
        )

    return {
        "/workflows": every,
        "/workflows/{name}": detail,
        "/runs": newest,
        "/runs/{id:int}": one,
        "/runs/{id:int}/result": result,
        "/runs/{id:int}/stop": stop,
    }


def resulting(run: FlowRun) -> Response:
    """Return what a run gave: 200, or 202 while it has not ended."""
    task, ended = run.task, run.task.state in FINAL
    said = Json(
        Result(
            run_id=task.id, state=task.state, ended=ended, result=task.result, outputs=run.outputs, reason=task.reason
        )
    )
    said.status_code = 200 if ended else 202
    return said


async def standing(parts: GetParts) -> str:
    """Return which workflows can be run, and who can be asked, in one sentence.

    Raises:
        Unavailable: one of our own files cannot be read, or the part is not up.
    """
    found = await asyncio.to_thread(parts().flows.get().list)
    for one in found.workflows:
        if one.builtin and one.fault:
            raise Unavailable(f"The built-in workflow {one.name} has a fault: {one.fault}")
    if not found.workflows:
        raise Unavailable("No workflow is here.", f"Files of your own go to {found.folder}.")
    usable = sum(not one.fault for one in found.workflows)
    engines = " ".join(f"{one.name}: {one.detail}" for one in found.engines)
    return f"{usable} workflows can be run. {engines}"


async def _run(parts: GetParts, request: Request) -> FlowRun:
    return await asyncio.to_thread(parts().flows.get().get, request.path_params["id"])
