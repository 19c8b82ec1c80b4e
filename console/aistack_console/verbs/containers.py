"""``containers``: the fleet, as Podman tells it now; of another machine as ``host/name``."""

from __future__ import annotations

from aistack_backend.wire.containers import Container, Fleet, Health, Port
from aistack_backend.wire.sources import Source, SourceState
from aistack_console.client.api import Client
from aistack_console.verbs.context import Context, ago, columns, warn
from aistack_console.verbs.exits import Exit

TITLES = ("ID", "NAME", "STATE", "HEALTH", "FOR", "IMAGE", "PORTS")


def run(context: Context) -> Exit:
    """Print the containers; FAILED when Podman, or a machine's, did not answer: what is printed of it is old."""

    async def job(client: Client) -> Fleet:
        return await client.containers()

    fleet = context.with_backend(job)
    context.show(fleet, lambda: columns(TITLES, [_row(one) for one in fleet.containers]))
    good = [_well("Podman", fleet.source, fleet.at if fleet.local else None)]
    good += [_well(host.source.name, host.source, host.at) for host in fleet.hosts]
    return Exit.OK if all(good) else Exit.FAILED


def _well(name: str, source: Source, at: float | None) -> bool:
    """Say what is wrong with a source, and how old what is listed of it is; return whether nothing is."""
    if source.state is SourceState.OK:
        return True
    age = "" if at is None else f" What is listed is {ago(at)} old."
    warn(f"{name}: {source.state.value}. {source.detail} {source.hint}{age}")
    return False


def _row(one: Container) -> tuple[str, ...]:
    since = one.started_at if one.finished_at is None else one.finished_at
    code = "" if one.exit_code is None else f" ({one.exit_code})"
    health = "" if one.health is Health.NONE else one.health.value
    ports = ", ".join(_port(port) for port in one.ports)
    return (one.id[:12], one.full_name, one.state.value + code, health, ago(since), one.image, ports)


def _port(port: Port) -> str:
    return f"{port.host_ip or '*'}:{port.host_port}->{port.container_port}/{port.protocol}"
