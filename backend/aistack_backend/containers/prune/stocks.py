"""The three stocks: what Podman tells of images, volumes and networks, and the one call that removes each."""

from __future__ import annotations

import re
from contextlib import suppress

from aistack_backend.containers import pins
from aistack_backend.containers.models import Image, Volume
from aistack_backend.containers.parse import MANAGED, when
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Network, Provisioner
from aistack_backend.containers.prune.models import IMAGE, NETWORK, VOLUME, Claimed, Claims, Item
from aistack_backend.errors import BackendError, NotFound

ANONYMOUS = re.compile(r"[0-9a-f]{64}")
"""What Podman calls a volume that nobody named."""
OURS = "it was made for a stack"
BUILTIN = "podman"
"""Podman's own network, which is never removed."""


class Images:
    """Images; one with several names loses them one by one, and gets them back when it could not go."""

    type = IMAGE

    def __init__(self, podman: Podman, provisioner: Provisioner, claimed: Claimed) -> None:
        self._podman = podman
        self._provisioner = provisioner
        self._claimed = claimed

    def all(self) -> tuple[Item, ...]:
        """List them."""
        users = self._users()
        claims = self._claimed()
        return tuple(_image(one, users.get(one.id, []), _claim(one, claims)) for one in self._podman.images())

    def one(self, ident: str) -> Item:
        """Inspect one."""
        image = self._podman.image(ident)
        return _image(image, self._users().get(ident, []), _claim(image, self._claimed()))

    def remove(self, item: Item) -> None:
        """By id and without its unnamed parents; layers that other images share stay."""
        untagged: list[str] = []
        try:
            for name in item.names[1:]:
                self._provisioner.untag(item.id, name)
                untagged.append(name)
            self._provisioner.delete_image(item.id)
        except BackendError:
            for name in untagged:
                with suppress(BackendError):
                    self._provisioner.tag(item.id, name)
            raise

    def _users(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self._podman.list():
            found.setdefault(one.image_id, []).append(one.name)
        return found


class Volumes:
    """Volumes, by name: that is what Podman calls their id. Sizes are measured only by ``storage``."""

    type = VOLUME

    def __init__(self, podman: Podman, claimed: Claimed) -> None:
        self._podman = podman
        self._claimed = claimed

    def all(self) -> tuple[Item, ...]:
        """List them, and ask for each who mounts it."""
        claims = self._claimed().volumes
        return tuple(self._item(one, claims.get(one.name, "")) for one in self._podman.volumes())

    def one(self, ident: str) -> Item:
        """Inspect one."""
        return self._item(self._podman.volume(ident), self._claimed().volumes.get(ident, ""))

    def remove(self, item: Item) -> None:
        """With its data."""
        self._podman.remove_volume(item.id)

    def _item(self, volume: Volume, claim: str) -> Item:
        users = tuple(sorted(user.name for user in self._podman.volume_users(volume.name)))
        return Item(
            type=VOLUME,
            id=volume.name,
            name=volume.name,
            pin=pins.volume_pin(volume),
            users=users,
            claim=claim or (OURS if MANAGED in volume.labels else ""),
            plain="it has no name of its own and no container mounts it" if ANONYMOUS.fullmatch(volume.name) else "",
            created=when(volume.created),
            managed=MANAGED in volume.labels,
        )


class Networks:
    """Networks, by the id that Podman gave them."""

    type = NETWORK

    def __init__(self, podman: Podman, provisioner: Provisioner, claimed: Claimed) -> None:
        self._podman = podman
        self._provisioner = provisioner
        self._claimed = claimed

    def all(self) -> tuple[Item, ...]:
        """List them."""
        users: dict[str, list[str]] = {}
        for one in self._podman.list():
            for name in one.networks:
                users.setdefault(name, []).append(one.name)
        claims = self._claimed().networks
        return tuple(
            _network(one, users.get(one.name, []), claims.get(one.name, "")) for one in self._provisioner.networks()
        )

    def one(self, ident: str) -> Item:
        """Look through the list: there is one call for all."""
        found = next((one for one in self.all() if one.id == ident), None)
        if found is None:
            raise NotFound(f"There is no network {ident[:12]}.")
        return found

    def remove(self, item: Item) -> None:
        """By id; Podman refuses while a container is in it."""
        self._provisioner.remove_network(item.id)


def _claim(image: Image, claims: Claims) -> str:
    return claims.images.get(image.id, "") or next((claims.refs[tag] for tag in image.tags if tag in claims.refs), "")


def _image(image: Image, users: list[str], claim: str) -> Item:
    names = tuple(sorted(image.tags))
    return Item(
        type=IMAGE,
        id=image.id,
        name=names[0] if names else image.id[:12],
        pin=f"names={','.join(names)}",
        names=names,
        users=tuple(sorted(users)),
        claim=claim,
        plain="" if names else "it has no name and no container is made of it",
        size=image.size,
        created=image.created,
    )


def _network(network: Network, users: list[str], claim: str) -> Item:
    return Item(
        type=NETWORK,
        id=network.id or network.name,
        name=network.name,
        pin=f"created={network.created} id={network.id}",
        users=tuple(sorted(users)),
        fixed="it is Podman's own" if network.name == BUILTIN else "",
        claim=claim or (OURS if MANAGED in network.labels else ""),
        plain="no container is in it",
        created=when(network.created),
        managed=MANAGED in network.labels,
    )
