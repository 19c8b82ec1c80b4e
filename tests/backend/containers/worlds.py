"""A world in memory with the service over it, and ways to wait for what the bus tells."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.service import Containers
from aistack_backend.wire.events import Topic

DEADLINE = 10.0


class Ear(Bus):
    """A bus that remembers everything and can be waited on."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[Topic, Any]] = []
        self._news = threading.Condition()

    def publish(self, topic: Topic, data: Any) -> None:
        super().publish(topic, data)
        with self._news:
            self.heard.append((topic, data))
            self._news.notify_all()

    def all(self, topic: Topic) -> list[Any]:
        return [data for one, data in self.heard if one is topic]

    def until(self, topic: Topic, seen: Callable[[Any], object], *, within: float = DEADLINE) -> Any:
        """Return the first data of a topic of which ``seen`` is true; it may have been published already."""
        found: list[Any] = []

        def look() -> bool:
            found[:] = [data for data in self.all(topic) if seen(data)]
            return bool(found)

        with self._news:
            assert self._news.wait_for(look, within), f"not heard in {within} s: {self.all(topic)[-3:]}"
        return found[0]


class Stage:
    """The in-memory Podman, the bus and the service, not started."""

    def __init__(self) -> None:
        self.podman = MemoryPodman(tick=0.02)
        self.world = self.podman.world
        self.bus = Ear()
        self.containers = Containers(self.podman, self.bus, SystemClock())

    def close(self) -> None:
        self.containers.stop()
