"""What the Podman contract suite runs on: the real thing, and the one in memory."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from podman import PodmanClient

from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.port import Feed, Podman

PROBE = "localhost/aistack-probe:1"
SOCKET = os.environ.get("AISTACK_TEST_PODMAN", "/run/podman/podman.sock")


class Bed(Protocol):
    """Makes the containers that the port itself must not make."""

    @property
    def podman(self) -> Podman:
        """The adapter that is tried."""
        ...

    def make(self, name: str, *command: str, health: str = "", volume: str = "", running: bool = True) -> str:
        """Return the id of a new container."""
        ...

    def volume(self, name: str) -> str:
        """Return the name of a new volume."""
        ...

    def name(self, name: str) -> str:
        """Return a name that nobody else has."""
        ...

    def close(self) -> None:
        """Remove everything."""
        ...


class RealBed:
    """On Podman's socket."""

    def __init__(self, socket: str = SOCKET) -> None:
        self.podman = ApiPodman(f"unix://{socket}", {})
        self._client = PodmanClient(base_url=f"unix://{socket}")
        self._prefix = f"ctr{uuid.uuid4().hex[:6]}-"
        self._volumes: list[str] = []

    def name(self, name: str) -> str:
        return self._prefix + name

    def make(
        self, name: str, *command: str, health: str = "", volume: str = "", running: bool = True, **more: Any
    ) -> str:
        spec = {
            "name": self.name(name),
            "image": PROBE,
            "command": list(command or ("sleep", "1000")),
            "init": True,
            "stop_timeout": 2,
            "labels": {"bed": self._prefix},
            "netns": {"nsmode": "none"},
            **more,
        }
        if health:
            second = 10**9
            spec["healthconfig"] = {"Test": ["CMD-SHELL", health], "Interval": 0, "Timeout": second, "Retries": 1}
        if volume:
            spec["volumes"] = [{"Name": volume, "Dest": "/data"}]
        answer = self._client.api.post("/containers/create", data=json.dumps(spec))
        answer.raise_for_status()
        ident = str(answer.json()["Id"])
        if running:
            self.podman.start(ident)
        return ident

    def volume(self, name: str) -> str:
        self._client.volumes.create(self.name(name), labels={"bed": self._prefix})
        self._volumes.append(self.name(name))
        return self.name(name)

    def remove_image(self, tag: str) -> None:
        self._client.api.delete(f"/images/{tag}", params={"force": True})

    def close(self) -> None:
        for row in self.podman.list():
            if row.name.startswith(self._prefix):
                self._client.api.delete(f"/containers/{row.id}", params={"force": True, "timeout": 0})
        for name in self._volumes:
            self._client.api.delete(f"/volumes/{name}", params={"force": True})
        self._client.api.close()
        self.podman.close()


class MemoryBed:
    """In this process."""

    def __init__(self) -> None:
        self.podman = MemoryPodman(tick=0.05)

    def name(self, name: str) -> str:
        return name

    def make(self, name: str, *command: str, health: str = "", volume: str = "", running: bool = True) -> str:
        more: dict[str, Any] = {"health": ("CMD-SHELL", health)} if health else {}
        if volume:
            more["volumes"] = {volume: "/data"}
        world = self.podman.world
        return world.add(name, command or ("sleep", "1000"), running=running, labels={"bed": "memory"}, **more)

    def volume(self, name: str) -> str:
        return self.podman.world.add_volume(name).name

    def close(self) -> None:
        self.podman.close()


BEDS: dict[str, Callable[[], Bed]] = {"memory": MemoryBed, "podman": RealBed}


def read(feed: Feed[Any], count: int) -> list[Any]:
    """Return the first items of a feed, then close it."""
    items = []
    for item in feed:
        items.append(item)
        if len(items) >= count:
            feed.close()
    return items
