"""The way out: the stack as a plain Compose file, and as quadlets for systemd, with nothing of ours in them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from aistack_backend.containers.stack.models import HealthDecl, Manifest, MountDecl, Publish, ServiceDecl

RESTART = "always"
"""Nobody heals any more: Podman and systemd restart what ends."""
COMPOSE = "compose.yml"
QUADLETS = "quadlets"


def write(manifest: Manifest, folder: Path) -> tuple[Path, ...]:
    """Write ``compose.yml`` and the folder ``quadlets``; values are resolved, secrets stay Podman's, by name.

    Raises:
        OSError: the folder exists, or cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True)
    (folder / QUADLETS).mkdir(mode=0o700)
    text = yaml.safe_dump(compose(manifest), sort_keys=False, allow_unicode=True, width=110)
    files = {COMPOSE: text} | {f"{QUADLETS}/{name}": unit for name, unit in quadlets(manifest).items()}
    for name, content in files.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
    return tuple(folder / name for name in files)


def compose(manifest: Manifest) -> dict[str, Any]:
    """Return the Compose document."""
    return {
        "name": manifest.project,
        "services": {key: _service(decl) for key, decl in manifest.services.items()},
        "volumes": {one.name: {"name": one.name} | _outside(one.external) for one in manifest.volumes.values()},
        "networks": {one.name: {"name": one.name} | _outside(one.external) for one in manifest.networks.values()},
        "secrets": {one.name: {"external": True} for one in manifest.secrets.values()},
    }


def quadlets(manifest: Manifest) -> dict[str, str]:
    """Return the text of each unit by its file's name."""
    units = {f"{decl.container}.container": _container(manifest, decl) for decl in manifest.services.values()}
    for network in manifest.networks.values():
        if not network.external:
            units[f"{network.name}.network"] = _unit({"Network": [("NetworkName", network.name)]})
    for volume in manifest.volumes.values():
        if not volume.external:
            units[f"{volume.name}.volume"] = _unit({"Volume": [("VolumeName", volume.name)]})
    return units


def _service(decl: ServiceDecl) -> dict[str, Any]:
    found: dict[str, Any] = {
        "image": decl.image,
        "container_name": decl.container,
        "restart": RESTART,
        "command": _plain(decl.command),
        "entrypoint": _plain(decl.entrypoint or ()),
        "environment": {name: _dollars(value) for name, value in decl.environment},
        "user": decl.user,
        "working_dir": decl.working_dir,
        "hostname": decl.hostname,
        "ports": [_port(one) for one in decl.publish],
        "expose": [str(port) for port in decl.expose],
        "volumes": [_mount(one) for one in decl.mounts],
        "networks": {name: {"aliases": list(aliases)} for name, aliases in decl.networks},
        "depends_on": {one.service: {"condition": str(one.condition)} for one in decl.needs if one.required},
        "healthcheck": _health(decl.health) if decl.health else {},
        "deploy": _deploy(decl),
        "cap_drop": list(decl.cap_drop),
        "cap_add": list(decl.cap_add),
        "security_opt": ["no-new-privileges:true"] if decl.no_new_privileges else [],
        "pids_limit": decl.pids_limit,
        "read_only": decl.read_only,
        "init": decl.init,
        "stop_grace_period": f"{decl.stop_grace:g}s",
        "secrets": [
            {
                "source": one.source,
                "target": one.target,
                "uid": str(one.uid),
                "gid": str(one.gid),
                "mode": f"{one.mode:04o}",
            }
            for one in decl.secrets
        ],
        "extra_hosts": [f"{name}:{address}" for name, address in decl.extra_hosts],
        "labels": dict(decl.labels),
    }
    return {key: value for key, value in found.items() if value not in ("", [], {}, None, False)}


def _container(manifest: Manifest, decl: ServiceDecl) -> str:
    unit: list[tuple[str, str]] = [("Description", decl.extra.title or decl.id)]
    for one in decl.needs:
        needed = f"{manifest.services[one.service].container}.service"
        unit += [("Requires" if one.required else "Wants", needed), ("After", needed)]
    own = {network.name for network in manifest.networks.values() if not network.external}
    volumes = {volume.name for volume in manifest.volumes.values() if not volume.external}
    service = [("Restart", RESTART), ("TimeoutStartSec", "900"), ("TimeoutStopSec", f"{decl.stop_grace + 10:.0f}")]
    return _unit(
        {
            "Unit": unit,
            "Container": list(_keys(decl, own, volumes)),
            "Service": service,
            "Install": [("WantedBy", "default.target")],
        }
    )


