"""Podman through podman-py 5.8.0: calls by its API client, streams by our own (see ``stream``).

Only podman-py's ``APIClient`` is used, with our own parameters and timeouts, because its domain objects have traps
that we would have to walk around one by one (``facts``: status of a sparse list raises, a label list as filter
matches nothing, stop() raises on a stopped container and times out at 1.5 times its grace, exec output keeps its
frame heads without demux, ...). Every such trap has a test in ``tests/contracts/test_podman.py``.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlencode, urlparse

from podman import PodmanClient
from podman.api.uds import UDSConnection, UDSConnectionPool
from podman.errors import APIError
from urllib3.exceptions import HTTPError

from aistack_backend.containers import eventsfile, failures, parse, sandbox_spec, sockets
from aistack_backend.containers.ghosts import Ghosts, insisted, near
from aistack_backend.containers.listing import whole
from aistack_backend.containers.models import Event, ExecResult, Image, Inspected, Processes, Spec, Volume
from aistack_backend.containers.port import Feed
from aistack_backend.containers.stream import Stream, demux, log_lines, objects
from aistack_backend.containers.usagefeed import UsageFeed
from aistack_backend.wire.containers import Container, Health, LogLine, Usage
from aistack_backend.wire.sources import SourceState

T = TypeVar("T")
LENGTHS = frozenset({"content-length", "transfer-encoding"})
"""Podman's last headers: an answer with neither was cut off in its head, and its emptiness means nothing."""
PREFIX = "/v5.8.0/libpod"
"""What podman-py calls; 4.3 and 5.4 take any prefix."""
CALL = 10.0
"""Seconds for a call that only reads."""
PING = 1.0
EFFECT = 60.0
"""Seconds on top of a call's own waiting (a stop's grace): the machine may be busy, and the call goes on anyway."""


