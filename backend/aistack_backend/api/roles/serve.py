"""``aistack-backend serve --role NAME``: one role in a process of its own, as it runs in its container."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from aistack_backend import __version__
from aistack_backend.api.openai import routes
from aistack_backend.api.openai.answers import loaded
from aistack_backend.api.roles import stores
from aistack_backend.api.roles.catalogue import Role, named
from aistack_backend.api.roles.checks import Need
from aistack_backend.api.roles.door import Door, tcp
from aistack_backend.api.roles.front import Backend
from aistack_backend.api.roles.own_hybrid import OwnCoordinator
from aistack_backend.api.roles.own_nixos import OwnNixos
from aistack_backend.api.roles.site import Endpoints, build
from aistack_backend.api.roles.spans import NONE, Spans
from aistack_backend.clock import SystemClock
from aistack_backend.errors import Unavailable

if TYPE_CHECKING:
    from aistack_backend.api.roles.own_knowledge import OwnKnowledge
    from aistack_backend.api.roles.own_model import OwnModel
    from aistack_backend.api.roles.own_vectors import OwnVectors

Raised = tuple[Role, Endpoints, Sequence[Need]]
"""A role as it is here, what answers its routes, and what it needs."""
SOCKET = "/run/aistack/aistack.sock"
"""Where the stack mounts the role's socket."""


def site(
    role: Role,
    env: Mapping[str, str],
    own: OwnModel | None = None,
    vectors: OwnVectors | None = None,
    coordinator: OwnCoordinator | None = None,
    documents: OwnKnowledge | None = None,
    nixos: OwnNixos | None = None,
    spans: Spans = NONE,
) -> ASGIApp:
    """Return the role's application for a container; ``own`` or ``vectors`` is the model that lies in it,
    ``coordinator`` or ``nixos`` what was begun to be raised there, ``documents`` what it keeps in the stack, ``spans``
    what it sends of itself.
    """
    found, endpoints, needs = _raised(role, env, own, vectors, coordinator, documents, nixos)
    return build(found, endpoints, needs, "container", spans.numbers)


def _raised(
    role: Role,
    env: Mapping[str, str],
    own: OwnModel | None,
    vectors: OwnVectors | None,
    coordinator: OwnCoordinator | None,
    documents: OwnKnowledge | None,
    nixos: OwnNixos | None,
) -> Raised:
    if role.control:
        backend = Backend(role.id, Path(env.get("AISTACK_ROLE_SOCKET", SOCKET)))
        return role, {one.path: backend.endpoint() for one in role.routes}, (backend.need(),)
    if role.id == "llama-cpp":
        return _model_site(role, own)
    if role.id == "embeddings":
        return _vectors_site(role, vectors)
    if role.id == "nixos-docs":
        index = nixos or OwnNixos(role, env)
        return role, index.endpoints(), (*stores.needs(role.id, env), index.need())
    if role.id == "hybrid-coordinator":
        held = coordinator or OwnCoordinator(role, env)
        return role, held.endpoints(), (*stores.needs(role.id, env), held.need())
    if role.id == "aidb":
        return _documents_site(role, env, documents)
    return role, {}, stores.needs(role.id, env)


def _documents_site(role: Role, env: Mapping[str, str], own: OwnKnowledge | None) -> Raised:
    if own is None:
        return replace(role, routes=()), {}, stores.needs(role.id, env)
    from aistack_backend.api.roles import aidb

    needs = (*stores.needs(role.id, env), Need("documents", own.standing), Need("embeddings", own.vectors.standing))
    return role, aidb.endpoints(own.desk, SystemClock()), needs


def _model_site(role: Role, own: OwnModel | None) -> Raised:
    if own is None:
        lacking = "serving a model: no GGUF file lies in /models"
        return replace(role, routes=(), later=(lacking,)), {}, ()

    async def model() -> str:
        return loaded(own)

    return role, routes.endpoints(lambda _: own, time.time), (Need("model", model),)


def _vectors_site(role: Role, own: OwnVectors | None) -> Raised:
    lacking = ("making vectors: no model of vectors lies in /models",)
    if own is None:
        return replace(role, routes=(), later=lacking), {}, ()
    from aistack_backend.api.roles.embed import EmbedService  # it brings FastAPI, which the others do without

    service = EmbedService(lambda: own, SystemClock(), known=lambda: own.first, worker=lambda: own.memory)
    answering = service.endpoints()
    if own.model is None:  # the stack boots without it, as it does without a model that answers
        return replace(role, later=lacking), answering, ()
    return role, answering, (Need("model", own.standing),)


def serve(name: str, env: Mapping[str, str]) -> None:
    """Serve a role on its port on every address, until SIGTERM or SIGINT.

    Raises:
        BadInput: there is no such role.
        Unavailable: its port cannot be listened on.
    """
    role = named(name)
    try:
        bound = tcp("0.0.0.0", role.port)  # noqa: S104  a container's own address
    except OSError as error:
        raise Unavailable(f"Port {role.port} of {name} cannot be listened on: {error.strerror}.") from error
    with bound:
        asyncio.run(_until_told(role, env, bound))


async def _until_told(role: Role, env: Mapping[str, str], bound: socket.socket) -> None:
    own: OwnModel | None = None
    vectors: OwnVectors | None = None
    documents: OwnKnowledge | None = None
    if role.id == "aidb":  # only this one needs the tables
        from aistack_backend.api.roles.own_knowledge import OwnKnowledge

        documents = OwnKnowledge(env)
    if role.id == "llama-cpp":  # only these two need the engine's room
        from aistack_backend.api.roles.own_model import OwnModel

        own = await asyncio.to_thread(OwnModel.found, env)
    if role.id == "embeddings":
        from aistack_backend.api.roles.own_vectors import OwnVectors

        vectors = await asyncio.to_thread(OwnVectors.found, env)
    coordinator = OwnCoordinator(role, env) if role.id == "hybrid-coordinator" else None
    nixos = OwnNixos(role, env) if role.id == "nixos-docs" else None
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):  # the loop's own handlers lose one while its wakeup pipe is full
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(told.set))
    spans = Spans(role.id, env)
    door = Door(site(role, env, own, vectors, coordinator, documents, nixos, spans), bound)
    await door.open()
    spans.start()
    print(f"{role.id} {__version__} serves port {role.port}", file=sys.stderr, flush=True)
    held = own or vectors or coordinator or documents or nixos
    if held:
        held.start()
    await told.wait()
    await door.close()
    if held:
        await held.stop()
    await spans.stop()
    os._exit(0)  # nothing is held here; a check's thread may still wait for a name server and would keep us
