"""What is there now, as far as a plan needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aistack_backend.containers.models import Image
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.wire.containers import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One look at Podman: four lists, 50 ms."""

    containers: Mapping[str, Container]
    """By name."""
    images: Mapping[str, Image]
    """By tag, and by id."""
    networks: frozenset[str]
    volumes: frozenset[str]
    secrets: frozenset[str]

    def image(self, ref: str) -> Image | None:
        """Return the image that a reference means here, with or without ``docker.io`` and ``:latest``."""
        for name in dict.fromkeys((ref, full(ref), f"localhost/{ref}")):
            if name in self.images:
                return self.images[name]
        return None


def look(podman: Podman, provisioner: Provisioner) -> World:
    """Look now; blocks.

    Raises:
        PodmanDown: it does not answer.
    """
    images: dict[str, Image] = {}
    for image in podman.images():
        images[image.id] = image
        images |= dict.fromkeys(image.tags, image)
    return World(
        containers={one.name: one for one in podman.list()},
        images=images,
        networks=frozenset(one.name for one in provisioner.networks()),
        volumes=frozenset(one.name for one in podman.volumes()),
        secrets=frozenset(one.name for one in provisioner.secrets()),
    )


def full(ref: str) -> str:
    """Return a reference with its registry and tag, as Podman lists it."""
    name = ref if ":" in ref.rpartition("/")[2] or "@" in ref else f"{ref}:latest"
    first = name.split("/")[0]
    if "/" not in name:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"
