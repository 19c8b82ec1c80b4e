"""The calls of federation: signers, bundles, and what waits of them."""

from __future__ import annotations

from aistack_backend.wire.federation import (
    AcceptRequest,
    Bundle,
    BundleRequest,
    Federation,
    HeldItem,
    HeldItems,
    Signer,
    TakenList,
    TakeRequest,
    TrustRequest,
)
from aistack_console.client.calls import Calls

LONG = 300.0
"""Seconds for a large bundle: each text of it is cleaned."""


class FederationCalls(Calls):
    """See :class:`~aistack_console.client.api.Client`."""

    async def federation(self) -> Federation:
        """Return role, key, signers and bundles."""
        return await self._get("/v1/federation", Federation)

    async def federation_key(self) -> Federation:
        """Make the key to sign with, when there is none."""
        return await self._post("/v1/federation/key", None, Federation)

    async def trust(self, request: TrustRequest) -> Signer:
        """Trust an installation."""
        return await self._post("/v1/federation/signers", request, Signer)

    async def revoke_signer(self, name: str) -> Signer:
        """Trust it no more."""
        return await self._post(f"/v1/federation/signers/{name}/revoke", None, Signer)

    async def give(self, request: BundleRequest) -> Bundle:
        """Write a bundle."""
        return await self._post("/v1/federation/export", request, Bundle, LONG)

    async def take(self, path: str) -> TakenList:
        """Take in a bundle, or those of a folder."""
        return await self._post("/v1/federation/import", TakeRequest(path=path), TakenList, LONG)

    async def held_items(self, state: str) -> HeldItems:
        """Return items from elsewhere."""
        return await self._get("/v1/federation/items", HeldItems, params={"state": state})

    async def accept_item(self, number: int, rule: str) -> HeldItem:
        """Let an item in."""
        return await self._post(f"/v1/federation/items/{number}/accept", AcceptRequest(rule=rule), HeldItem)

    async def drop_item(self, number: int) -> HeldItem:
        """Take an item out."""
        return await self._post(f"/v1/federation/items/{number}/drop", None, HeldItem)
