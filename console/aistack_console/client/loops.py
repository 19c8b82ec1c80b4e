"""The routes of loops."""

from __future__ import annotations

from typing import Any

from aistack_backend.wire.actions import Approval
from aistack_backend.wire.loops import GuideRequest, Loop, LoopAsk, LoopList, Patch
from aistack_backend.wire.tasks import Task
from aistack_console.client.calls import Calls


class LoopCalls(Calls):
    """Asks for loops, reads them, takes their patch, says something to them."""

    async def preview_loop(self, request: LoopAsk) -> Approval:
        """Return what a loop would be asked as; nothing is stored."""
        return await self._post("/v1/loops/preview", request, Approval)

    async def ask_loop(self, request: LoopAsk) -> Task:
        """Ask for a loop."""
        return await self._post("/v1/loops", request, Task)

    async def loops(self) -> LoopList:
        """Return the loops that have begun, newest first, without outputs."""
        return await self._get("/v1/loops", LoopList)

    async def loop(self, task_id: int) -> Loop:
        """Return one loop with its passes' outputs."""
        return await self._get(f"/v1/loops/{task_id}", Loop)

    async def loop_patch(self, task_id: int, number: int | None = None) -> Patch:
        """Return what a loop, or one pass of it, changed."""
        params: dict[str, Any] = {} if number is None else {"number": number}
        return await self._get(f"/v1/loops/{task_id}/patch", Patch, params=params, mode="drop")

    async def guide_loop(self, task_id: int, request: GuideRequest) -> Loop:
        """Say something to a loop."""
        return await self._post(f"/v1/loops/{task_id}/guidance", request, Loop)
