"""The loop of the chosen task, as the Tasks screen follows it: fetched when it changed, pass by pass."""

from __future__ import annotations

import asyncio

from aistack_backend.wire.loops import Loop, PassState
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.errors import ClientError


class Followed:
    """What is known of one loop, and which of its passes is looked at."""

    def __init__(self) -> None:
        self.loop: Loop | None = None
        self.patch: str | None = None
        """The diff of the shown pass, while it is looked at."""
        self._chosen: int | None = None
        self._at = 0.0
        self._none: Task | None = None
        """The task, as it stood, that was found to be no loop."""

    @property
    def shown(self) -> int:
        """The number of the shown pass: the newest one until another was chosen; 0 = there is none."""
        passes = self.loop.passes if self.loop else ()
        newest = passes[-1].number if passes else 0
        return min(self._chosen or newest, newest)

    def stale(self, task: Task | None, now: float) -> bool:
        """Whether to fetch: another loop was chosen, it changed, or it works and a second has passed."""
        if task is None or task == self._none:
            self.loop = None
            return False
        if self.loop is None or self.loop.task.id != task.id:
            self.loop, self.patch, self._chosen = None, None, None
            return True
        works = any(one.state in (PassState.WORKING, PassState.PROVING) for one in self.loop.passes[-1:])
        return task != self.loop.task or (works and now - self._at >= 1.0)

    async def fetch(self, client: Client, task: Task, now: float) -> None:
        """Get the loop; what is none, or has not begun, is asked for again once the task has changed."""
        self._at, self._none = now, task
        try:
            self.loop = await client.loop(task.id)
        except asyncio.CancelledError:
            self._none = None
            raise
        except ClientError as error:
            self.loop = None
            if error.status != 404:
                raise
        else:
            self._none = None

    def step(self, by: int) -> None:
        """Look at another pass; the newest one is followed again when it is reached."""
        newest = len(self.loop.passes) if self.loop else 0
        wanted = max(1, self.shown + by)
        self._chosen = None if wanted >= newest else wanted
        self.patch = None

    async def turn(self, client: Client) -> None:
        """Show the diff of the shown pass, or its outputs again."""
        if self.patch is not None or self.loop is None:
            self.patch = None
            return
        self.patch = (await client.loop_patch(self.loop.task.id, self.shown)).text or "(it changed nothing)"
