"""One container of the in-memory Podman: its state, its log, and Podman's JSON of both."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aistack_backend.containers import sandbox_spec
from aistack_backend.containers.memory_shell import FOREVER, steps
from aistack_backend.containers.models import Spec
from aistack_backend.containers.sandbox_spec import TMP_OPTIONS
from aistack_backend.wire.containers import LogLine, LogStream

ZERO = "0001-01-01T00:00:00Z"


@dataclass
class Run:
    """One run of the main process; ``over`` is set to end it, ``done`` when it has ended."""

    over: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    killed: int = 0


@dataclass(kw_only=True)
class Box:
    """Mutable, guarded by the world's lock."""

    id: str
    name: str
    image: str
    image_id: str
    created: int
    command: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    volumes: dict[str, str] = field(default_factory=dict)
    """Volume name to destination."""
    ports: tuple[tuple[int, int], ...] = ()
    """(host port on 127.0.0.1, container port)."""
    networks: tuple[str, ...] = ("podman",)
    health: tuple[str, ...] = ()
    health_status: str = ""
    health_log: list[dict[str, Any]] = field(default_factory=list)
    stop_timeout: int = 10
    extra: Mapping[str, Any] = field(default_factory=dict)
    """More of the inspect document: ``Config`` and ``HostConfig`` of a sandbox."""
    state: str = "created"
    started: int = 0
    finished: int = 0
    exit_code: int = 0
    restarts: int = 0
    run: Run = field(default_factory=Run)
    log: list[tuple[int, LogLine]] = field(default_factory=list)
    cpu: float = 0.0
    memory: int = 0

    @property
    def runs(self) -> bool:
        """Running or paused."""
        return self.state in ("running", "paused")

    def write(self, now: int, stream: LogStream, line: bytes) -> None:
        """Add a line to the log; stamps have whole seconds, as Podman's."""
        text = line.decode("utf-8", "replace")
        self.log.append((now, LogLine(at=float(now // 1_000_000_000), stream=stream, text=text)))

    def row(self) -> dict[str, Any]:
        """Return its entry of the list call."""
        return {
            "Id": self.id,
            "Names": [self.name],
            "Image": self.image,
            "ImageID": self.image_id,
            "State": self.state,
            "Status": self.health_status if self.health else "",
            "Created": stamp(self.created),
            "StartedAt": self.started // 1_000_000_000 or -62135596800,
            "ExitedAt": self.finished // 1_000_000_000 or -62135596800,
            "ExitCode": self.exit_code,
            "Pid": 4242 if self.runs else 0,
            "Command": list(self.command),
            "Labels": dict(self.labels),
            "Mounts": list(self.volumes.values()),
            "Networks": list(self.networks),
            "Ports": [
                {"host_ip": "127.0.0.1", "host_port": host, "container_port": inside, "range": 1, "protocol": "tcp"}
                for host, inside in self.ports
            ],
        }

    def inspect(self) -> dict[str, Any]:
        """Return its inspect document."""
        return {
            "Id": self.id,
            "Name": self.name,
            "Created": stamp(self.created),
            "Path": self.command[0] if self.command else "",
            "Args": list(self.command[1:]),
            "Image": self.image_id,
            "ImageName": self.image,
            "RestartCount": self.restarts,
            "State": self._state(),
            "Mounts": [
                {"Type": "volume", "Name": name, "Source": f"/volumes/{name}", "Destination": inside, "RW": True}
                for name, inside in self.volumes.items()
            ],
            "Dependencies": [],
            "SizeRw": 0,
            "NetworkSettings": {
                "Ports": {f"{i}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(h)}] for h, i in self.ports},
                "Networks": {"podman": {}},
            },
            "Config": self._config(),
            "HostConfig": {
                "RestartPolicy": {"Name": "no"},
                "NetworkMode": "bridge",
                **self.extra.get("HostConfig", {}),
            },
            **{key: value for key, value in self.extra.items() if key not in ("Config", "HostConfig")},
        }

    def _state(self) -> dict[str, Any]:
        health = {"Status": self.health_status, "FailingStreak": 0, "Log": list(self.health_log)} if self.health else {}
        return {
            "Status": self.state,
            "Running": self.runs,
            "OOMKilled": False,
            "Pid": 4242 if self.runs else 0,
            "ExitCode": self.exit_code,
            "StartedAt": stamp(self.started),
            "FinishedAt": stamp(self.finished),
            "Health": health,
        }

    def _config(self) -> dict[str, Any]:
        return {
            "Cmd": list(self.command),
            "Env": [f"{name}={value}" for name, value in self.env.items()],
            "Labels": dict(self.labels),
            "Image": self.image,
            "StopTimeout": self.stop_timeout,
            **({"Healthcheck": {"Test": list(self.health)}} if self.health else {}),
            **self.extra.get("Config", {}),
        }


def live(box: Box, run: Run, write: Any) -> int:
    """Do what the container's command does until its end, or until ``run.over``; return the exit code.

    ``write`` takes (stream, line).
    """
    for step in steps(box.command):
        if step.line is not None:
            write(step.stream, step.line)
        if step.code is not None:
            return step.code
        if run.over.wait(None if step.wait == FOREVER else step.wait) if step.wait else run.over.is_set():
            return 128 + run.killed
    return 0


def described(spec: Spec) -> dict[str, Any]:
    """Return what inspect says of a sandbox made as specified."""
    limits = {name.upper(): value for name, value in sandbox_spec.limits(spec).items()}
    return {
        "Mounts": [
            {
                "Type": "bind",
                "Source": bind.source,
                "Destination": bind.destination,
                "RW": bind.writable,
                "Options": ["nosuid", "nodev", "rbind"],
            }
            for bind in spec.binds
        ],
        "EffectiveCaps": None,
        "Config": {"User": spec.user, "WorkingDir": spec.cwd, "Timeout": spec.deadline},
        "HostConfig": {
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "Privileged": False,
            "SecurityOpt": ["no-new-privileges"],
            "Tmpfs": {"/tmp": ",".join((f"size={spec.tmp_size}", *TMP_OPTIONS))},  # noqa: S108
            "Binds": [f"{bind.source}:{bind.destination}" for bind in spec.binds],
            "PidMode": "private",
            "Memory": spec.memory,
            "MemorySwap": spec.memory,
            "CpuQuota": int(spec.cpus * 100_000),
            "PidsLimit": spec.pids,
            "Ulimits": [{"Name": f"RLIMIT_{name}", "Soft": value, "Hard": value} for name, value in limits.items()],
        },
    }


def stamp(nanos: int) -> str:
    """Return Podman's text for epoch nanoseconds; its zero date for 0."""
    if not nanos:
        return ZERO
    whole = datetime.fromtimestamp(nanos // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{nanos % 1_000_000_000:09d}Z"
