"""Prepares and runs ``nixos.import``: one GET to a public address, and what came goes into the index."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import msgspec

from aistack_backend.address import forbidden, literal
from aistack_backend.address import read as read_url
from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.knowledge.nixos.ages import ages
from aistack_backend.knowledge.nixos.service import CHANNEL, NixIndex
from aistack_backend.orchestration.fetch.guarded import Guarded
from aistack_backend.wire.actions import Target
from aistack_backend.wire.nixos import NixFetchRequest

KIND = "nixos.import"
MOST = 256 << 20
"""Bytes that may come."""
SECONDS = 600.0
REDIRECTS = 3


def read(script: str) -> NixFetchRequest:
    """Read a request, and hold it against the bounds.

    Raises:
        BadInput: it is none, or something in it cannot be.
    """
    try:
        request = msgspec.json.decode(script.encode(), type=NixFetchRequest)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise BadInput(f"The import that is asked for cannot be read: {error}.", "Use: nixos import URL") from error
    if not CHANNEL.fullmatch(request.channel):
        raise BadInput(f"{request.channel[:80]!r} is no name of a channel.", "e.g. nixos-unstable or nixos-24.05.")
    return replace(request, url=read_url(request.url).url)


class NixPart:
    """Prepares it; the script is the request as JSON."""

    kinds = frozenset({KIND})

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Hold the wish against the bounds; nothing is resolved or sent.

        Raises:
            BadInput: it cannot be.
        """
        request = read(script)
        if target not in ("", request.url):
            raise BadInput(f"The import is of {request.url}, not of {target}.")
        place = read_url(request.url)
        if literal(place.host) and (why := forbidden(place.host)):
            raise BadInput(why, "Addresses of this machine and of private networks are never fetched.")
        action = Action(
            kind=KIND,
            argv=("GET", request.url),
            script=json.dumps(msgspec.to_builtins(request), sort_keys=True, ensure_ascii=False, indent=1),
            network=place.end,
            limits=(
                ("bytes", str(MOST)),
                ("redirects", f"{REDIRECTS}, to public addresses"),
                ("seconds", f"{SECONDS:g}"),
            ),
            targets=(Target(type="url", id=request.url, name=place.host),),
            requester=requester,
            task_id=task_id,
        )
        effect = (
            f"sends a GET to {place.end} (and where that leads), which learns the whole URL; what comes takes the "
            f"place of what the index has of its kind for {request.channel}"
        )
        title = f"read {request.url.rpartition('/')[2] or place.host} into the index of NixOS"
        return action, Evidence(title=title, effect=effect, undo="read the earlier file in again", managed=True)


class NixTool:
    """Runs it. A failure leaves the index as it was."""

    kinds = frozenset({KIND})

    def __init__(self, index: Callable[[], NixIndex], guarded: Guarded | None = None) -> None:
        """``index`` returns it, or raises Unavailable while there is none."""
        self._index, self._guarded = index, guarded or Guarded()

    def nature(self, action: Action) -> Nature:
        """Say IDEMPOTENT: the same bytes again change nothing."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """Take the request apart once more, and look at the lock; names are resolved when it runs."""
        try:
            return self._guarded.shut(read_url(read(action.script).url))
        except BadInput as error:
            return error.detail

    async def run(self, key: str, action: Action) -> Outcome:
        """Fetch, and read in."""
        try:
            return await self._run(read(action.script), action.requester)
        except BackendError as error:
            return Outcome(ok=False, text=f"{error.detail} {error.hint}".strip())

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Reading it in again does no harm."""
        return Fate.NOT_DONE, None

    async def _run(self, request: NixFetchRequest, by: str) -> Outcome:
        index = self._index()
        found = await self._guarded.get(read_url(request.url), MOST, follow=REDIRECTS, seconds=SECONDS)
        if found.leads_to:
            raise BadInput(f"More than {REDIRECTS} redirects lead on to {found.leads_to[:200]}.")
        if not 200 <= found.status < 300:
            raise BadInput(f"{found.url} answered {found.status}.")
        if found.cut:
            raise BadInput(f"{found.url} has more than {MOST} bytes.")
        taken = await asyncio.to_thread(
            lambda: index.take(
                found.body, request.url, by, channel=request.channel, kind=request.kind, published_at=found.modified
            )
        )
        said = ages((taken.source,), taken.source.imported_at)
        ways = f"It came by way of {', '.join(found.by_way_of)}." if found.by_way_of else ""
        return Outcome(ok=True, text="\n".join(filter(None, (f"{taken.outcome}: {said}", taken.detail, ways))))
