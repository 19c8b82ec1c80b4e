"""The ASGI application: routers, problems, guard and description, around parts that somebody else starts."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import Lifespan

from aistack_backend import __version__
from aistack_backend.api import (
    alerts,
    approvals,
    audit,
    backups,
    chat,
    checklist,
    containers,
    dashboard,
    events,
    federation,
    flows,
    knowledge,
    learning,
    loops,
    machine,
    metrics,
    nixos,
    openapi,
    problems,
    providers,
    routing,
    rules,
    shelf,
    stack,
    status,
    tasks,
    traces,
    training,
)
from aistack_backend.api.guards import Guard
from aistack_backend.api.openai import socket as openai_routes
from aistack_backend.api.roles import embedded
from aistack_backend.api.roles.catalogue import ROLES
from aistack_backend.api.traced import Traced

ROUTERS = (
    status,
    events,
    traces,
    alerts,
    metrics,
    dashboard,
    containers,
    stack,
    backups,
    checklist,
    tasks,
    loops,
    flows,
    approvals,
    rules,
    audit,
    machine,
    chat,
    shelf,
    openai_routes,
    knowledge,
    providers,
    routing,
    learning,
    nixos,
    training,
    federation,
)


def assemble(lifespan: Lifespan[FastAPI]) -> FastAPI:
    """Return the application. ``lifespan`` puts the parts into ``app.state.parts`` before the first request."""
    app = FastAPI(
        title="aistack-backend",
        version=__version__,
        lifespan=lifespan,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},  # ours is our own
    )
    for module in ROUTERS:
        app.include_router(module.router)
    app.state.routes = [route for module in ROUTERS for route in module.router.routes]
    app.state.sites = embedded.sites(lambda: app.state.parts)
    for role in ROLES:
        if role.prefix:
            app.mount(role.prefix, app.state.sites[role.id])
    problems.install(app)
    problems.install_invalid(app)
    openapi.describe(app)
    app.add_middleware(Traced)
    app.add_middleware(Guard)
    return app
