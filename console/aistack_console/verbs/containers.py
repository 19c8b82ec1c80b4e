"""``containers``: the fleet, as Podman tells it now."""

from __future__ import annotations

from aistack_backend.wire.containers import Container, Fleet, Health, Port
from aistack_backend.wire.sources import SourceState
from aistack_console.client.api import Client
from aistack_console.verbs.context import Context, ago, columns, warn
from aistack_console.verbs.exits import Exit

TITLES = ("ID", "NAME", "STATE", "HEALTH", "FOR", "IMAGE", "PORTS")


def run(context: Context) -> Exit:
    """Print the containers; FAILED when Podman did not answer, and then what is printed is old."""

    async def job(client: Client) -> Fleet:
        return await client.containers()

    fleet = context.with_backend(job)
    context.show(fleet, lambda: columns(TITLES, [_row(one) for one in fleet.containers]))
    if fleet.source.state is SourceState.OK:
        return Exit.OK
    age = f" What is listed is {ago(fleet.at)} old." if fleet.containers else ""
    warn(f"Podman: {fleet.source.state.value}. {fleet.source.detail} {fleet.source.hint}{age}")
    return Exit.FAILED


def _row(one: Container) -> tuple[str, ...]:
    since = one.started_at if one.finished_at is None else one.finished_at
    code = "" if one.exit_code is None else f" ({one.exit_code})"
    health = "" if one.health is Health.NONE else one.health.value
    ports = ", ".join(_port(port) for port in one.ports)
    return (one.id[:12], one.name, one.state.value + code, health, ago(since), one.image, ports)


def _port(port: Port) -> str:
    return f"{port.host_ip or '*'}:{port.host_port}->{port.container_port}/{port.protocol}"