class ApiPodman:
    """The adapter of the real thing; finds its socket anew whenever it lost it."""

    def __init__(self, url: str, env: Mapping[str, str]) -> None:
        """``url``: a configured socket, or empty for the usual places (see ``sockets.places``)."""
        self._url = url
        self._env = dict(env)
        self._lock = threading.Lock()
        self._client: PodmanClient | None = None
        self._path = ""
        self._ghosts = Ghosts()

    def connect(self) -> str:
        """Return ``unix://`` and the socket that answers a ping now."""
        if self.call("get", "/_ping", what="answer", timeout=PING).strip() != b"OK":
            raise failures.not_podman("answer a ping", self._path)
        return f"unix://{self._path}"

    def tried(self) -> str:
        """Return the socket in use, else every place that is looked at."""
        if self._client is not None:
            return self._path
        try:
            return ", ".join(place.path for place in sockets.places(self._url, self._env))
        except failures.PodmanDown as down:
            return down.tried

    def events_file(self) -> Path | None:
        """Where the owner of the socket keeps it by default."""
        return eventsfile.place(self._path) if self._path else None

    def signature(self) -> tuple[object, ...]:
        """Return something that changes when a socket appears or is made anew."""
        try:
            return sockets.signature(sockets.places(self._url, self._env))
        except failures.PodmanDown:
            return ()

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.api.close()

    def list(self, ids: Sequence[str] = ()) -> tuple[Container, ...]:
        """Sparse list: one call, no inspect each."""
        params: dict[str, object] = {"all": True}
        if ids:
            params["filters"] = json.dumps({"id": list(ids)})
        rows = self._many(parse.container_row, "/containers/json", params, "list containers")
        return self._ghosts.named(rows, lambda: near(self._path))

    def inspect(self, ref: str, *, size: bool = False) -> Inspected:
        """Inspect; ``size`` walks the container's layer."""
        params = {"size": True} if size else None
        found = self._one(parse.inspected, f"/containers/{ref}/json", params, "inspect")
        return replace(found, container=self._ghosts.named((found.container,), lambda: near(self._path))[0])

    def start(self, container: str) -> None:
        """304 (it runs already) is fine."""
        self.call("post", f"/containers/{container}/start", what="start it", timeout=EFFECT)

    def stop(self, container: str, grace: int) -> None:
        """304 (it is stopped already) is fine."""
        self.call(
            "post", f"/containers/{container}/stop", params={"timeout": grace}, what="stop it", timeout=grace + EFFECT
        )

    def restart(self, container: str, grace: int) -> None:
        """4.3 calls the grace ``t``, later versions take both names."""
        params = {"t": grace, "timeout": grace}
        self.call("post", f"/containers/{container}/restart", params=params, what="restart it", timeout=grace + EFFECT)

    def kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Send a signal."""
        self.call("post", f"/containers/{container}/kill", params={"signal": signal}, what="kill it", timeout=EFFECT)

    def pause(self, container: str) -> None:
        """Freeze it."""
        self.call("post", f"/containers/{container}/pause", what="pause it", timeout=EFFECT)

    def unpause(self, container: str) -> None:
        """Thaw it."""
        self.call("post", f"/containers/{container}/unpause", what="unpause it", timeout=EFFECT)

    def remove(self, container: str, *, force: bool = False) -> None:
        """Remove it; a stopping time of its own when forced."""
        params = {"force": force, "v": False}
        path = f"/containers/{container}"
        insisted(lambda: self.call("delete", path, params=params, what="remove it", timeout=EFFECT))

    def wait(self, container: str, seconds: float) -> int:
        """Wait by one blocking call, which this thread cannot end before ``seconds``."""
        params = {"condition": ["exited", "stopped"]}
        try:
            return int(self.call("post", f"/containers/{container}/wait", params=params, what="wait", timeout=seconds))
        except failures.PodmanDown as down:
            if down.state is SourceState.HANGING:
                raise TimeoutError(f"It still ran after {seconds:g} s.") from down
            raise

    def top(self, container: str) -> Processes:
        """``stream=false``: else 4.3 repeats it every five seconds."""
        return self._one(parse.processes, f"/containers/{container}/top", {"stream": False}, "list its processes")

    def exec(self, container: str, command: Sequence[str], seconds: float) -> ExecResult:
        """Create, start with framed output (no tty), then ask for the exit code."""
        wish = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command), "Tty": False}
        run = self._made(f"/containers/{container}/exec", wish, "exec")
        begin = b'{"Detach": false, "Tty": false}'
        try:
            body = self.call("post", f"/exec/{run}/start", data=begin, what="exec", timeout=seconds, hijacked=True)
        except failures.PodmanSays as said:
            if "not found" not in said.detail and "no such file" not in said.detail:
                raise
            return ExecResult(exit_code=127, out=b"", err=said.detail.encode())
        code = self._one(lambda doc: int(doc["ExitCode"]), f"/exec/{run}/json", None, "exec")
        out, err = demux(body)
        return ExecResult(exit_code=code, out=out, err=err)

    def healthcheck(self, container: str, seconds: float) -> Health:
        """GET runs it. Its answer tells only this run: the state is read by inspect. A command that overran its
        own timeout is answered with a 500 after it ended, and counted by Podman as a failure."""
        try:
            self.call("get", f"/containers/{container}/healthcheck", what="run its health command", timeout=seconds)
        except failures.PodmanSays as said:
            if "exceeded timeout" not in said.detail:
                raise
        return self.inspect(container).container.health

    def create(self, spec: Spec) -> str:
        """The specification is sent as it is: podman-py's create cannot pass ``noexec`` for a tmpfs."""
        return self._made("/containers/create", sandbox_spec.document(spec), "create the container")

    def logs(self, container: str, *, tail: int, since: float | None, follow: bool) -> Feed[Sequence[LogLine]]:
        """``tail=0`` with ``follow`` begins at the end; a negative tail is the whole log."""
        wish = {"stdout": "true", "stderr": "true", "timestamps": "true", "follow": str(follow).lower()}
        if tail >= 0:
            wish["tail"] = str(tail)
        if since is not None:
            wish["since"] = f"{since:.9f}".rstrip("0").rstrip(".")
        return self._stream(f"/containers/{container}/logs?{urlencode(wish)}", log_lines, endless=False)

    def stats(self, interval: int) -> Feed[Sequence[Usage]]:
        """No ``containers`` parameter = all, also those that come later."""
        return UsageFeed(self, partial(self._stream, endless=True), interval)

    def events(self) -> Feed[Event]:
        """Events from now on."""
        return self._stream("/events?stream=true", objects(parse.event_api), endless=True)

    def past_events(self, container: str, since: float) -> tuple[Event, ...]:
        """``stream=false``: podman-py's own call forces true, which gives nothing of the past on 4.3."""
        params = {"stream": False, "since": int(since), "filters": json.dumps({"container": [container]})}
        body = self.call("get", "/events", params=params, what="read its events")
        lines = [line for line in body.splitlines() if line.strip()]
        return self._shaped(lambda: tuple(parse.event_api(json.loads(line)) for line in lines), "read its events")

    def volumes(self) -> tuple[Volume, ...]:
        """All volumes."""
        return self._many(parse.volume, "/volumes/json", None, "list volumes")

    def volume(self, name: str) -> Volume:
        """One volume."""
        return self._one(parse.volume, f"/volumes/{name}/json", None, "inspect the volume")

    def volume_users(self, name: str) -> tuple[Container, ...]:
        """Containers that mount it."""
        params = {"all": True, "filters": json.dumps({"volume": [name]})}
        return self._many(parse.container_row, "/containers/json", params, "list containers")

    def volume_sizes(self, seconds: float) -> dict[str, int]:
        """Podman's own disk usage, which walks every volume."""
        try:
            body = self.call("get", "/system/df", what="measure the volumes", timeout=seconds)
        except failures.PodmanDown as down:
            if down.state is SourceState.HANGING:
                return {}
            raise
        return self._shaped(lambda: parse.volume_sizes(json.loads(body)), "measure the volumes")

    def remove_volume(self, name: str) -> None:
        """Never forced: a volume in use stays."""
        self.call("delete", f"/volumes/{name}", what="remove the volume", timeout=EFFECT)

    def images(self) -> tuple[Image, ...]:
        """All images."""
        return self._many(parse.image, "/images/json", None, "list images")

    def image(self, ref: str) -> Image:
        """One image."""
        return self._one(parse.image, f"/images/{ref}/json", None, "inspect the image")

    def import_image(self, tar: bytes, tag: str, changes: Sequence[str]) -> str:
        """podman-py has no import."""
        self.call(
            "post",
            "/images/import",
            params={"reference": tag, "changes": list(changes)},
            data=tar,
            kind="application/x-tar",
            what="import the image",
            timeout=EFFECT,
        )
        return self.image(tag).id

    def _stream(self, target: str, decode: Callable[[Iterator[bytes]], Iterator[T]], *, endless: bool) -> Stream[T]:
        return Stream(self._bound()[1], PREFIX + target, decode, endless=endless)

    def posted(self, target: str, what: str, kind: str = "application/json", body: bytes = b"") -> Stream[Any]:
        """Return the lines of a long call's answer, JSON each, as they come; closing it ends the call. Shared with the
        adapter of ``provision``."""
        path, lines = self._bound()[1], objects(lambda line: line)
        return Stream(path, PREFIX + target, lines, endless=False, body=(kind, body), what=what)

    def _bound(self) -> tuple[PodmanClient, str]:
        with self._lock:
            if self._client is None:
                self._path = sockets.first(sockets.places(self._url, self._env))
                self._client = _client(self._path)
            return self._client, self._path

    def _one(self, make: Callable[[Any], T], path: str, params: Mapping[str, object] | None, what: str) -> T:
        body = self.call("get", path, params=params, what=what)
        return self._shaped(lambda: make(json.loads(body)), what)

    def _many(
        self, make: Callable[[Any], T], path: str, params: Mapping[str, object] | None, what: str
    ) -> tuple[T, ...]:
        return whole(lambda: self._one(lambda docs: tuple(make(doc) for doc in docs), path, params, what))

    def _made(self, path: str, wish: object, what: str) -> str:
        body = self.call("post", path, data=json.dumps(wish).encode(), what=what, timeout=EFFECT)
        return self._shaped(lambda: str(json.loads(body)["Id"]), what)

    def _shaped(self, read: Callable[[], T], what: str) -> T:
        try:
            return read()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise failures.not_podman(what, self._path) from error

    def call(
        self,
        method: str,
        path: str,
        *,
        what: str,
        params: Mapping[str, object] | None = None,
        data: bytes | None = None,
        kind: str = "application/json",
        timeout: float = CALL,
        hijacked: bool = False,
    ) -> bytes:
        """Make one call below ``PREFIX`` within ``timeout`` seconds and return the answer's body; ``what`` completes
        "Podman refused to …". Shared with the adapter of ``provision``."""
        client, socket_path = self._bound()
        patience = (sockets.CONNECT, timeout)
        try:
            answer = getattr(client.api, method)(
                path, params=params, data=data, headers={"Content-Type": kind}, timeout=patience, stream=True
            )
            with closing(answer):
                content = _read(answer.raw, time.monotonic() + timeout)
                status, whole = int(answer.status_code), LENGTHS & {name.lower() for name in answer.headers}
        except (APIError, OSError, HTTPError) as error:
            self.close()
            raise failures.from_exception(error, socket_path) from error
        if not (whole or hijacked or status in (204, 304)):
            raise failures.not_podman(what, socket_path)
        if status >= 400:
            raise failures.from_answer(status, content, what, socket_path)
        return content


class _Connection(UDSConnection):
    # podman-py leaves the socket of a failed connect open, for the garbage collector to complain about.
    def connect(self) -> None:
        """Connect, and leave no socket behind when that fails."""
        self.sock = sockets.knock(unquote(urlparse(self.uds).netloc))
        self.sock.settimeout(self.timeout)


class _Pool(UDSConnectionPool):
    ConnectionCls = _Connection


def _client(path: str) -> PodmanClient:
    client = PodmanClient(base_url=f"unix://{path}")
    adapter: Any = client.api.get_adapter("http://")
    adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool}
    return client


def _read(raw: Any, deadline: float) -> bytes:
    # The read timeout counts from one byte to the next: an answer that drips would never end.
    parts = []
    while part := raw.read1(1 << 16):
        parts.append(part)
        if time.monotonic() > deadline:
            raise TimeoutError("the answer did not end in time")
    return b"".join(parts)
