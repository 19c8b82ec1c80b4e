"""The calls about what was done and what is wrong: traces, alarms and the dashboard."""

from __future__ import annotations

from urllib.parse import quote

from aistack_backend.wire.alerts import Alert, AlertList, SnoozeRequest
from aistack_backend.wire.dashboard import Dashboard
from aistack_backend.wire.past import Past
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

    async def alerts(self) -> AlertList:
        """Return the inbox, every rule and every target."""
        return await self._get("/v1/alerts", AlertList)

    async def acknowledge_alert(self, number: int) -> Alert:
        """Say that a person has seen an alarm."""
        return await self._post(f"/v1/alerts/{number}/acknowledge", None, Alert)

    async def snooze_alert(self, number: int, minutes: int) -> Alert:
        """Have an alarm wait for some minutes."""
        return await self._post(f"/v1/alerts/{number}/snooze", SnoozeRequest(minutes=minutes), Alert)

    async def dashboard(self) -> Dashboard:
        """Return the four sections of the owner's note, measured now."""
        return await self._get("/v1/dashboard", Dashboard)

    async def past(self, at: float) -> Past:
        """Return what was recorded of a moment."""
        return await self._get("/v1/past", Past, params={"at": at})
