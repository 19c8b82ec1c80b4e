"""The calls about what is published about NixOS."""

from __future__ import annotations

from aistack_backend.wire.nixos import NixAnswer, NixImportRequest, NixQuestion, NixSources, NixTaken
from aistack_console.client.calls import Calls

MINUTES = 1_800.0
"""Seconds for reading in a whole channel."""


class NixosCalls(Calls):
    """See :class:`~aistack_console.client.api.Client`."""

    async def nix_sources(self) -> NixSources:
        """Return what is in the index."""
        return await self._get("/v1/nixos", NixSources)

    async def nix_search(self, question: NixQuestion) -> NixAnswer:
        """Look something up."""
        return await self._post("/v1/nixos/search", question, NixAnswer)

    async def nix_import(self, request: NixImportRequest) -> NixTaken:
        """Read a file of the backend's machine in."""
        return await self._post("/v1/nixos/import", request, NixTaken, MINUTES)
