"""What every role does with a request that asks for something: read it strictly, ask as itself, wait a while."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from aistack_backend.api.bodies import strictly
from aistack_backend.api.parts import Parts
from aistack_backend.engine.taskrow import FINAL
from aistack_backend.errors import BadInput
from aistack_backend.wire.events import Topic
from aistack_backend.wire.tasks import Task, TaskState

GetParts = Callable[[], Parts]
WAIT = 60.0
"""Seconds that an answer may wait for the end of its task."""
WAITING = 24
"""Requests of one role that wait at once; one more is answered with where its task stands now."""
A_PERSON = frozenset({TaskState.AWAITING, TaskState.PAUSED})
"""States in which only a person brings a task on: nobody is kept waiting for that."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A role that asks: no person, so it can confirm and decide nothing."""

    actor: str
    via: str = "role"


def needs_person(task: Task) -> bool:
    """Whether only a person brings the task on."""
    return task.state in A_PERSON


class Waiting:
    """Waits for the end of tasks, for a bounded number of callers at once."""

    def __init__(self, parts: GetParts, within: float = WAIT, most: int = WAITING) -> None:
        self._parts = parts
        self._within = within
        self._most = most
        self._now = 0

    async def ended(self, task_id: int, held: Callable[[Task], bool] = needs_person) -> Task:
        """Return the task once it has ended, waits for a person, or has taken too long; looks when the bus tells.

        ``held`` says of a task that goes on whether it waits for a person; it may block.
        """
        if self._now >= self._most:
            return await self._look(task_id)
        self._now += 1
        try:
            async with asyncio.timeout(self._within):
                async for event in self._parts().bus.read():
                    if event.topic in (Topic.RESET, Topic.TASKS):
                        task = await self._look(task_id)
                        if task.state in FINAL or await asyncio.to_thread(held, task):
                            return task
        except TimeoutError:
            pass
        finally:
            self._now -= 1
        return await self._look(task_id)

    async def _look(self, task_id: int) -> Task:
        return await asyncio.to_thread(self._parts().tasks.get().get, task_id)


def who_decides(parts: Parts, body: dict[str, Any]) -> str:
    """Return the sentence on the gate, and that a request cannot lower it."""
    threshold = parts.settings.threshold
    unasked = "everything but what is destructive" if threshold == "none" else f"what is below {threshold} risk"
    asked = body.get("require_approval")
    floor = " Asking for no approval never lowers that." if asked is False else ""
    more = " The request cannot ask for more approval than the gate does." if asked is True else ""
    return f"The backend's gate decides: {unasked} runs unasked, the rest waits for a person.{floor}{more}"


def client_of(request: Request) -> str:
    """Return whose requests are counted together: an address, or who comes by a socket of this machine."""
    return request.client.host if request.client else "local"


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request carries.

    Raises:
        BadInput: it carries none.
    """
    try:
        value = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The body is no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise BadInput("The body is no JSON object.")
    return value


def read(value: Any, kind: type) -> Any:
    """Return the body as ``kind``.

    Raises:
        BadInput: it is not of that form.
    """
    try:
        return strictly(kind)(value)
    except ValueError as error:
        raise BadInput(f"body: {error}.") from error
