"""Whether every port of the stack can be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aistack_backend.containers.portholders import holder, taken
from aistack_backend.containers.stack.models import Manifest, Publish
from aistack_backend.observe.doctor import Check
from aistack_backend.observe.preflight import Wanted
from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.status import Finding


def ports(wanted: Wanted, fleet: Callable[[], Fleet]) -> Check:
    """Check that every port of the stack is free, or held by the stack itself."""

    def ask() -> Finding:
        manifest = wanted()
        own = _published(manifest, fleet())
        faults = []
        for service in manifest.services.values():
            for one in service.publish:
                if one.protocol == "tcp" and one.host_port and (why := _conflict(one, own)):
                    faults.append(f"{one.host_port} ({service.id}) is held by {why}")
        if not faults:
            return Finding(name="ports", ok=True, detail="Every port of the stack is free, or held by its own service.")
        return Finding(
            name="ports", ok=False, detail="; ".join(faults) + ".", fix="End that process, or change the port."
        )

    return Check("ports", ask)


def _published(manifest: Manifest, fleet: Fleet) -> Mapping[int, str]:
    names = {service.container for service in manifest.services.values()}
    return {port.host_port: one.name for one in fleet.local if one.name in names and one.pid for port in one.ports}


def _conflict(one: Publish, own: Mapping[int, str]) -> str:
    if one.host_port in own or not taken(one.host_port, one.host_ip or "127.0.0.1"):
        return ""
    return holder(one.host_port) or "a process that cannot be seen from here"
