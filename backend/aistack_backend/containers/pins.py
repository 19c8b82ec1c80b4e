"""What must still be true of an object when an approved action on it runs (R1.3)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from aistack_backend.containers.models import Inspected, Volume

CHANGING = frozenset({"ResolvConfPath", "Annotations", "Hostname"})


def container_pin(found: Inspected) -> str:
    """Return the pin of a container: its run (StartedAt), its configuration's hash, its image id."""
    return f"started={found.started} config={config_hash(found)} image={found.container.image_id}"


def config_hash(found: Inspected) -> str:
    """Return 16 hex digits over how the container was made: name, image, command, environment, host settings and
    mounts. Starting, stopping and health results do not change it."""
    doc = found.document
    parts = {
        "name": doc.get("Name"),
        "image": doc.get("Image"),
        "path": doc.get("Path"),
        "args": doc.get("Args"),
        "config": _steady(doc.get("Config") or {}),
        "host": _steady(doc.get("HostConfig") or {}),
        "mounts": sorted(_text(mount) for mount in doc.get("Mounts") or ()),
    }
    return hashlib.sha256(_text(parts).encode()).hexdigest()[:16]


def volume_pin(found: Volume) -> str:
    """Return the pin of a volume: when it was made, by which driver."""
    return f"created={found.created} driver={found.driver}"


def started_of(pin: str) -> str:
    """Return the StartedAt of a container's pin."""
    return pin.partition("started=")[2].partition(" ")[0]


def changed(pinned: str, now: str, name: str) -> str:
    """Return "" when the pins are equal, else one sentence on what changed."""
    if pinned == now:
        return ""
    before, after = _fields(pinned), _fields(now)
    if before.get("config") != after.get("config") or before.get("image") != after.get("image"):
        return f"{name} was made anew or reconfigured since this was approved."
    if before.get("started") != after.get("started"):
        return (
            f"{name} was started anew since this was approved ({before.get('started')} is not {after.get('started')})."
        )
    return f"{name} is not the one that was approved: it was made anew."


def _fields(pin: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in pin.split())


def _steady(doc: dict[str, Any]) -> dict[str, Any]:
    steady = {key: value for key, value in doc.items() if key not in CHANGING}
    if isinstance(steady.get("Env"), list):
        steady["Env"] = sorted(steady["Env"])
    return steady


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
