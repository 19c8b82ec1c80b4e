"""What a stack is made of, in the world of the in-memory Podman."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from aistack_backend.containers import service_spec
from aistack_backend.containers.aside import Breaker
from aistack_backend.containers.failures import PodmanSays
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.memory_box import Box
from aistack_backend.containers.models import Image, Volume
from aistack_backend.containers.provision import HostInfo, Network, Progress, Secret, ServiceSpec
from aistack_backend.errors import NotFound


class MemoryProvisioner:
    """Shares the world of a ``MemoryPodman``; ``registry`` is what can be pulled: reference to content."""

    def __init__(self, podman: MemoryPodman) -> None:
        self._podman = podman
        self._world = podman.world
        self._networks: dict[str, Network] = {}
        self._secrets: dict[str, Secret] = {}
        self._files: dict[tuple[str, str], bytes] = {}
        self._made = 0
        self.registry: dict[str, bytes] = {}

    def info(self) -> HostInfo:
        """A host of no particular kind."""
        self._world.up()
        return HostInfo(
            version="5.0.0", rootless=True, memory_total=16 << 30, cpus=2, graph_root="/", network_backend="netavark"
        )

    def networks(self) -> tuple[Network, ...]:
        """All."""
        with self._world.changed:
            self._world.up()
            return tuple(self._networks.values())

    def create_network(self, name: str, labels: Mapping[str, str], *, internal: bool = False) -> None:
        """Keep it."""
        with self._world.changed:
            self._world.up()
            self._made += 1
            made = Network(name=name, id=_digest(f"{name} {self._made}"), labels=dict(labels), internal=internal)
            self._networks.setdefault(name, made)

    def remove_network(self, ref: str) -> None:
        """Not while a container is in it."""
        with self._world.changed:
            self._world.up()
            name = next((one.name for one in self._networks.values() if ref in (one.id, one.name)), ref)
            if any(name in box.networks for box in self._world.boxes.values()):
                raise PodmanSays(f"Podman refused to remove the network: {name} has associated containers with it.")
            self._networks.pop(name, None)

    def secrets(self) -> tuple[Secret, ...]:
        """Names only."""
        with self._world.changed:
            self._world.up()
            return tuple(self._secrets.values())

    def create_secret(self, name: str, value: bytes, labels: Mapping[str, str]) -> None:
        """The value is forgotten: nothing here reads it."""
        with self._world.changed:
            self._world.up()
            if name in self._secrets:
                raise PodmanSays(f"Podman refused to keep the secret: {name}: secret name in use.")
            self._secrets[name] = Secret(name=name, id=_digest(name)[:25], labels=dict(labels))

    def remove_secret(self, name: str) -> None:
        """Gone is gone."""
        with self._world.changed:
            self._world.up()
            self._secrets.pop(name, None)

    def create_volume(self, name: str, labels: Mapping[str, str]) -> Volume:
        """The existing one when there is one."""
        with self._world.changed:
            self._world.up()
            return self._world.volumes.get(name) or self._world.add_volume(name, labels=dict(labels))

    def create_service(self, spec: ServiceSpec) -> str:
        """A box with the service's ports, volumes and health command."""
        service_spec.check(spec)
        with self._world.changed:
            self._world.up()
            image = self._podman.image(spec.image)
            if any(box.name == spec.name for box in self._world.boxes.values()):
                raise PodmanSays(f"Podman refused to create the container: the name {spec.name} is already in use.")
            missing = [one.source for one in spec.secrets if one.source not in self._secrets]
            if missing:
                raise PodmanSays(f"Podman refused to create the container: no such secret {missing[0]}.")
            box = self._world.new(spec.name, image.tags[0] if image.tags else image.id, image.id)
            _fill(box, spec)
            for name in box.volumes:
                self.create_volume(name, {})
            self._world.tell("create", box)
            return box.id

    def rename(self, container: str, name: str) -> None:
        """Not to a name that is taken."""
        with self._world.changed:
            box = self._world.find(container)
            if any(other.name == name for other in self._world.boxes.values()):
                raise PodmanSays(f"Podman refused to rename it: the name {name} is already in use.")
            box.name = name
            self._world.tell("rename", box)

    def pull(self, ref: str, progress: Progress, breaker: Breaker | None = None) -> Image:
        """From ``registry``."""
        with self._world.changed:
            self._world.up()
            if ref not in self.registry:
                raise PodmanSays(f"Podman could not pull {ref}: manifest unknown.")
            progress(f"Copying {ref}")
            return self._put(ref, self.registry[ref])

    def build(
        self,
        context: str,
        dockerfile: str,
        tag: str,
        args: Mapping[str, str],
        progress: Progress,
        breaker: Breaker | None = None,
    ) -> Image:
        """An image of the folder's name."""
        with self._world.changed:
            self._world.up()
            progress(f"COMMIT {tag}")
            return self._put(tag, f"{context}:{dockerfile}:{sorted(args.items())}".encode())

    def tag(self, image: str, ref: str) -> None:
        """Move the name."""
        with self._world.changed:
            found = self._podman.image(image)
            self._untag(ref)
            self._world.images[found.id] = Image(
                id=found.id, tags=(*found.tags, ref), size=found.size, labels=found.labels
            )

    def remove_image(self, ref: str) -> None:
        """The name alone while there are others; the last one not while a container is made of it."""
        with self._world.changed:
            found = self._podman.image(ref)
            if ref in found.tags and len(found.tags) > 1:
                self._untag(ref)
                return
            if any(box.image_id == found.id for box in self._world.boxes.values()):
                raise PodmanSays(f"Podman refused to remove the image: image {ref} is in use by a container.")
            del self._world.images[found.id]

    def untag(self, image: str, ref: str) -> None:
        """Only its own name."""
        with self._world.changed:
            if ref not in self._podman.image(image).tags:
                raise PodmanSays(f"Podman refused to take the image's name: {ref}: tag not known.")
            self._untag(ref)

    def delete_image(self, image: str) -> None:
        """Nothing here is made of another image."""
        with self._world.changed:
            found = self._podman.image(image)
            if len(found.tags) > 1:
                raise PodmanSays("Podman refused to remove the image: it has more than one tag.")
            if any(box.image_id == found.id for box in self._world.boxes.values()):
                raise PodmanSays("Podman refused to remove the image: image used by a container.")
            del self._world.images[found.id]

    def read_files(self, container: str, path: str) -> Iterator[bytes]:
        """What was written there: one file, or all below a folder."""
        with self._world.changed:
            box = self._world.find(container)
        whole = PurePosixPath(path)
        found = {
            name: content
            for (ident, name), content in self._files.items()
            if ident == box.id and (PurePosixPath(name) == whole or whole in PurePosixPath(name).parents)
        }
        if not found:
            raise NotFound(f"Podman knows no such object: {path} could not be found in {box.name}.")
        yield _packed({str(PurePosixPath(name).relative_to(whole.parent)): body for name, body in found.items()})

    def write_files(self, container: str, path: str, tar: Iterable[bytes]) -> None:
        """Keep the archive's files."""
        with self._world.changed:
            box = self._world.find(container)
        with tarfile.open(fileobj=io.BytesIO(b"".join(tar))) as opened:
            for entry in opened:
                if entry.isfile() and (body := opened.extractfile(entry)):
                    self._files[box.id, str(PurePosixPath(path) / entry.name)] = body.read()

    def listening(self, pid: int) -> frozenset[int] | None:
        """Every box listens on its published ports while it runs; all have the same number."""
        with self._world.changed:
            return frozenset(inside for box in self._world.boxes.values() if box.runs for _, inside in box.ports)

    def _put(self, ref: str, content: bytes) -> Image:
        self._untag(ref)
        return self._world.add_image(ref, content)

    def _untag(self, ref: str) -> None:
        for ident, image in list(self._world.images.items()):
            if ref in image.tags:
                kept = tuple(tag for tag in image.tags if tag != ref)
                self._world.images[ident] = Image(id=ident, tags=kept, size=image.size, labels=image.labels)


def _fill(box: Box, spec: ServiceSpec) -> None:
    box.command, box.labels, box.stop_timeout = spec.command, dict(spec.labels), spec.stop_timeout
    box.env = dict(spec.environment)
    box.volumes = {one.source: one.target for one in spec.mounts if one.type == "volume"}
    box.ports = tuple((one.host_port, one.container_port) for one in spec.publish)
    box.networks = tuple(name for name, _ in spec.networks)
    box.health = ("CMD", *spec.health.command) if spec.health else ()
    box.health_status = "starting" if spec.health else ""


def _packed(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(body), 0o644
            tar.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
