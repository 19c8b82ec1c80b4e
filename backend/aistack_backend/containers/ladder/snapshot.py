"""All that is known of the stack's services at one moment, as it crosses the socket. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace

from aistack_backend.containers.backup.methods import NAMES
from aistack_backend.containers.backup.newest import Kept, Taken
from aistack_backend.containers.certificate.shown import Seen
from aistack_backend.containers.ladder.facts import Measured
from aistack_backend.containers.ladder.fold import Folded, fold
from aistack_backend.containers.ladder.words import Said, said
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.wire.stack import Provision, RungName, RungState, Service, ServiceState


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is known beside the ladder."""

    held: frozenset[str] = frozenset()
    hold: bool = False
    """Nothing automatic happens at all."""
    stopped: frozenset[str] = frozenset()
    """Services that an operator stopped."""
    heal: Callable[[str], str] = lambda _: ""
    drift: Callable[[ServiceDecl, Measured], str] = lambda _, __: ""
    external: Mapping[str, str] = field(default_factory=dict)
    """Service id to the URL of who provides it instead."""
    standin: Callable[[ServiceDecl], str] = lambda _: ""
    """What stands in for a service inside the backend now; empty = nothing."""
    alone: bool = False
    """There is no Podman on this machine, and this backend never saw one: no container can be what provides."""
    backups: Kept | None = None
    certificates: Mapping[str, Seen] = field(default_factory=dict)
    """What each service was last seen to show over TLS."""
    update: Mapping[str, str] = field(default_factory=dict)


def snapshot(
    manifest: Manifest,
    measured: Mapping[str, Measured],
    around: Around,
    now: float,
    *,
    age_limit: float,
    well: Container[str] = frozenset(),
) -> tuple[Service, ...]:
    """Return every declared service in the manifest's order; ``well``: those that were so in the present run."""
    services = manifest.services
    own = {
        key: said(one, measured.get(key), now, stopped=key in around.stopped, age_limit=age_limit, well=key in well)
        for key, one in services.items()
    }
    needs = {key: _needs(one, measured.get(key)) for key, one in services.items()}
    provided = {key: _provision(one, measured.get(key), around) for key, one in services.items()}
    states = {
        key: ServiceState.OK if provided[key][0] in (Provision.EMBEDDED, Provision.EXTERNAL) else one.state
        for key, one in own.items()
    }
    folded = fold(states, needs)
    users: dict[str, list[str]] = {key: [] for key in services}
    for key, of in needs.items():
        for one in of:
            users[one].append(key)
    return tuple(
        _row(one, own[key], folded[key], measured.get(key), provided[key], tuple(users[key]), around)
        for key, one in services.items()
    )


def _needs(service: ServiceDecl, measured: Measured | None) -> tuple[str, ...]:
    """Return what it cannot be well without: what it requires, and while only its last rung fails, what that probe
    goes through."""
    required = [one.service for one in service.needs if one.required]
    failed = [rung.name for rung in measured.rungs if rung.state is RungState.FAIL] if measured else []
    if failed == [RungName.USEFUL]:
        required += [str(one.options["through"]) for one in service.extra.probes if "through" in one.options]
    return tuple(required)


def _provision(service: ServiceDecl, measured: Measured | None, around: Around) -> tuple[Provision, str]:
    if measured is not None and measured.facts.container is not None:
        return Provision.CONTAINER, ""
    if service.id in around.external:
        return Provision.EXTERNAL, around.external[service.id]
    known = measured is not None and measured.facts.known
    if (known or around.alone) and (standin := around.standin(service)):
        return Provision.EMBEDDED, standin
    if not known:
        return Provision.UNKNOWN, ""
    return Provision.ABSENT, service.extra.later


def _word(own: Said, folded: Folded, provided: tuple[Provision, str]) -> tuple[ServiceState, str]:
    if provided[0] is Provision.EMBEDDED:
        return ServiceState.OK, ""
    if provided[0] is Provision.EXTERNAL:
        return ServiceState.UNKNOWN, f"{provided[1]} provides it, and is not measured from here."
    if provided[0] is Provision.ABSENT:
        return ServiceState.STOPPED, own.why
    if folded.state is ServiceState.DEGRADED:
        return folded.state, f"It is well itself; {folded.root} is not."
    if folded.root:
        return folded.state, f"{own.why} It needs {folded.root}, which is not well."
    return folded.state, own.why


def _row(
    service: ServiceDecl,
    own: Said,
    folded: Folded,
    measured: Measured | None,
    provided: tuple[Provision, str],
    users: tuple[str, ...],
    around: Around,
) -> Service:
    container = measured.facts.container if measured else None
    beside = provided[0] in (Provision.EMBEDDED, Provision.EXTERNAL, Provision.ABSENT)
    held = service.id in around.held
    state, why = _word(own, folded, provided)
    if held and state is ServiceState.STOPPED:
        state = ServiceState.HELD
    return replace(
        _dated(_declared(service), around),
        image_id=container.image_id if container else "",
        provision=provided[0],
        provided_by=provided[1],
        container_id=container.id if container else "",
        state=state,
        why="" if state is ServiceState.OK else why,
        rungs=measured.rungs if measured else (),
        used_by=users,
        root_cause="" if beside else folded.root,
        symptoms=folded.symptoms,
        held=held,
        stopped_by_operator=service.id in around.stopped,
        heal=around.heal(service.id),
        drift=around.drift(service, measured) if measured and container else "",
        update=around.update.get(service.id, ""),
    )


def _dated(row: Service, around: Around) -> Service:
    """Add what was measured of its backup and of the certificate that it shows."""
    seen = around.certificates.get(row.id)
    kept = around.backups.of(row.id) if around.backups else Taken()
    row = replace(row, last_backup=kept.at, backup_verified=kept.verified_at)
    if seen is None or seen.certificate is None:
        return row
    shown = seen.certificate
    return replace(row, certificate_until=shown.until, certificate_serial=shown.serial, certificate_at=seen.at)


def _declared(service: ServiceDecl) -> Service:
    return Service(
        id=service.id,
        container=service.container,
        title=service.extra.title or service.id,
        group=service.extra.group,
        tiers=service.extra.tiers,
        licence=service.extra.licence,
        image=service.image,
        provision=Provision.UNKNOWN,
        state=ServiceState.UNKNOWN,
        ports=tuple(port.host_port for port in service.publish),
        depends_on=tuple(n.service for n in service.needs),
        memory_reserve=service.memory_reserve,
        memory_limit=service.memory_limit,
        keeps_data=service.extra.backup in NAMES,
    )
