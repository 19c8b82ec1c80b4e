"""Usage of all containers in one stream, also where one of them cannot be measured.

Podman makes a sample of all or of none: one container that it takes for running and whose control group is gone (see
``ghosts``) ends the stream for every other one.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import urlencode

from aistack_backend.containers import parse
from aistack_backend.containers.failures import PodmanDown
from aistack_backend.containers.port import Feed
from aistack_backend.containers.stream import objects
from aistack_backend.errors import BackendError
from aistack_backend.wire.containers import Container, ContainerState, Usage

Sample = tuple[Usage, ...]
AGAIN = 15.0
"""Seconds after which the measurable ones are looked for anew, so that a new container is seen."""
PAUSE = 0.5
"""Seconds before Podman is asked anew."""
ALONE = 3.0
"""Seconds for the sample of one container."""


class Source(Protocol):
    """What is asked of Podman's adapter."""

    def list(self, ids: Sequence[str] = ()) -> tuple[Container, ...]:
        """Return the containers."""
        ...

    def call(
        self, method: str, path: str, *, what: str, params: Mapping[str, object] | None = None, timeout: float = ALONE
    ) -> bytes:
        """Return the body of an answer."""
        ...


Open = Callable[[str, Callable[[Iterator[bytes]], Iterator["Sample | None"]]], "Feed[Sample | None]"]
"""Opens an endless stream of a target below the API's prefix."""


class UsageFeed:
    """Samples of every running container each ``interval`` seconds; may be closed from any thread."""

    def __init__(self, podman: Source, opened: Open, interval: int) -> None:
        self._podman = podman
        self._open = opened
        self._interval = interval
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._feed: Feed[Sample | None] | None = None

    def __iter__(self) -> Iterator[Sample]:
        """Yield samples until closed.

        Raises:
            PodmanDown: Podman went away. BackendError: it refuses to measure at all.
        """
        ids: tuple[str, ...] | None = None
        while True:
            if ids is None:
                yield from self._measured((), float("inf"))
            elif ids:
                yield from self._measured(ids, AGAIN)
            else:
                yield ()
            if self._closed.wait(PAUSE):
                return
            ids = self._measurable()

    def close(self) -> None:
        """End the reader; may be called twice."""
        self._closed.set()
        with self._lock:
            if self._feed is not None:
                self._feed.close()

    def _measured(self, ids: Sequence[str], seconds: float) -> Iterator[Sample]:
        """Yield samples of all, or of these. A stream that Podman ends with an error in place of a sample is over,
        and no fault; any other end is."""
        query = [("stream", "true"), ("interval", str(self._interval)), *(("containers", one) for one in ids)]
        with self._lock:
            if self._closed.is_set():
                return
            self._feed = feed = self._open(f"/containers/stats?{urlencode(query)}", objects(_sample))
        until, first = time.monotonic() + seconds, bool(ids)
        for sample in feed:
            if sample is None or time.monotonic() > until:
                feed.close()
                return
            # The first share of a stream is the average since the container's start; of all, the reader drops it.
            yield tuple(replace(row, cpu_percent=None) for row in sample) if first else sample
            first = False

    def _measurable(self) -> tuple[str, ...] | None:
        """Return the running containers whose usage Podman tells when asked for each alone; None = every one."""
        running = [one.id for one in self._podman.list() if one.state in parse.RUNS or one.state is ContainerState.DEAD]
        told = tuple(one for one in running if self._tells(one))
        return None if len(told) == len(running) else told

    def _tells(self, ident: str) -> bool:
        params = {"stream": "false", "containers": ident}
        try:
            body = self._podman.call("get", "/containers/stats", what="measure", params=params, timeout=ALONE)
        except PodmanDown:
            raise
        except BackendError:
            return False
        return _sample(json.loads(body)) is not None


def _sample(doc: Mapping[str, Any]) -> Sample | None:
    """Read one sample; None when Podman failed to make it."""
    if doc.get("Stats") is None and doc.get("Error") is not None:
        return None
    now = time.time()
    return tuple(parse.usage_row(row, now) for row in doc.get("Stats") or ())
