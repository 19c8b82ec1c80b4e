"""What a service may take of the machine: ``deploy.resources``, and the short keys beside it."""

from __future__ import annotations

from typing import Any

from aistack_backend.containers.stack import schema
from aistack_backend.containers.stack.place import Place


def resources(service: Place) -> dict[str, Any]:
    """Return ``memory_limit``, ``memory_reserve`` in bytes, ``cpus_limit``, ``cpus_reserve``, ``pids_limit``.

    Raises:
        ManifestError: a unit that is not right, two different values for one limit, or a reserve over its limit.
    """
    limits = _block(service, "limits", {"cpus", "memory", "pids"})
    reserves = _block(service, "reservations", {"cpus", "memory"})
    found = {
        "memory_limit": _one(service.get("mem_limit"), limits and limits.get("memory"), "size"),
        "memory_reserve": _one(service.get("mem_reservation"), reserves and reserves.get("memory"), "size"),
        "cpus_limit": _one(service.get("cpus"), limits and limits.get("cpus"), "number"),
        "cpus_reserve": _one(None, reserves and reserves.get("cpus"), "number"),
        "pids_limit": _one(service.get("pids_limit"), limits and limits.get("pids"), "whole"),
    }
    for kind in ("memory", "cpus"):
        most, least = found[f"{kind}_limit"], found[f"{kind}_reserve"]
        if most is not None and least is not None and least > most:
            raise service.fault(f"reserves more {kind} than it may use: the limit is {most:g}, the reserve {least:g}.")
    return found


def _block(service: Place, name: str, known: set[str]) -> Place | None:
    deploy = service.get("deploy")
    whole = deploy.mapping({"resources"}, schema.DEPLOY_REFUSED).get("resources") if deploy else None
    block = whole.mapping({"limits", "reservations"}).get(name) if whole else None
    return (
        block.mapping(known, {"devices": "a container gets no device of the host", "generic_resources": ""})
        if block
        else None
    )


def _one(short: Place | None, long: Place | None, kind: str) -> Any:
    values = []
    for place in (short, long):
        if place is not None:
            value = getattr(place, kind)()
            if value <= 0:
                raise place.fault("must be more than 0.")
            values.append(value)
    if short is not None and len(set(values)) > 1:
        raise short.fault("says something else than deploy.resources does; one of them is enough.")
    return values[0] if values else None
