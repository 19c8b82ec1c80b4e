"""What the declared services and the containers say, as facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aistack_backend.orchestration.ask.models import Fact, Read, Tool
from aistack_backend.wire.containers import Container, ContainerDetail, ContainerState, Fleet, Health
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.stack import Provision, RungState, Service, ServiceState, Stack

WELL = frozenset({ServiceState.OK, ServiceState.DEGRADED})
SHOWN = frozenset({RungState.PASS, RungState.FAIL, RungState.WAIT, RungState.UNKNOWN})
FOLLOWED = 2
"""Services that are read as well because what was read names them."""
When = Callable[[float], str]
"""Turns epoch seconds into the words of a person."""


def service(one: Service, when: When) -> Fact:
    """A service, rung by rung with the evidence; its root cause, when it is another's, is to be read as well."""
    lines = [
        f"{rung.name.value}: {rung.state.value}. {rung.evidence}".rstrip() for rung in one.rungs if rung.state in SHOWN
    ]
    steps = [rung.next_step for rung in one.rungs if rung.next_step][:1]
    lines += [f"next step: {step}" for step in steps]
    lines += [f"its cause is {one.root_cause}"] if one.root_cause else []
    lines += [f"bad because of it: {', '.join(one.symptoms)}"] if one.symptoms else []
    lines += [f"changed just before: {one.changed}"] if one.changed else []
    lines += [f"self-heal: {one.heal}"] if one.heal else []
    lines += [f"differs from its file: {one.drift}"] if one.drift else []
    if one.since is not None:
        lines.append(
            f"{'in this state since' if one.watched else 'in this state at the first look, at'} {when(one.since)}"
        )
    lines.append(
        f"provided by: {one.provided_by or one.container}" if one.provision is not Provision.ABSENT else "absent"
    )
    follow = () if not one.root_cause else (Read(tool=Tool.SERVICE, about=one.root_cause),)
    at = max((rung.at for rung in one.rungs if rung.at is not None), default=None)
    return Fact(lead=_lead(one), lines=tuple(lines), at=at, follow=follow)


def _lead(one: Service) -> str:
    held = " It is held: nothing automatic touches it." if one.held else ""
    return f"{one.id} is {one.state.value}. {_sentence(one.why)}".rstrip() + held


def container(found: ContainerDetail, when: When) -> Fact:
    """A container that no declared service stands for."""
    box = found.container
    streak = f" ({found.failing_streak} failed checks in a row)" if found.failing_streak else ""
    health = "" if box.health is Health.NONE else f", its health check says {box.health.value}{streak}"
    ended = f": {found.exit_reason}" if found.exit_reason else ""
    lines = [f"image: {box.image}", f"restart policy: {found.restart_policy or 'none'}"]
    lines += [f"restarts: {box.restarts}"] if box.restarts is not None else []
    lines += [f"started {when(box.started_at)}"] if box.started_at is not None else []
    lines += [f"stopped {when(box.finished_at)}"] if box.finished_at is not None else []
    lines += ["it was killed because it had no memory left"] if found.oom_killed else []
    lines += [f"health command: {' '.join(found.health_command)}"] if found.health_command else []
    for check in found.health_log[-3:]:
        code = "unknown exit code" if check.exit_code is None else f"exit code {check.exit_code}"
        lines += [f"health check: {code}. {line}" for line in (check.output.splitlines() or [""])[-3:]]
    return Fact(lead=f"{box.full_name} is {box.state.value}{ended}{health}.", lines=tuple(lines), at=found.measured_at)


def stack(found: Stack) -> Fact:
    """Every declared service; those that are bad are to be read as well."""
    if found.source.state is SourceState.FAILED:
        return Fact(lead=f"The stack's file cannot be used: {found.source.detail}")
    bad = [one for one in found.services if one.state not in WELL]
    ill = [one for one in bad if one.state is ServiceState.BAD]
    roots = [one for one in ill if not one.root_cause] or ill
    lead = f"{len(found.services) - len(bad)} of {len(found.services)} declared services are well"
    lead += f"; not well: {', '.join(f'{one.id} ({one.state.value})' for one in bad[:8])}" if bad else ""
    lead += f" and {len(bad) - 8} more." if len(bad) > 8 else "."
    lines = [f"{one.id}: {one.state.value}. {_sentence(one.why)}".rstrip() for one in (*bad, *_without(found, bad))]
    follow = tuple(Read(tool=Tool.SERVICE, about=one.id) for one in roots[:FOLLOWED])
    return Fact(lead=lead, lines=tuple(lines), at=found.at, follow=follow)


def ties(found: Stack, about: str) -> Fact:
    """Who needs whom: of one service, or of all."""
    chosen = [one for one in found.services if not about or one.id == about]
    lines = [_tie(one) for one in chosen]
    if not about:
        return Fact(lead="Who needs whom among the declared services.", lines=tuple(lines), at=found.at)
    if not chosen:
        return Fact(lead=f"{about} is no declared service, so no ties of it are known.", at=found.at)
    states = {one.id: one.state.value for one in found.services}
    near = (*chosen[0].depends_on, *chosen[0].used_by)
    lines = [f"{name} is {states.get(name, 'unknown')}" for name in dict.fromkeys(near)]
    return Fact(lead=f"{_tie(chosen[0])}.", lines=tuple(lines), at=found.at)


def containers(fleet: Fleet) -> Fact:
    """Every container that exists, those that do not run first."""
    if fleet.at is None:
        return Fact(lead=f"The containers are not known now. {fleet.source.detail}".rstrip())
    running = [box for box in fleet.containers if box.state is ContainerState.RUNNING]
    others = [box for box in fleet.containers if box.state is not ContainerState.RUNNING]
    old = "" if fleet.source.state is SourceState.OK else f" That is old: {fleet.source.detail}"
    lead = f"{len(running)} of {len(fleet.containers)} containers run.{old}"
    return Fact(lead=lead, lines=tuple(_row(box) for box in (*others, *running)), at=fleet.at)


def _row(box: Container) -> str:
    health = "" if box.health is Health.NONE else f", {box.health.value}"
    code = "" if box.exit_code is None else f", exit code {box.exit_code}"
    return f"{box.full_name}: {box.state.value}{health}{code}, image {box.image}"


def _tie(one: Service) -> str:
    needs = f"needs {', '.join(one.depends_on)}" if one.depends_on else "needs nothing"
    return f"{one.id} {needs}; used by {', '.join(one.used_by) or 'nobody'}"


def _without(found: Stack, left_out: Iterable[Service]) -> list[Service]:
    ids = {one.id for one in left_out}
    return [one for one in found.services if one.id not in ids]


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
