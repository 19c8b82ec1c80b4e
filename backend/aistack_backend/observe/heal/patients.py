"""From what the ladder measured and the manifest declares to what the policy looks at."""

from __future__ import annotations

from collections.abc import Collection

from aistack_backend.approvals.policy import Effect, Rule
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.observe.heal.models import Mood, Patient
from aistack_backend.wire.boot import Boot, BootState
from aistack_backend.wire.stack import Provision, RungName, RungState, Service, ServiceState, Stack

REQUESTER = "self-heal"
GAVE_UP = "self-heal:gave-up"
"""Who asks a person once the policy has given up: no rule lets this one through."""
KINDS = ("container.start", "container.restart")
STALE = 3
"""A pass older than so many polls has seen nothing."""
MOODS = {
    ServiceState.OK: Mood.WELL,
    ServiceState.DEGRADED: Mood.WELL,
    ServiceState.STARTING: Mood.COMING,
    ServiceState.BAD: Mood.FAILED,
    ServiceState.HELD: Mood.RESTING,
    ServiceState.STOPPED: Mood.RESTING,
}
SETTLES = 60.0
"""Seconds to show whether a restart helped, for a service that never said how long it takes."""


def patients(
    stack: Stack, manifest: Manifest, boot: Boot | None, now: float, busy: Collection[str] = ()
) -> dict[str, Patient]:
    """Return every service that is declared and measured. Those in a running boot, and busy ones, rest.

    ``now`` is the wall clock, as ``stack.at``.
    """
    stale = stack.at is None or now - stack.at > STALE * stack.poll
    booting = {row.service for row in boot.rows} if boot is not None and boot.state is BootState.RUNNING else set()
    booting |= set(busy)
    found = {}
    for service in stack.services:
        if (decl := manifest.services.get(service.id)) is not None:
            mood = Mood.UNSEEN if stale else MOODS.get(service.state, Mood.UNSEEN)
            found[service.id] = _patient(service, decl, Mood.RESTING if service.id in booting else mood)
    return found


def rules(manifest: Manifest) -> tuple[Rule, ...]:
    """Return the allow rules that the manifest's ``heal`` blocks stand for: one container, one kind, one requester."""
    return tuple(
        Rule(
            effect=Effect.ALLOW,
            kind=kind,
            target=decl.container,
            requester=REQUESTER,
            why=f"heal block of {decl.id} in {manifest.files[0] if manifest.files else manifest.project}",
        )
        for decl in manifest.services.values()
        if decl.extra.heal.restart
        for kind in KINDS
    )


def _patient(service: Service, decl: ServiceDecl, mood: Mood) -> Patient:
    return Patient(
        id=service.id,
        mood=mood,
        exists=bool(service.container_id) and service.provision is Provision.CONTAINER,
        held=service.held,
        stopped_by_operator=service.stopped_by_operator,
        root_cause=service.root_cause,
        needs=tuple(need.service for need in decl.needs if need.required),
        heal=decl.extra.heal,
        settles=decl.extra.ready_seconds or SETTLES,
        confirmed=confirmed(service),
    )


def confirmed(service: Service) -> bool:
    """Tell whether a fault is sure: the container does not run, or a look after the one that first told it failed too.

    ``since`` is written after the look that found the fault, so that only a later one is younger.
    """
    low = next((rung for rung in service.rungs if rung.state is RungState.FAIL), None)
    if low is None or low.name in (RungName.PRESENT, RungName.RUNNING) or service.since is None:
        return True
    return low.at is not None and low.at > service.since
