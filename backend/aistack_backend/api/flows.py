"""``/v1/workflows`` and ``/v1/runs``: the workflow files, their check, and their runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from pydantic import BeforeValidator

from aistack_backend.api.approvals import Id
from aistack_backend.api.bodies import strictly
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.wire.flows import (
    FlowCheck,
    FlowRequest,
    FlowRun,
    FlowRunList,
    FlowVerdict,
    RerunRequest,
    Workflow,
    WorkflowList,
)

router = APIRouter(prefix="/v1", tags=["workflows"])
Check = Annotated[FlowCheck, BeforeValidator(strictly(FlowCheck))]
Ask = Annotated[FlowRequest, BeforeValidator(strictly(FlowRequest))]
Again = Annotated[RerunRequest, BeforeValidator(strictly(RerunRequest))]
Name = Annotated[str, InPath(max_length=100)]


@router.get("/workflows", response_model=WorkflowList)
def workflows(parts: Held) -> Response:
    """Return every workflow, built-in ones first, and every engine that can be asked."""
    return Json(parts.flows.get().list())


@router.post("/workflow-check", response_model=FlowVerdict)
def check(parts: Held, request: Check) -> Response:
    """Return every fault of a file's text, with its line; nothing is stored and nothing runs."""
    return Json(parts.flows.get().check(request))


@router.get("/workflows/{name}", response_model=Workflow)
def workflow(parts: Held, name: Name) -> Response:
    """Return one workflow with its text."""
    return Json(parts.flows.get().detail(name))


@router.get("/runs", response_model=FlowRunList)
def runs(parts: Held) -> Response:
    """Return the newest runs, newest first, without what came of their steps."""
    return Json(parts.flows.get().runs())


@router.post("/runs", response_model=FlowRun)
async def submit(parts: Held, caller: Caller, request: Ask) -> Response:
    """Begin a run; each of its steps with an effect is a task of its own before the gate. ``/v1/tasks`` stops it."""
    return Json(await parts.flows.get().submit(request, caller))


@router.get("/runs/{id:int}", response_model=FlowRun)
def run(parts: Held, id: Id) -> Response:  # noqa: A002  the route's own name
    """Return one run with its steps."""
    return Json(parts.flows.get().get(id))


@router.post("/runs/{id:int}/rerun", response_model=FlowRun)
async def rerun(parts: Held, caller: Caller, id: Id, request: Again) -> Response:  # noqa: A002
    """Begin a new run from one step of a run that has ended; what was done before it keeps its result."""
    return Json(await parts.flows.get().rerun(id, request.step, caller))
