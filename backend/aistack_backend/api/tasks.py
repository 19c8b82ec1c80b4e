"""``/v1/tasks`` and ``/v1/actions/preview``: ask for something, see what became of it, stop it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import APIRouter, Response

from aistack_backend.api.approvals import Id
from aistack_backend.api.bodies import Goal, Wish
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held, Parts
from aistack_backend.api.peers import Caller
from aistack_backend.approvals.port import Person
from aistack_backend.errors import Conflict, Refused
from aistack_backend.wire.actions import Approval
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.tasks import Task, TaskList

router = APIRouter(prefix="/v1", tags=["tasks"])


@router.post("/actions/preview", response_model=Approval)
def preview(parts: Held, caller: Caller, request: Wish) -> Response:
    """Return what would run and how it is judged; nothing is stored and nothing runs."""
    return Json(parts.tasks.get().preview(request, caller))


@router.post("/tasks/action", response_model=Task)
def act(parts: Held, caller: Caller, request: Wish) -> Response:
    """Ask for one action; with the hash that the person confirmed it is decided at once, by that person."""
    tasks = parts.tasks.get()
    return Json(tasks.submit_action(request, caller.actor, caller.via, person=caller))


@router.post("/tasks/goal", response_model=Task)
async def goal(parts: Held, caller: Caller, request: Goal) -> Response:
    """Ask in words; an agent proposes an action, which waits for a person as the policy says."""
    return Json(await parts.tasks.get().submit_goal(request, caller))


@router.get("/tasks", response_model=TaskList)
def tasks(parts: Held) -> Response:
    """Return the newest tasks, newest first."""
    return Json(parts.tasks.get().list())


@router.get("/tasks/{id:int}", response_model=Task)
def task(parts: Held, id: Id) -> Response:  # noqa: A002  the route's own name
    """Return one task."""
    return Json(parts.tasks.get().get(id))


@router.post("/tasks/{id:int}/pause", response_model=Task)
def pause(parts: Held, caller: Caller, id: Id) -> Response:  # noqa: A002
    """Have a running task stop in between; it is PAUSED once the engine has confirmed that nothing of it runs."""
    tasks = parts.tasks.get()
    with _refusal_recorded(parts, caller, "pause", id):
        tasks.pausing.pause(id, caller)
    return Json(tasks.get(id))


@router.post("/tasks/{id:int}/resume", response_model=Task)
def resume(parts: Held, caller: Caller, id: Id) -> Response:  # noqa: A002
    """Take a paused task up again, where it was."""
    tasks = parts.tasks.get()
    with _refusal_recorded(parts, caller, "resume", id):
        tasks.pausing.resume(id, caller)
    return Json(tasks.get(id))


@router.post("/tasks/stop-all", response_model=TaskList)
def stop_all(parts: Held, caller: Caller) -> Response:
    """Stop every task that has not ended: what runs is ended, what waits is closed."""
    return Json(parts.tasks.get().stop_all(caller))


@router.post("/tasks/{id:int}/stop", response_model=Task)
def stop(parts: Held, caller: Caller, id: Id) -> Response:  # noqa: A002
    """Stop one task: what runs is ended, what waits is closed."""
    with _refusal_recorded(parts, caller, "stop", id):
        return Json(parts.tasks.get().stop(id, caller))


@contextmanager
def _refusal_recorded(parts: Parts, person: Person, what: str, task_id: int) -> Iterator[None]:
    """Write down a verb on a task that its state does not allow (R2.1); the refusal goes on to the asker."""
    try:
        yield
    except (Conflict, Refused) as error:
        parts.audit.get().note(
            phase=Phase.NOTE,
            actor=person.actor,
            via=person.via,
            kind=f"task.{what}",
            object=f"task {task_id}",
            task_id=task_id,
            decision=what,
            outcome=f"refused: {error.detail}",
        )
        raise
