"""Fetches: the name is resolved once, every answer must be public, and the connection goes to that very address."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from aistack_backend.address import Place, forbidden, literal, read
from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.orchestration.fetch.guarded import Answer, Guarded, Resolve, resolve
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.wire.actions import Target

KIND = "http.fetch"
MOST = 1 << 20
"""Bytes that are read of an answer."""
SHOWN = 12_000
"""Characters of it that the task keeps."""
SECONDS = 20.0
"""Longest time for all of it."""


class FetchPart:
    """Prepares ``http.fetch``; the target is the URL."""

    kinds = frozenset({KIND})

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Take the URL apart; nothing is resolved or sent.

        Raises:
            BadInput: it is not a plain http or https URL, or names an address that is not public.
        """
        place = read(target)
        if script:
            raise BadInput("A fetch carries no script: give the URL alone.")
        if literal(place.host) and (why := forbidden(place.host)):
            raise BadInput(why, "Addresses of this machine and of private networks are never fetched.")
        action = Action(
            kind=KIND,
            argv=("GET", place.url),
            network=place.end,
            limits=(("bytes", str(MOST)), ("seconds", f"{SECONDS:g}")),
            targets=(Target(type="url", id=place.url, name=place.host),),
            requester=requester,
            task_id=task_id,
        )
        evidence = Evidence(
            title=f"fetch from {place.host}",
            effect=f"sends one GET to {place.end}: that machine learns the address and the whole URL",
            undo="none: what was sent is known there",
            managed=True,
        )
        return action, evidence


class FetchTool:
    """Runs it, on any machine."""

    kinds = frozenset({KIND})

    def __init__(self, find: Resolve = resolve, allowed: Sequence[str] = (), way: WayOut | None = None) -> None:
        """See ``Guarded``."""
        self._guarded = Guarded(find, allowed, way)

    def nature(self, action: Action) -> Nature:
        """Say IDEMPOTENT: a GET may be repeated."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """Take the URL apart once more, and look at the lock; names are resolved when it runs."""
        try:
            return self._guarded.shut(_place(action))
        except BadInput as error:
            return error.detail

    async def run(self, key: str, action: Action) -> Outcome:
        """Fetch. A redirect is not followed: the answer says where it leads."""
        try:
            return _told(await self._guarded.get(_place(action), MOST, seconds=SECONDS))
        except BackendError as error:
            return Outcome(ok=False, text=error.detail)

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """A fetch leaves nothing behind that tells of it."""
        return Fate.NOT_DONE, None


def _told(found: Answer) -> Outcome:
    first = f"HTTP {found.status}, {found.kind or 'no content type'}, {len(found.body)} bytes"
    if found.cut:
        first += f" (cut off after {MOST})"
    if there := found.leads_to:
        return Outcome(ok=False, text=f"{first}; it leads to {there[:500]}, which is not followed: ask for that URL.")
    readable = found.kind.startswith("text/") or found.kind.endswith(("json", "xml", "yaml", "javascript"))
    digest = hashlib.sha256(found.body).hexdigest()
    shown = found.body.decode(errors="replace")[:SHOWN] if readable else f"sha256 {digest}"
    return Outcome(ok=200 <= found.status < 300, text=f"{first}\n{shown}")


def _place(action: Action) -> Place:
    if len(action.argv) != 2 or action.argv[0] != "GET":
        raise BadInput("The action is no GET of one URL.")
    return read(action.argv[1])
