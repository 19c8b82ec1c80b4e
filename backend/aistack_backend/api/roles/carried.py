"""What the backend itself answers for a role: the endpoints behind its socket, its port and its prefix."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.openai import routes
from aistack_backend.api.openai.answers import loaded
from aistack_backend.api.parts import Parts
from aistack_backend.api.roles import aidb, aider, code, hybrid, nixos, ralph
from aistack_backend.api.roles.asked import GetParts
from aistack_backend.api.roles.catalogue import Role
from aistack_backend.api.roles.checks import Need
from aistack_backend.api.roles.desk import held
from aistack_backend.api.roles.embed import EmbedService
from aistack_backend.api.roles.site import Endpoint, Endpoints
from aistack_backend.clock import SystemClock
from aistack_backend.errors import Unavailable
from aistack_backend.observe import metrics
from aistack_backend.wire.events import Topic
from aistack_backend.wire.stack import Stack

STALE = 3
"""Polls after which the stack's snapshot counts as old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What the last look for a newer image of one service found."""

    service: str
    image: str
    image_id: str
    update: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Healed:
    """One service as self-heal sees it."""

    service: str
    state: str
    held: bool
    stopped_by_operator: bool
    heal: str
    """What it does or waits for; empty = nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Healing:
    """What ``GET /healing`` says."""

    hold: bool
    """Maintenance: nothing automatic happens at all."""
    services: tuple[Healed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """What ``GET /updates`` says."""

    looked: tuple[Update, ...]
    not_looked: tuple[str, ...]
    """Services of which nobody has looked for a newer image yet."""


def endpoints(role: Role, parts: GetParts) -> Endpoints:
    """Return the backend's answers for a role, by path."""
    by_role: dict[str, Callable[[], Endpoints]] = {
        "ralph-wiggum": lambda: ralph.endpoints(role, parts),
        "code-machine": lambda: code.endpoints(role, parts),
        "health-monitor": lambda: {"/services": _services(parts), "/numbers": _numbers(parts)},
        "aider-wrapper": lambda: aider.endpoints(role, parts),
        "watchtower": lambda: {"/updates": _updates(parts)},
        "self-heal-manager": lambda: {"/healing": _healing(parts)},
        "llama-cpp": lambda: routes.endpoints(lambda _: parts().inference.get(), lambda: parts().clock.now()),
        "hybrid-coordinator": lambda: hybrid.endpoints(role, lambda: parts().routing.get()),
        "aidb": lambda: aidb.endpoints(lambda: parts().knowledge.get().desk, SystemClock()),
        "nixos-docs": lambda: nixos.endpoints(lambda: parts().nixos.get().index),
        "embeddings": lambda: vectors(parts).endpoints(),
    }
    return by_role.get(role.id, dict)()


def vectors(parts: GetParts) -> EmbedService:
    """Return the embeddings service over this backend's model."""

    def worker() -> int | None:
        held = parts().inference.part
        return held.status().memory if held else None

    return EmbedService(lambda: parts().inference.get(), SystemClock(), worker=worker)


def needs(role: Role, parts: GetParts) -> tuple[Need, ...]:
    """Return what a role needs of this backend."""

    async def tasks() -> str:
        parts().tasks.get()
        return "The engine takes tasks."

    async def stack() -> str:
        found = stack_of(parts())
        age = parts().clock.now() - (found.at or 0.0)
        if found.at is None or age > STALE * found.poll:
            raise Unavailable("The stack's services were not checked lately.", "Look at the backend's log.")
        return f"The stack was checked {age:.0f} s ago."

    async def documents() -> str:
        return held(await parts().knowledge.get().desk.collections())

    async def model() -> str:
        return loaded(parts().inference.get())

    async def vectors() -> str:
        return f"{await parts().inference.get().embedder()} makes vectors."

    async def index() -> str:
        return (await asyncio.to_thread(parts().nixos.get().index.sources)).detail

    by_role = {
        "ralph-wiggum": (Need("engine", tasks),),
        "code-machine": (Need("workflows", lambda: code.standing(parts)),),
        "health-monitor": (Need("stack", stack),),
        "aider-wrapper": aider.needs(parts),
        "aidb": (Need("documents", documents),),
        "llama-cpp": (Need("model", model),),
        "embeddings": (Need("model", vectors),),
        "nixos-docs": (Need("index", index),),
    }
    return by_role.get(role.id, ())


def stack_of(parts: Parts) -> Stack:
    """Return the newest snapshot of the stack.

    Raises:
        Unavailable: none was made yet.
    """
    found: Stack | None = parts.bus.latest(Topic.STACK)
    if found is None:
        raise Unavailable("The stack's services were not checked yet.", "Try again in a moment.")
    return found


def _services(parts: GetParts) -> Endpoint:
    async def services(_: Request) -> Response:
        return Json(stack_of(parts()))

    return services


def _numbers(parts: GetParts) -> Endpoint:
    async def numbers(_: Request) -> Response:
        found = await asyncio.to_thread(parts().measured.get().now)
        return Response(metrics.text(found), media_type=metrics.MEDIA)

    return numbers


def _updates(parts: GetParts) -> Endpoint:
    async def updates(_: Request) -> Response:
        services = stack_of(parts()).services
        looked = [
            Update(service=s.id, image=s.image, image_id=s.image_id, update=s.update) for s in services if s.update
        ]
        return Json(Updates(looked=tuple(looked), not_looked=tuple(s.id for s in services if not s.update)))

    return updates


def _healing(parts: GetParts) -> Endpoint:
    async def healing(_: Request) -> Response:
        stack = stack_of(parts())
        rows = tuple(
            Healed(
                service=one.id,
                state=one.state,
                held=one.held,
                stopped_by_operator=one.stopped_by_operator,
                heal=one.heal,
            )
            for one in stack.services
        )
        return Json(Healing(hold=stack.hold, services=rows))

    return healing
