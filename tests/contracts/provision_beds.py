"""What the contract suite of the provisioner runs on: a real Podman, and the one in memory."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
from tests.bed.boxes import podman as command
from tests.contracts.podman_beds import PROBE, SOCKET

from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.parse import MANAGED
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner, ServiceSpec
from aistack_backend.containers.provision_api import ApiProvisioner
from aistack_backend.containers.provision_memory import MemoryProvisioner

SLEEPER = ("sleep", "3600")


class Bed(Protocol):
    """A Podman and its provisioner."""

    @property
    def podman(self) -> Podman:
        """What the provisioner works beside."""
        ...

    @property
    def made(self) -> Provisioner:
        """What is tried."""
        ...

    def name(self, name: str) -> str:
        """Return a name that nobody else has."""
        ...

    def close(self) -> None:
        """Remove everything."""
        ...


class RealBed:
    """On Podman's socket; what has the bed's prefix goes at the end."""

    def __init__(self) -> None:
        self.podman = ApiPodman(f"unix://{SOCKET}", {})
        self.made = ApiProvisioner(self.podman)
        self.prefix = f"prv{uuid.uuid4().hex[:6]}-"

    def name(self, name: str) -> str:
        return self.prefix + name

    def document(self, ident: str) -> dict[str, Any]:
        """Return Podman's own inspect document."""
        found: dict[str, Any] = json.loads(command("container", "inspect", ident))[0]
        return found

    def close(self) -> None:
        clear(self.podman, self.made, self.prefix)
        self.podman.close()


def clear(podman: Podman, made: Provisioner, prefix: str) -> None:
    """Remove everything whose name begins so."""
    boxes = [row.id for row in podman.list() if row.name.startswith(prefix)]
    if boxes:
        command("rm", "-f", "-t", "0", *boxes, check=False)
    for tag in [tag for image in podman.images() for tag in image.tags if f"/{prefix}" in tag]:
        command("rmi", tag, check=False)
    for name in [one.name for one in podman.volumes() if one.name.startswith(prefix)]:
        podman.remove_volume(name)
    for name in [one.name for one in made.secrets() if one.name.startswith(prefix)]:
        made.remove_secret(name)
    for name in [one.name for one in made.networks() if one.name.startswith(prefix)]:
        made.remove_network(name)


class MemoryBed:
    """In this process."""

    def __init__(self) -> None:
        self.podman = MemoryPodman(tick=0.05)
        self.made = MemoryProvisioner(self.podman)

    def name(self, name: str) -> str:
        return name

    def close(self) -> None:
        self.podman.close()


BEDS: dict[str, Callable[[], Bed]] = {"memory": MemoryBed, "podman": RealBed}


def wish(bed: Bed, name: str, **more: Any) -> ServiceSpec:
    """Return a container that sleeps, of the smallest image."""
    fields = {
        "name": bed.name(name),
        "image": bed.podman.image(PROBE).id,
        "labels": {MANAGED: "true"},
        "command": SLEEPER,
        "stop_timeout": 1,
        **more,
    }
    return ServiceSpec(**fields)


@pytest.fixture
def real() -> Iterator[RealBed]:
    """The real one alone."""
    made = RealBed()
    yield made
    made.close()
