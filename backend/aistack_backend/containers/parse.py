"""Podman's JSON to our models. What is missing or odd becomes None or UNKNOWN, never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aistack_backend.containers.models import Event, Image, Inspected, Mount, Processes, Volume
from aistack_backend.containers.secrets import scrub_arguments, scrub_labels
from aistack_backend.wire.containers import Container, ContainerState, Health, Port, Usage

Doc = Mapping[str, Any]
MANAGED = "io.aistack.managed"
"""Label of the objects that we may change without dual control (R4.7)."""
HEALTHS = {word.value: word for word in (Health.STARTING, Health.HEALTHY, Health.UNHEALTHY)}
RUNS = frozenset({ContainerState.RUNNING, ContainerState.PAUSED, ContainerState.STOPPING})
WRAPPED = 100_000.0
"""Percent of a core that no machine has: Podman's counter wrapped when the container restarted."""


def when(value: object) -> float | None:
    """Return epoch seconds of Podman's stamp (text or number); None for its zero dates."""
    if isinstance(value, int | float):
        return float(value) if value > 0 else None
    try:
        stamp = datetime.fromisoformat(str(value)).timestamp()
    except (ValueError, OverflowError):
        return None
    return stamp if stamp > 0 else None


def nanos(stamp: str) -> int:
    """Return epoch nanoseconds of an RFC 3339 stamp, to the last digit; 0 when it is none."""
    whole, _, rest = stamp.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    seconds = when(whole + rest[len(digits) :])
    return int(seconds or 0) * 1_000_000_000 + int(digits.ljust(9, "0")[:9] or 0)


def container_row(row: Doc) -> Container:
    """Read one entry of the list call (sparse: State is a word, Status is the health)."""
    state = ContainerState(str(row.get("State") or "unknown").lower())
    runs = state in RUNS
    exited = when(row.get("ExitedAt"))
    labels = _labels(row.get("Labels"))
    return Container(
        id=str(row["Id"]),
        name=str((row.get("Names") or [row["Id"][:12]])[0]),
        image=str(row.get("Image") or ""),
        image_id=str(row.get("ImageID") or ""),
        state=state,
        health=HEALTHS.get(str(row.get("Status") or "").lower(), Health.NONE),
        created_at=when(row.get("Created")),
        started_at=when(row.get("StartedAt")),
        finished_at=None if runs else exited,
        exit_code=None if runs or exited is None else row.get("ExitCode"),
        restarts=row.get("Restarts"),
        pid=row.get("Pid") or None,
        command=scrub_arguments(row.get("Command") or ()),
        ports=_row_ports(row.get("Ports") or ()),
        networks=tuple(row.get("Networks") or ()),
        mounts=tuple(row.get("Mounts") or ()),
        labels=scrub_labels(labels),
        managed=MANAGED in labels,
    )


def inspected(doc: Doc) -> Inspected:
    """Read one inspect document."""
    return Inspected(
        container=_inspected_container(doc),
        started=str(doc["State"].get("StartedAt") or ""),
        finished=str(doc["State"].get("FinishedAt") or ""),
        mounts=tuple(
            Mount(
                type=str(m.get("Type") or ""),
                name=str(m.get("Name") or ""),
                source=str(m.get("Source") or ""),
                destination=str(m.get("Destination") or ""),
                writable=bool(m.get("RW")),
            )
            for m in doc.get("Mounts") or ()
        ),
        dependencies=tuple(doc.get("Dependencies") or ()),
        stop_timeout=int((doc.get("Config") or {}).get("StopTimeout", 10)),
        oom_killed=bool(doc["State"].get("OOMKilled")),
        size_rw=doc.get("SizeRw"),
        document=doc,
    )


def _inspected_container(doc: Doc) -> Container:
    state, config, net = doc["State"], doc.get("Config") or {}, doc.get("NetworkSettings") or {}
    word = ContainerState(str(state.get("Status") or "unknown").lower())
    runs = word in RUNS
    finished = when(state.get("FinishedAt"))
    health = state.get("Health") or state.get("Healthcheck") or {}
    labels = _labels(config.get("Labels"))
    return Container(
        id=str(doc["Id"]),
        name=str(doc.get("Name") or "").lstrip("/"),
        image=str(doc.get("ImageName") or config.get("Image") or ""),
        image_id=str(doc.get("Image") or ""),
        state=word,
        health=HEALTHS.get(str(health.get("Status") or "").lower(), Health.NONE),
        created_at=when(doc.get("Created")),
        started_at=when(state.get("StartedAt")),
        finished_at=None if runs else finished,
        exit_code=None if runs or finished is None else state.get("ExitCode"),
        restarts=doc.get("RestartCount"),
        pid=state.get("Pid") or None,
        command=scrub_arguments(config.get("Cmd") or ()),
        ports=_inspect_ports(net.get("Ports") or {}),
        networks=tuple(sorted(net.get("Networks") or ())),
        mounts=tuple(str(m.get("Destination") or "") for m in doc.get("Mounts") or ()),
        labels=scrub_labels(labels),
        managed=MANAGED in labels,
    )


