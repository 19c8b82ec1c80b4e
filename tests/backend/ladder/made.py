"""Declarations and measurements for tests of the ladder's pure parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aistack_backend.containers.ladder.facts import RUNGS, Ending, Facts, Measured
from aistack_backend.containers.stack.models import Manifest, Needs, ServiceDecl
from aistack_backend.wire.containers import Container, ContainerState
from aistack_backend.wire.stack import Rung, RungName, RungState

NOW = 1_700_000_000.0


def service(name: str, *needs: str, **more: Any) -> ServiceDecl:
    """Return a service that needs others."""
    base = ServiceDecl(
        id=name, container=f"local-ai-{name}", image="x:1", needs=tuple(Needs(service=one) for one in needs)
    )
    return replace(base, **more)


def stack(*services: ServiceDecl) -> Manifest:
    """Return a manifest of these."""
    return Manifest(files=("/s.yml",), project="p", services={one.id: one for one in services})


def ending(**more: Any) -> Ending:
    """Return an end that nobody asked for."""
    return replace(Ending(at=NOW - 1, code=1), **more)


def container(name: str, started: float = NOW - 100) -> Container:
    """Return a running container of a service."""
    return Container(
        id=name * 3,
        name=f"local-ai-{name}",
        image="x:1",
        image_id="i" * 12,
        state=ContainerState.RUNNING,
        started_at=started,
    )


def measured(
    fails: RungName | None = None,
    state: RungState = RungState.FAIL,
    *,
    at: float = NOW,
    started: float = NOW - 100,
    ending: object = None,
    states: dict[RungName, RungState] | None = None,
    name: str = "web",
    box: Container | None = None,
    run: str = "",
) -> Measured:
    """Return a climb that ended at ``fails``, or passed everything."""
    rungs: list[Rung] = []
    for one in RUNGS:
        found = state if one is fails else (states or {}).get(one, RungState.PASS)
        if rungs and rungs[-1].state in (RungState.FAIL, RungState.UNKNOWN, RungState.WAIT):
            rungs.append(Rung(name=one, state=RungState.WAIT))
        else:
            rungs.append(Rung(name=one, state=found, at=at, evidence=f"{one.value}: so it was"))
    there = None if fails is RungName.PRESENT else box or container(name, started)
    facts = Facts(at=at, container=there, run=run, ending=ending if isinstance(ending, Ending) else None)
    return Measured(rungs=tuple(rungs), facts=facts)
