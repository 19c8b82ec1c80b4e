"""What an action will change, measured before it is asked for, in sentences."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aistack_backend.containers.models import Inspected
from aistack_backend.containers.parse import RUNS
from aistack_backend.containers.port import Podman
from aistack_backend.errors import NotFound
from aistack_backend.wire.containers import Container, Verb

LOOKED_AT = 40
"""Containers inspected at most for dependants: 1 to 4 ms each."""
DEPENDS_LABELS = ("io.aistack.depends-on", "com.docker.compose.depends_on", "io.podman.compose.depends_on")
UNDO = {
    Verb.START: "stop container {name}",
    Verb.STOP: "start container {name}",
    Verb.RESTART: "none: it runs again, the interrupted work does not come back",
    Verb.KILL: "start container {name}; what it had not saved is lost",
    Verb.PAUSE: "unpause container {name}",
    Verb.UNPAUSE: "pause container {name}",
    Verb.REMOVE: "none: its own files are gone; its image and its named volumes stay",
}
INTERRUPTS = frozenset({Verb.STOP, Verb.RESTART, Verb.KILL, Verb.PAUSE, Verb.REMOVE})


def effect(podman: Podman, verb: Verb, found: Inspected) -> str:
    """Return what the verb does to this container and to others, as one or more sentences."""
    row = found.container
    said = [_state(row, verb)]
    if verb in INTERRUPTS and row.state in RUNS:
        if row.ports:
            ports = ", ".join(f"{p.host_ip or '*'}:{p.host_port}" for p in row.ports[:4])
            said.append(f"{ports} will not answer{' meanwhile' if verb is Verb.RESTART else ''}.")
        said.append(_dependants(dependants(podman, found)))
    if verb is Verb.REMOVE:
        said.append(_lost(found))
    return " ".join(part for part in said if part)


def undo(verb: Verb, name: str) -> str:
    """Return how to undo it, or ``none`` and why."""
    return UNDO[verb].format(name=name)


def dependants(podman: Podman, found: Inspected) -> tuple[str, ...] | None:
    """Return the names of the containers that need this one, by Podman's own links and by Compose's labels; None
    when there are too many containers to look at."""
    rows = [row for row in podman.list() if row.id != found.container.id]
    names = {row.name for row in rows if _declares(row, found.container)}
    if len(rows) > LOOKED_AT:
        return tuple(sorted(names)) or None
    for row in rows:
        try:
            other = podman.inspect(row.id)
        except NotFound:
            continue
        mode = str((other.document.get("HostConfig") or {}).get("NetworkMode") or "")
        if found.container.id in other.dependencies or mode == f"container:{found.container.id}":
            names.add(row.name)
    return tuple(sorted(names))


def size(count: int) -> str:
    """Return bytes for a person, e.g. ``1.2 MB``."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"


def _declares(row: Container, needed: Container) -> bool:
    service = needed.labels.get("com.docker.compose.service") or needed.labels.get("io.podman.compose.service")
    for label in DEPENDS_LABELS:
        text = row.labels.get(label, "")
        try:
            parsed = json.loads(text)
            wanted = {str(name) for name in parsed} if isinstance(parsed, dict | list) else {text}
        except ValueError:
            wanted = {part.strip().partition(":")[0] for part in text.split(",")}
        if wanted & {needed.name, service, needed.name.removeprefix("local-ai-")} - {None, ""}:
            return True
    return False


def _state(row: Container, verb: Verb) -> str:
    if verb is Verb.START:
        return (
            "It runs already; nothing changes." if row.state in RUNS else f"It is {row.state.value} now and will run."
        )
    if verb is Verb.REMOVE and row.state in RUNS:
        return f"It is {row.state.value} now and will be killed first."
    return f"It is {row.state.value} now."


def _dependants(names: Sequence[str] | None) -> str:
    if names is None:
        return "Whether others depend on it was not measured."
    if not names:
        return "No container declares that it depends on it."
    one = len(names) == 1
    return f"{len(names)} container{'' if one else 's'} depend{'s' if one else ''} on it: {', '.join(names[:6])}."


def _lost(found: Inspected) -> str:
    volumes = [mount.name for mount in found.mounts if mount.name]
    lost = "Its own files" if found.size_rw is None else f"Its own files ({size(found.size_rw)})"
    return f"{lost} are deleted." + (f" Volumes that stay: {', '.join(volumes)}." if volumes else "")