def volume(doc: Doc) -> Volume:
    """Read one volume."""
    return Volume(
        name=str(doc["Name"]),
        driver=str(doc.get("Driver") or ""),
        mountpoint=str(doc.get("Mountpoint") or ""),
        created=str(doc.get("CreatedAt") or ""),
        labels=_labels(doc.get("Labels")),
    )


def image(doc: Doc) -> Image:
    """Read one image of the list or of inspect."""
    tags = doc.get("RepoTags") or doc.get("Names") or ()
    return Image(
        id=str(doc["Id"]).removeprefix("sha256:"),
        tags=tuple(tags),
        size=int(doc.get("Size") or 0),
        labels=_labels(doc.get("Labels")),
        created=when(doc.get("Created")),
    )


def processes(doc: Doc) -> Processes:
    """Read the answer of top."""
    rows = tuple(tuple(str(cell) for cell in row) for row in doc.get("Processes") or ())
    return Processes(titles=tuple(doc.get("Titles") or ()), rows=rows)


def volume_sizes(doc: Doc) -> dict[str, int]:
    """Read the bytes of each volume from Podman's disk usage."""
    return {str(one["VolumeName"]): int(one["Size"]) for one in doc.get("Volumes") or ()}


def event_api(doc: Doc) -> Event:
    """Read one event of the API's stream."""
    actor = doc.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    code = str(attributes.get("containerExitCode") or "")
    return Event(
        nanos=int(doc.get("timeNano") or 0),
        type=str(doc.get("Type") or ""),
        action=str(doc.get("Action") or doc.get("status") or ""),
        id=str(actor.get("ID") or doc.get("id") or ""),
        name=str(attributes.get("name") or ""),
        health=str(doc.get("HealthStatus") or attributes.get("health_status") or ""),
        exit_code=int(code) if code.isdigit() and doc.get("Action") == "died" else None,
    )


def event_file(doc: Doc) -> Event:
    """Read one line of Podman's events file."""
    action = str(doc.get("Status") or "")
    return Event(
        nanos=nanos(str(doc.get("Time") or "")),
        type=str(doc.get("Type") or ""),
        action=action,
        id=str(doc.get("ID") or ""),
        name=str(doc.get("Name") or ""),
        health=str(doc.get("health_status") or ""),
        exit_code=int(doc.get("ContainerExitCode") or 0) if action == "died" else None,
    )


def usage_row(row: Doc, at: float) -> Usage:
    """Read one container of a stats sample; its processor share is over Podman's interval."""
    share = float(row.get("CPU") or 0.0)
    return Usage(
        id=str(row["ContainerID"]),
        at=at,
        cpu_percent=share if 0 <= share < WRAPPED else None,
        memory=row.get("MemUsage"),
        memory_limit=row.get("MemLimit"),
        net_in=row.get("NetInput"),
        net_out=row.get("NetOutput"),
        block_in=row.get("BlockInput"),
        block_out=row.get("BlockOutput"),
        pids=row.get("PIDs"),
    )


def _labels(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}


def _row_ports(ports: Any) -> tuple[Port, ...]:
    found = []
    for port in ports:
        for step in range(int(port.get("range") or 1)):
            found.append(
                Port(
                    host_ip=str(port.get("host_ip") or ""),
                    host_port=int(port.get("host_port") or 0) + step,
                    container_port=int(port.get("container_port") or 0) + step,
                    protocol=str(port.get("protocol") or "tcp"),
                )
            )
    return tuple(found)


def _inspect_ports(ports: Doc) -> tuple[Port, ...]:
    found = []
    for inside, outsides in ports.items():
        number, _, protocol = inside.partition("/")
        for outside in outsides or ():
            found.append(
                Port(
                    host_ip=str(outside.get("HostIp") or ""),
                    host_port=int(outside.get("HostPort") or 0),
                    container_port=int(number),
                    protocol=protocol or "tcp",
                )
            )
    return tuple(found)
