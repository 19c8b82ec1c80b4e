"""The calls of training: what was learned for which model."""

from __future__ import annotations

from aistack_backend.wire.training import TrainingList
from aistack_console.client.calls import Calls


class TrainingCalls(Calls):
    """See :class:`~aistack_console.client.api.Client`."""

    async def trainings(self) -> TrainingList:
        """Return the runs of training, the newest first."""
        return await self._get("/v1/trainings", TrainingList)
