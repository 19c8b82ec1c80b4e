"""The calls about endpoints elsewhere."""

from __future__ import annotations

from urllib.parse import quote

from aistack_backend.wire.providers import ProviderCheck, ProviderList
from aistack_console.client.calls import LONG, Calls


class ProviderCalls(Calls):
    """See :class:`~aistack_console.client.api.Client`."""

    async def providers(self) -> ProviderList:
        """Return every endpoint of the configuration and what is known of it; nothing is sent to any."""
        return await self._get("/v1/providers", ProviderList)

    async def check_provider(self, name: str, *, ask: bool = False) -> ProviderCheck:
        """Have an endpoint asked for its list of models, and with ``ask`` for a few tokens."""
        path = f"/v1/providers/{quote(name, safe='')}/check{'?ask=true' if ask else ''}"
        return await self._post(path, None, ProviderCheck, LONG)
