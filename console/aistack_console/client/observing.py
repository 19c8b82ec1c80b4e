"""The calls about what was done: traces."""

from __future__ import annotations

from urllib.parse import quote

from aistack_backend.wire.traces import Trace, TraceList
from aistack_console.client.calls import Calls


class ObserveCalls(Calls):
    """See :class:`~aistack_console.client.api.Client`."""

    async def traces(self) -> TraceList:
        """Return the newest traces, newest first."""
        return await self._get("/v1/traces", TraceList)

    async def trace(self, wanted: str) -> Trace:
        """Return one trace, by its id or by a task's number."""
        return await self._get(f"/v1/traces/{quote(wanted, safe='')}", Trace)
