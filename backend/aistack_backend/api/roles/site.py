"""One role as an application: index, health, metrics, and the routes that it has today. Anything else is 404."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from aistack_backend import __version__
from aistack_backend.api import problems
from aistack_backend.api.lines import Json
from aistack_backend.api.roles.catalogue import Role, Told
from aistack_backend.api.roles.checks import Checked, Need, ask_all
from aistack_backend.api.roles.door import RoleGuard
from aistack_backend.api.roles.meter import Meter
from aistack_backend.api.traced import Traced

Endpoint = Callable[[Request], Awaitable[Response]]
Endpoints = Mapping[str, Endpoint]
"""What answers, by the path as the catalogue writes it; ``/metrics`` adds its lines to the role's own."""
OWN = (
    Told(method="GET", path="/", about="This index."),
    Told(method="GET", path="/health", about="Whether it can do its work now, with what it needs."),
    Told(method="GET", path="/metrics", about="Numbers for Prometheus."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What ``/health`` says: 200 with ``ok``, or 503 with one sentence."""

    status: str
    """``ok`` or ``unavailable``."""
    role: str
    version: str
    provided: str
    """``container`` or ``embedded``."""
    detail: str
    checks: tuple[Checked, ...]
    built: tuple[str, ...]
    """The routes that exist, as ``GET /tasks``."""
    not_built: tuple[str, ...]
    """What it is for and does not do yet."""


def build(
    role: Role,
    endpoints: Endpoints,
    needs: Sequence[Need],
    provided: str,
    numbers: Callable[[], bytes] = bytes,
) -> ASGIApp:
    """Return a role's application. ``endpoints`` answers every route that the catalogue names for it; ``numbers`` adds
    to its metrics.
    """
    meter = Meter(role.id)

    async def index(_: Request) -> Response:
        routes = [{"method": one.method, "path": shown(one.path), "about": one.about} for one in (*OWN, *role.routes)]
        return Json({"role": role.id, "title": role.title, "version": __version__, "routes": routes})

    async def health(_: Request) -> Response:
        said = await health_of(role, needs, provided)
        meter.healthy(said.status == "ok")
        answer = Json(said)
        answer.status_code = 200 if said.status == "ok" else 503
        return answer

    async def metrics(request: Request) -> Response:
        more = (await endpoints["/metrics"](request)).body if "/metrics" in endpoints else b""
        return Response(meter.text() + bytes(more) + numbers(), media_type=meter.media)

    every: dict[str, Endpoint] = {**endpoints, "/": index, "/health": health, "/metrics": metrics}
    app = Starlette(routes=[Route(one.path, every[one.path], methods=[one.method]) for one in (*OWN, *role.routes)])
    app.router.redirect_slashes = False
    app.state.hints = {404: "The routes are in the index, at /."}
    problems.install(app)
    paths: dict[object, str] = {endpoint: path for path, endpoint in every.items()}
    traced = Traced(meter.counting(app, paths), role.id, {one: shown(path) for one, path in paths.items()})
    return meter.callers.counting(RoleGuard(traced, role.hosts), paths)


def shown(path: str) -> str:
    """Return a path as people write it: ``/tasks/{id}``."""
    return path.replace(":int}", "}")


async def health_of(role: Role, needs: Sequence[Need], provided: str) -> Health:
    """Check what the role needs, and say it."""
    checks = await ask_all(needs)
    faults = [one.detail for one in checks if not one.ok]
    return Health(
        status="unavailable" if faults else "ok",
        role=role.id,
        version=__version__,
        provided=provided,
        detail=" ".join(faults) or ("Everything that it needs answers." if checks else "It needs nothing else today."),
        checks=checks,
        built=tuple(f"{one.method} {shown(one.path)}" for one in (*OWN, *role.routes)),
        not_built=role.later,
    )
