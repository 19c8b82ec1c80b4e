"""Fetches a bundle that a hub, or a peer, laid at a public https address; what it says decides nothing here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from aistack_backend.address import Place, read
from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.learning.federation.sealed import LARGEST
from aistack_backend.orchestration.fetch.guarded import Guarded
from aistack_backend.wire.actions import Target
from aistack_backend.wire.federation import Bundle

KIND = "federation.fetch"
SECONDS = 60.0
"""Longest time for all of it."""


class Takes(Protocol):
    """Who takes bundles in."""

    def accepted(self, data: bytes, name: str, place: str, by: str) -> Bundle:
        """See ``Exchange.accepted``."""
        ...


class BundlePart:
    """Prepares ``federation.fetch``; the target is the URL."""

    kinds = frozenset({KIND})

    def __init__(self, guarded: Guarded | None = None, schemes: tuple[str, ...] = ("https",)) -> None:
        self._guarded, self._schemes = guarded or Guarded(), schemes

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Take the URL apart; nothing is resolved or sent.

        Raises:
            BadInput: it is no https URL, or names an address that is not public.
        """
        place = _place(target, self._schemes)
        if script:
            raise BadInput("Fetching a bundle carries no script: give the URL alone.")
        if why := self._guarded.forbidden(place):
            raise BadInput(why, "Addresses of this machine and of private networks are never fetched.")
        action = Action(
            kind=KIND,
            argv=("GET", place.url),
            network=place.end,
            limits=(("bytes", str(LARGEST)), ("redirects", "none"), ("seconds", f"{SECONDS:g}")),
            targets=(Target(type="url", id=place.url, name=place.host),),
            requester=requester,
            task_id=task_id,
        )
        effect = f"sends one GET to {place.end}, which learns the whole URL; a bundle of a trusted signer goes into "
        evidence = Evidence(
            title=f"fetch a bundle from {place.host}",
            effect=f"{effect}quarantine, and waits for review; anything else is refused",
            undo="federation drop takes out each item; what was sent is known there",
            managed=True,
        )
        return action, evidence


class BundleTool:
    """See the tool's port."""

    kinds = frozenset({KIND})

    def __init__(
        self, takes: Callable[[], Takes], guarded: Guarded | None = None, schemes: tuple[str, ...] = ("https",)
    ) -> None:
        """``takes`` gives who takes bundles in, when that is there."""
        self._takes, self._guarded, self._schemes = takes, guarded or Guarded(), schemes

    def nature(self, action: Action) -> Nature:
        """Say IDEMPOTENT: a bundle that was taken in is refused the second time."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """Take the URL apart once more, and look at the lock; names are resolved when it runs."""
        try:
            return self._guarded.shut(self._url(action))
        except BadInput as error:
            return error.detail

    async def run(self, key: str, action: Action) -> Outcome:
        """Fetch, and take it in: all of it into quarantine, or nothing."""
        try:
            place = self._url(action)
            found = await self._guarded.get(place, LARGEST, seconds=SECONDS)
            if found.leads_to or not 200 <= found.status < 300:
                raise BadInput(f"{place.host} answered {found.status}: there is no bundle at that URL.")
            if found.cut:
                raise BadInput(f"What lies at {place.host} has over {LARGEST} bytes.")
            takes, name = self._takes(), place.url.rpartition("/")[2][:100] or place.host
            made = await asyncio.to_thread(takes.accepted, found.body, name, place.url, action.requester)
        except BackendError as error:
            return Outcome(ok=False, text=f"{error.detail} {error.hint}".strip())
        said = f"{made.items} items of {made.signer} (number {made.number}) wait for review, {made.left_out} left out."
        return Outcome(ok=True, text=said)

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Another try finds out: a bundle is taken in once."""
        return Fate.NOT_DONE, None

    def _url(self, action: Action) -> Place:
        if len(action.argv) != 2 or action.argv[0] != "GET":
            raise BadInput("The action is no GET of one URL.")
        return _place(action.argv[1], self._schemes)


def _place(url: str, schemes: tuple[str, ...]) -> Place:
    place = read(url)
    if place.scheme not in schemes:
        raise BadInput(f"A bundle is fetched by https, not by {place.scheme}.", "Or import it as a file.")
    return place
