"""Mounts and secrets of a service, in Compose's short and long form."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from aistack_backend.containers.stack.models import MountDecl, SecretUse
from aistack_backend.containers.stack.place import Place, nearest
from aistack_backend.containers.stack.tables import Tables
from aistack_backend.containers.stack.walls import bind_fault

LONG = frozenset({"type", "source", "target", "read_only", "tmpfs", "bind"})
LONG_REFUSED = dict.fromkeys(("volume", "consistency", "image"), "")
BIND_REFUSED = dict.fromkeys(("propagation", "create_host_path", "recursive"), "")
TYPES = ("volume", "bind", "tmpfs")
MODES = frozenset({"ro", "rw", "z", "Z"})
LABELS = ("z", "Z")
SECRET = frozenset({"source", "target", "uid", "gid", "mode"})
OCTAL = re.compile(r"0o?([0-7]{3,4})")


def mounts(service: Place, tables: Tables) -> tuple[MountDecl, ...]:
    """Return all mounts: ``volumes`` and ``tmpfs``.

    Raises:
        ManifestError: a form that is not right, an unknown volume, a target twice, or a bind that R4.7 forbids.
    """
    found: list[MountDecl] = []
    for place, mount in _all(service, tables):
        if any(other.target == mount.target for other in found):
            raise place.fault(f"mounts at {mount.target}, where something is mounted already.")
        found.append(mount)
    return tuple(found)


def secrets(service: Place, tables: Tables) -> tuple[SecretUse, ...]:
    """Return the secrets that a service gets as files.

    Raises:
        ManifestError: an unknown secret, or a mode that is not octal.
    """
    at = service.get("secrets")
    return tuple(_secret(entry, tables) for entry in at.entries()) if at else ()


def _all(service: Place, tables: Tables) -> Iterator[tuple[Place, MountDecl]]:
    if at := service.get("volumes"):
        for entry in at.entries():
            yield entry, _long(entry, tables) if isinstance(entry.value, dict) else _short(entry, tables)
    if at := service.get("tmpfs"):
        for entry in at.entries() if isinstance(at.value, list) else (at,):
            yield entry, _tmpfs(entry)


def _short(place: Place, tables: Tables) -> MountDecl:
    parts = place.text().split(":")
    if len(parts) == 1:
        raise place.fault("mounts a volume without a name, and its data would be lost; write NAME:/path.")
    if len(parts) > 3 or not parts[0] or not parts[1]:
        raise place.fault(f"must be SOURCE:/path or SOURCE:/path:ro, not {place.value!r}.")
    modes = set(parts[2].split(",")) if len(parts) == 3 else set()
    if unknown := sorted(modes - MODES):
        raise place.fault(f"has the option {unknown[0]!r}; it may be ro, rw, z or Z.")
    kind = "bind" if parts[0][0] in "./~" else "volume"
    relabel = next((label for label in LABELS if label in modes), "")
    made = MountDecl(type=kind, target=parts[1], source=parts[0], read_only="ro" in modes, relabel=relabel)
    return _made(place, made, tables)


def _long(place: Place, tables: Tables) -> MountDecl:
    place.mapping(LONG, LONG_REFUSED)
    kind = place.at("type").one_of(TYPES) if "type" in place.value else "volume"
    source, target, flag, memory = (place.get(name) for name in ("source", "target", "read_only", "tmpfs"))
    if target is None or (source is None) == (kind != "tmpfs"):
        needs = "target and no source" if kind == "tmpfs" else "source and target"
        raise place.fault(f"is a mount of the type {kind}, which needs {needs}.")
    if memory is not None and kind != "tmpfs":
        raise memory.fault(f"stands in a mount of the type {kind}.")
    size = memory.mapping({"size"}, {"mode": ""}).get("size") if memory else None
    label = bind.mapping({"selinux"}, BIND_REFUSED).get("selinux") if (bind := place.get("bind")) else None
    made = MountDecl(
        type=kind,
        target=target.text(),
        source=source.text() if source else "",
        read_only=flag is not None and flag.flag(),
        size=size.size() if size else None,
        relabel=label.one_of(LABELS) if label else "",
    )
    return _made(place, made, tables)


def _tmpfs(place: Place) -> MountDecl:
    target, _, options = place.text().partition(":")
    size = None
    for option in filter(None, options.split(",")):
        name, _, value = option.partition("=")
        if name != "size":
            raise place.fault(f"has the option {name!r}; it may be size.")
        size = Place(value, place.path, place.where).size()
    return MountDecl(type="tmpfs", target=_target(place, target), size=size)


def _made(place: Place, made: MountDecl, tables: Tables) -> MountDecl:
    """Return the mount with its target checked and its source in full."""
    source = made.source
    if made.type == "volume":
        if source not in tables.volumes:
            raise place.fault(
                f"mounts the volume {source!r}; {nearest(source, tables.volumes)} (see the top-level volumes)"
            )
        source = tables.volumes[source].name
    elif made.type == "bind":
        source = os.path.normpath(tables.folder / Path(source).expanduser())
        if fault := bind_fault(source):
            raise place.fault(fault)
    return replace(made, target=_target(place, made.target), source=source)


def _target(place: Place, target: str) -> str:
    clean = os.path.normpath(target)
    if not target.startswith("/") or clean in ("/", "/proc", "/sys", "/dev"):
        raise place.fault(f"mounts at {target!r}; an absolute path in the container below / would be right.")
    return clean


def _secret(place: Place, tables: Tables) -> SecretUse:
    fields: Mapping[str, Any] = {}
    if isinstance(place.value, dict):
        fields = place.mapping(SECRET).value
        if "source" not in fields:
            raise place.fault("needs source, the name of a secret.")
    key = place.at("source").text() if fields else place.text()
    if key not in tables.secrets:
        raise place.fault(f"uses the secret {key!r}; {nearest(key, tables.secrets)} (see the top-level secrets)")
    target = place.at("target").text() if "target" in fields else key
    return SecretUse(
        source=tables.secrets[key].name,
        target=target if target.startswith("/") else f"/run/secrets/{target}",
        uid=place.at("uid").whole() if "uid" in fields else 0,
        gid=place.at("gid").whole() if "gid" in fields else 0,
        mode=_mode(place.at("mode")) if "mode" in fields else 0o444,
    )


def _mode(place: Place) -> int:
    match = OCTAL.fullmatch(place.text())
    if match is None:
        raise place.fault(f'must be octal and begin with 0, like "0440", not {place.value!r}.')
    return int(match[1], 8)
