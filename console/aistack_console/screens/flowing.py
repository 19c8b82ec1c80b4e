"""The run of the chosen task, as the Tasks screen follows it: fetched when it changed, step by step."""

from __future__ import annotations

import asyncio
import shlex

from aistack_backend.wire.flows import FlowRequest, FlowRun, FlowStep, StepState
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.errors import ClientError, ConsoleError
from aistack_console.present import flows

FIRST = (StepState.ASKING, StepState.FAILED, StepState.DENIED, StepState.UNSURE, StepState.STOPPED, StepState.WORKING)
"""Which step is looked at until another one is chosen: the first in one of these states, else the last one."""


class FollowedRun:
    """What is known of one run, and which of its steps is looked at."""

    def __init__(self) -> None:
        self.run: FlowRun | None = None
        self._chosen = ""
        self._at = 0.0
        self._none: Task | None = None
        """The task, as it stood, that was found to be no run."""

    @property
    def steps(self) -> tuple[FlowStep, ...]:
        """The steps in the order in which they are shown."""
        return flows.ordered(self.run.steps) if self.run else ()

    @property
    def shown(self) -> FlowStep | None:
        """The step that is looked at."""
        steps = self.steps
        if found := next((one for one in steps if one.id == self._chosen), None):
            return found
        for state in FIRST:
            if found := next((one for one in steps if one.state is state), None):
                return found
        return steps[-1] if steps else None

    def stale(self, task: Task | None, now: float) -> bool:
        """Whether to fetch: another run was chosen, it changed, or it works and a second has passed."""
        if task is None or task == self._none:
            self.run = None
            return False
        if self.run is None or self.run.task.id != task.id:
            self.run, self._chosen = None, ""
            return True
        works = any(one.state in flows.OVER for one in self.run.steps)
        return task != self.run.task or (works and now - self._at >= 1.0)

    async def fetch(self, client: Client, task: Task, now: float) -> None:
        """Get the run; what is none is asked for again once the task has changed."""
        self._at, self._none = now, task
        try:
            self.run = await client.flow_run(task.id)
        except asyncio.CancelledError:
            self._none = None
            raise
        except ClientError as error:
            self.run = None
            if error.status != 404:
                raise
        else:
            self._none = None

    def step(self, by: int) -> None:
        """Look at another step."""
        steps, shown = self.steps, self.shown
        if shown is not None:
            at = [one.id for one in steps].index(shown.id) + by
            self._chosen = steps[max(0, min(at, len(steps) - 1))].id


def request(text: str) -> FlowRequest:
    """Return what an operator typed as ``NAME input=value …``.

    Raises:
        ConsoleError: a quote does not end, or a word is no input.
    """
    try:
        name, *words = shlex.split(text)
    except ValueError as error:
        raise ConsoleError(
            f"{text!r} names no workflow.", "Type e.g. simple_query question='What is a pod?'"
        ) from error
    if wrong := next((word for word in words if "=" not in word[1:]), ""):
        raise ConsoleError(f"{wrong!r} is no input.", "Write NAME=VALUE after the workflow's name.")
    return FlowRequest(workflow=name, inputs=dict(word.split("=", 1) for word in words))
