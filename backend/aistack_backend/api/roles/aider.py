"""The aider-wrapper's routes: an edit of files in words becomes a loop behind the gate. It decides nothing."""

from __future__ import annotations

import asyncio
import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.parts import Parts
from aistack_backend.api.roles.asked import Caller, GetParts, Waiting, body_of, read, who_decides
from aistack_backend.api.roles.catalogue import Role
from aistack_backend.api.roles.checks import Need
from aistack_backend.api.roles.ralph import executed, following
from aistack_backend.api.roles.site import Endpoints
from aistack_backend.containers import sandbox_image
from aistack_backend.containers.workspace.copy import inside
from aistack_backend.containers.workspace.walk import content
from aistack_backend.errors import BadInput, NotFound, Unavailable
from aistack_backend.wire.loops import AgentKind, LoopLimits, LoopRequest

PASSES = 3
"""Passes of an edit whose proof the request names; without one there is one pass."""
LARGEST = 8 << 20
"""Bytes of a file that is looked at."""
AGENTS = (AgentKind.AIDER, AgentKind.LOCAL, AgentKind.RULES)
"""Who may be asked for here: nobody who is elsewhere, because whoever reaches this port is no person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The body of ``POST /execute``; whatever else is in it is ignored."""

    prompt: str
    files: tuple[str, ...] = ()
    """The files to edit, relative to the workspace."""
    workspace: str
    """Absolute path of the folder on the host; it is copied, never written."""
    proof: str = ""
    """Command that ends with 0 when it is done; empty = one of the files differs from now."""
    checks: tuple[str, ...] = ()
    agent: str = AgentKind.AIDER.value
    image: str = ""
    require_approval: bool | None = None
    """Changes nothing: a loop is asked about whenever the gate asks about anything of high risk."""


def endpoints(role: Role, parts: GetParts) -> Endpoints:
    """Return the routes of the aider-wrapper."""
    asker, waiting = Caller(f"role:{role.id}"), Waiting(parts)

    async def execute(request: Request) -> Response:
        raw = await body_of(request)
        wish: Edit = read(raw, Edit)
        task = await asyncio.to_thread(lambda: parts().loops.get().propose(loop(wish, parts()), asker.actor, asker.via))
        return executed(await waiting.ended(task.id), who_decides(parts(), raw))

    return {"/execute": execute, **following(parts)}


def needs(parts: GetParts) -> tuple[Need, ...]:
    """Return what it needs: the engine, and an image that an agent can work in."""

    async def tasks() -> str:
        parts().tasks.get()
        return "The engine takes tasks."

    async def image() -> str:
        return await asyncio.to_thread(_image, parts())

    return (Need("engine", tasks), Need("image", image))


def loop(wish: Edit, parts: Parts) -> LoopRequest:
    """Return the loop that an edit is.

    Raises:
        BadInput: it names an agent that cannot be asked for here, or neither files nor a proof.
        NotFound: there is no such folder.
    """
    agent = AgentKind(wish.agent)
    if agent not in AGENTS:
        raise BadInput(
            f"agent: {wish.agent[:40]!r} cannot be asked for here.",
            f"Use one of {', '.join(one.value for one in AGENTS)}.",
        )
    if not wish.files and not wish.proof:
        raise BadInput("files is empty and no proof is named, so nothing would show that it is done.", "Name either.")
    image = wish.image or (parts.settings.config.podman.aider_image if agent is AgentKind.AIDER else "")
    return LoopRequest(
        goal=wish.prompt,
        source=wish.workspace,
        proof=wish.proof or differs(wish.workspace, wish.files),
        checks=wish.checks,
        files=wish.files,
        agent=agent,
        model="" if agent is AgentKind.RULES else "local",
        image=image,
        limits=LoopLimits(passes=PASSES if wish.proof else 1),
    )


def differs(workspace: str, files: tuple[str, ...]) -> str:
    """Return a shell command that ends with 0 when one of the files is not what it is now.

    Raises:
        BadInput, NotFound: the folder or a path cannot be.
    """
    if not Path(workspace).is_absolute():
        raise BadInput(f"workspace: {workspace[:200]!r} is no absolute path.", "Name the folder from / on.")
    tests = []
    for path in files:
        inside(path)
        data = content(Path(workspace), path, LARGEST)
        quoted = shlex.quote(f"./{path}")
        if data is None:
            tests.append(f"[ -e {quoted} ]")
        else:
            digest = hashlib.sha256(data).hexdigest()
            tests.append(f'[ "$(sha256sum < {quoted})" != "{digest}  -" ]')
    return " || ".join(tests)


def _image(parts: Parts) -> str:
    podman, wanted = parts.podman.get(), parts.settings.config.podman
    try:
        podman.image(wanted.aider_image)
    except NotFound:
        found = sandbox_image.find(podman, wanted.sandbox_image)
        if found is None:
            raise Unavailable("Neither Aider's image nor one for the sandbox is here.") from None
        return f"The image {wanted.aider_image} is not here: a request must name another agent than aider."
    return f"Aider works in {wanted.aider_image}."
