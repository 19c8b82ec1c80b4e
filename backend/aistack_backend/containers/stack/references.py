"""What only the whole file can tell: dependencies that exist and make no circle, ports and names taken once, tiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aistack_backend.containers.stack.models import Publish, ServiceDecl
from aistack_backend.containers.stack.place import Place, nearest
from aistack_backend.containers.stack.ports import EVERYWHERE

Services = Mapping[str, ServiceDecl]
ANY = (EVERYWHERE, "::")


def check(root: Place, services: Services) -> None:
    """Check them.

    Raises:
        ManifestError: a dependency that is not declared, a circle, a host port or container name taken twice.
    """
    _known(root, services)
    _circles(root, services)
    taken: list[tuple[Publish, str]] = []
    names: dict[str, str] = {}
    for one in services.values():
        place = root.at("services", one.id)
        for port in one.publish:
            for other, owner in taken:
                if _clash(port, other):
                    whose = f"{owner} publishes as well" if owner != one.id else "it publishes twice"
                    raise place.at("ports").fault(f"takes the host port {port.host_port}, which {whose}.")
            taken.append((port, one.id))
        if (owner := names.setdefault(one.container, one.id)) != one.id:
            raise place.fault(f"has the container name {one.container}, which {owner} has as well.")


def tiers(services: Services, named: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the services of each tier with what they need, in the file's order. ``full`` always holds them all."""
    order = dict.fromkeys(
        [*named, *(tier for one in services.values() for tier in one.extra.tiers if tier != "full"), "full"]
    )
    found = {}
    for tier in order:
        wanted = {one.id for one in services.values() if tier == "full" or tier in one.extra.tiers}
        found[tier] = closure(services, wanted)
    return found


def closure(services: Services, wanted: set[str]) -> tuple[str, ...]:
    """Return these services and all that they need, in the file's order."""
    found: set[str] = set()
    left = list(wanted)
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += [need.service for need in services[one].needs if need.required]
    return tuple(one for one in services if one in found)


def _known(root: Place, services: Services) -> None:
    for one in services.values():
        for need in one.needs:
            if need.service not in services and need.required:
                place = root.at("services", one.id, "depends_on")
                raise place.fault(f"names the service {need.service!r}; {nearest(need.service, services)}")


def _circles(root: Place, services: Services) -> None:
    done: set[str] = set()

    def visit(one: str, path: tuple[str, ...]) -> None:
        if one in path:
            circle = " → ".join((*path[path.index(one) :], one))
            raise root.at("services", one, "depends_on").fault(f"closes a circle: {circle}.")
        if one in done:
            return
        for need in services[one].needs:
            if need.service in services:
                visit(need.service, (*path, one))
        done.add(one)

    for name in services:
        visit(name, ())


def _clash(one: Publish, other: Publish) -> bool:
    same = one.host_port == other.host_port and one.host_port and one.protocol == other.protocol
    return bool(same) and (one.host_ip == other.host_ip or one.host_ip in ANY or other.host_ip in ANY)
