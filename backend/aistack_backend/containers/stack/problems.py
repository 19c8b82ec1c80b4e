"""What would make a plan fail, known before anything is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from aistack_backend.containers import portholders
from aistack_backend.containers.parse import RUNS
from aistack_backend.containers.stack.models import Manifest, Publish, ServiceDecl
from aistack_backend.containers.stack.spec import ours
from aistack_backend.containers.stack.world import World

LOCAL = "localhost/"
"""Images of this machine: no registry has them."""


def of(manifest: Manifest, world: World, wanted: Iterable[ServiceDecl], acting: Mapping[str, str]) -> list[str]:
    """Return sentences, empty when all is well; ``acting``: services that are acted on, with the id of their image
    (empty = it is not here)."""
    found = []
    for service in wanted:
        there = world.containers.get(service.container)
        if there is not None and not ours(manifest, service, there):
            found.append(
                f"{service.container} exists and was not made by this stack: remove it with the tool that made it."
            )
        elif service.id in acting:
            found += [] if acting[service.id] else _image(service)
            if there is None or there.state not in RUNS:
                found += _ports(service, world)
    services = [manifest.services[key] for key in acting]
    return [*found, *_secrets(manifest, services, world), *_external(manifest, services, world)]


def _image(service: ServiceDecl) -> list[str]:
    if service.build and not Path(service.build.dockerfile).is_file():
        return [f"{service.image} is not here, and there is no {service.build.dockerfile} to build it from."]
    if not service.build and service.image.startswith(LOCAL):
        return [f"{service.image} is not here, no registry has it, and {service.id} does not say how to build it."]
    return []


def _ports(service: ServiceDecl, world: World) -> list[str]:
    found = []
    for port in service.publish:
        if port.host_port and port.protocol == "tcp":
            found += _port(service, port, world)
    return found


def _port(service: ServiceDecl, port: Publish, world: World) -> list[str]:
    number = port.host_port
    for one in world.containers.values():
        if one.state in RUNS and any(own.host_port == number and own.protocol == "tcp" for own in one.ports):
            return [f"Port {number} of {service.id} is held by the container {one.name}."]
    try:
        if not portholders.taken(number, port.host_ip or "127.0.0.1"):
            return []
    except OSError as error:
        return [f"Port {number} of {service.id} cannot be had on {port.host_ip}: {error.strerror}."]
    who = portholders.holder(number) or "a process that cannot be seen from here"
    return [f"Port {number} of {service.id} is held by {who}."]


def _secrets(manifest: Manifest, services: Sequence[ServiceDecl], world: World) -> list[str]:
    used = {use.source for service in services for use in service.secrets}
    return [
        f"The secret {one.name} does not exist and is not generated: podman secret create {one.name} FILE."
        for one in manifest.secrets.values()
        if one.name in used and one.name not in world.secrets and not one.generate and not one.file
    ]


def _external(manifest: Manifest, services: Sequence[ServiceDecl], world: World) -> list[str]:
    networks = {name for service in services for name, _ in service.networks}
    volumes = {mount.source for service in services for mount in service.mounts if mount.type == "volume"}
    lost = [("network", one.name) for one in manifest.networks.values() if one.external and one.name in networks]
    lost += [("volume", one.name) for one in manifest.volumes.values() if one.external and one.name in volumes]
    there = {"network": world.networks, "volume": world.volumes}
    return [f"The {kind} {name} is external and does not exist." for kind, name in lost if name not in there[kind]]
