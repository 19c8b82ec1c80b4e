"""Published and exposed ports, in Compose's short and long form."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from aistack_backend.containers.stack.models import Publish
from aistack_backend.containers.stack.place import Place

SHORT = re.compile(
    r"(?:(?:(?P<ip>\[[0-9a-fA-F:]+\]|[0-9.]+):)?(?P<host>\d+(?:-\d+)?)?:)?(?P<box>\d+(?:-\d+)?)(?:/(?P<protocol>\w+))?"
)
EXPOSED = re.compile(r"(\d+)(?:-(\d+))?(?:/(tcp|udp))?")
LONG = frozenset({"target", "published", "host_ip", "protocol", "name"})
LONG_REFUSED = {"mode": "", "app_protocol": ""}
EVERYWHERE = "0.0.0.0"  # noqa: S104  what Compose means when no address is written


def published(place: Place) -> tuple[Publish, ...]:
    """Return the published ports; a port without an address is published on all of them, as Compose says.

    Raises:
        ManifestError: a form, address, protocol or number that is not right, or two ranges of different lengths.
    """
    return tuple(one for entry in place.entries() for one in _entry(entry))


def exposed(place: Place) -> tuple[int, ...]:
    """Return the TCP ports that are exposed.

    Raises:
        ManifestError: something that is no port.
    """
    found: list[int] = []
    for entry in place.entries():
        match = EXPOSED.fullmatch(entry.text())
        if match is None:
            raise entry.fault(f"must be a port like 8080 or 8080/tcp, not {entry.value!r}.")
        if match[3] != "udp":
            found += _range(entry, f"{match[1]}-{match[2] or match[1]}")
    return tuple(found)


def _entry(place: Place) -> Iterator[Publish]:
    if isinstance(place.value, dict):
        yield _long(place)
        return
    match = SHORT.fullmatch(place.text())
    if match is None:
        raise place.fault(f"must be [[address:]host:]container[/protocol] like 127.0.0.1:8080:80, not {place.value!r}.")
    boxes = _range(place, match["box"])
    hosts = _range(place, match["host"]) if match["host"] else (0,) * len(boxes)
    if len(boxes) != len(hosts):
        raise place.fault("maps two ranges of different lengths.")
    for host, box in zip(hosts, boxes, strict=True):
        yield _made(place, box, host, match["ip"] or "", match["protocol"] or "")


def _long(place: Place) -> Publish:
    place.mapping(LONG, LONG_REFUSED)
    target, host = place.get("target"), place.get("published")
    if target is None:
        raise place.fault("needs target, the port in the container.")
    address, protocol = place.get("host_ip"), place.get("protocol")
    return _made(
        place,
        target.whole(1, 65535),
        host.whole(0, 65535) if host else 0,
        address.text() if address else "",
        protocol.text() if protocol else "",
    )


def _made(place: Place, box: int, host: int, address: str, protocol: str) -> Publish:
    address = address.strip("[]") or EVERYWHERE
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise place.fault(f"publishes on {address!r}, which is no IP address.") from None
    if (protocol or "tcp") not in ("tcp", "udp"):
        raise place.fault(f"has the protocol {protocol!r}; it may be tcp or udp.")
    return Publish(container_port=box, host_port=host, host_ip=address, protocol=protocol or "tcp")


def _range(place: Place, written: str) -> tuple[int, ...]:
    first, _, last = written.partition("-")
    ports = range(int(first), int(last or first) + 1)
    if not ports or ports[0] < 1 or ports[-1] > 65535:
        raise place.fault(f"names the ports {written}; they lie between 1 and 65535, the lower one first.")
    if len(ports) > 1000:
        raise place.fault(f"publishes {len(ports)} ports at once; 1000 are the most.")
    return tuple(ports)