def _keys(decl: ServiceDecl, own: set[str], volumes: set[str]) -> Iterator[tuple[str, str]]:
    yield from (("Image", decl.image), ("ContainerName", decl.container))
    if decl.entrypoint:
        yield "Entrypoint", _json(decl.entrypoint)
    if decl.command:
        yield "Exec", " ".join(_quoted(word) for word in decl.command)
    yield from (("Environment", _quoted(f"{name}={value}")) for name, value in decl.environment)
    single = {"User": decl.user, "WorkingDir": decl.working_dir, "HostName": decl.hostname}
    yield from ((key, value) for key, value in single.items() if value)
    yield from (("PublishPort", _port(one)) for one in decl.publish)
    for mount in decl.mounts:
        yield _quadlet_mount(mount, volumes)
    for name, aliases in decl.networks:
        yield "Network", f"{name}.network" if name in own else name
        yield from (("NetworkAlias", alias) for alias in aliases)
    for secret in decl.secrets:
        options = f"type=mount,target={secret.target},uid={secret.uid},gid={secret.gid},mode={secret.mode:04o}"
        yield "Secret", f"{secret.source},{options}"
    yield from (("AddHost", f"{name}:{address}") for name, address in decl.extra_hosts)
    yield from (("DropCapability", "all" if name == "ALL" else name) for name in decl.cap_drop)
    yield from (("AddCapability", name) for name in decl.cap_add)
    yield from _switches(decl)


def _switches(decl: ServiceDecl) -> Iterator[tuple[str, str]]:
    flags = {"NoNewPrivileges": decl.no_new_privileges, "ReadOnly": decl.read_only, "RunInit": decl.init}
    yield from ((key, "true") for key, on in flags.items() if on)
    if decl.pids_limit:
        yield "PidsLimit", str(decl.pids_limit)
    limits = {"--memory": decl.memory_limit, "--memory-reservation": decl.memory_reserve, "--cpus": decl.cpus_limit}
    yield from (
        ("PodmanArgs", f"{flag}={value:g}" if flag == "--cpus" else f"{flag}={value}")
        for flag, value in limits.items()
        if value
    )
    if decl.health:
        yield "HealthCmd", _json(decl.health.command)
        yield "HealthInterval", f"{decl.health.interval:g}s"
        yield "HealthTimeout", f"{decl.health.timeout:g}s"
        yield "HealthRetries", str(decl.health.retries)
        yield "HealthStartPeriod", f"{decl.health.start_period:g}s"


def _unit(sections: Mapping[str, list[tuple[str, str]]]) -> str:
    parts = []
    for name, keys in sections.items():
        parts.append("\n".join([f"[{name}]", *(f"{key}={value}" for key, value in keys)]))
    return "\n\n".join(parts) + "\n"


def _quadlet_mount(one: MountDecl, volumes: set[str]) -> tuple[str, str]:
    if one.type == "tmpfs":
        return "Tmpfs", f"{one.target}:size={one.size}" if one.size else one.target
    source = f"{one.source}.volume" if one.source in volumes else one.source
    options = [word for word in ("ro" if one.read_only else "", one.relabel) if word]
    return "Volume", ":".join([source, one.target, *([",".join(options)] if options else [])])


def _mount(one: MountDecl) -> dict[str, Any]:
    if one.type == "tmpfs":
        return {"type": "tmpfs", "target": one.target} | ({"tmpfs": {"size": one.size}} if one.size else {})
    found: dict[str, Any] = {"type": one.type, "source": _dollars(one.source), "target": one.target}
    if one.relabel:
        found["bind"] = {"selinux": one.relabel}
    return found | ({"read_only": True} if one.read_only else {})


def _port(one: Publish) -> str:
    host = f"{one.host_port}" if one.host_port else ""
    tail = "" if one.protocol == "tcp" else f"/{one.protocol}"
    return f"{one.host_ip}:{host}:{one.container_port}{tail}"


def _health(health: HealthDecl) -> dict[str, Any]:
    return {
        "test": ["CMD", *_plain(health.command)],
        "interval": f"{health.interval:g}s",
        "timeout": f"{health.timeout:g}s",
        "retries": health.retries,
        "start_period": f"{health.start_period:g}s",
    }


def _deploy(decl: ServiceDecl) -> dict[str, Any]:
    limits = {"memory": decl.memory_limit, "cpus": decl.cpus_limit and str(decl.cpus_limit)}
    reserved = {"memory": decl.memory_reserve, "cpus": decl.cpus_reserve and str(decl.cpus_reserve)}
    both = {"limits": limits, "reservations": reserved}
    kept = {name: {key: value for key, value in one.items() if value} for name, one in both.items()}
    resources = {name: one for name, one in kept.items() if one}
    return {"resources": resources} if resources else {}


def _outside(external: bool) -> dict[str, bool]:
    return {"external": True} if external else {}


def _plain(words: tuple[str, ...]) -> list[str]:
    return [_dollars(word) for word in words]


def _dollars(text: str) -> str:
    """Values are resolved already: a dollar sign that is left is one."""
    return text.replace("$", "$$")


def _quoted(word: str) -> str:
    """One word of a line in a systemd unit."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$").replace("\n", "\\n")
    return f'"{escaped}"'


def _json(words: tuple[str, ...]) -> str:
    return json.dumps(list(words), ensure_ascii=False).replace("%", "%%")
