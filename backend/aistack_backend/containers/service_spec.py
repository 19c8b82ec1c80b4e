"""The container of a service as the body of Podman's create call; what R4.7 forbids is refused here, in code."""

from __future__ import annotations

from typing import Any

from aistack_backend.containers.provision import ServiceSpec
from aistack_backend.containers.stack.models import HealthDecl, MountDecl
from aistack_backend.containers.stack.walls import bind_fault
from aistack_backend.errors import BadInput

LOG_SIZE = 32 << 20
"""Bytes of a container's log before Podman rotates it."""
BEYOND = frozenset({"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "NET_ADMIN"})
"""Capabilities that are the machine's own."""
NANO = 1_000_000_000
EVERYWHERE = "0.0.0.0"  # noqa: S104
"""Written out, it has Podman 4.3 forward only what is sent to this very address; left out, it means all of them."""


def document(spec: ServiceSpec) -> dict[str, Any]:
    """Return the body of the create call.

    Raises:
        BadInput: the specification asks for what no container gets (R4.7).
    """
    check(spec)
    made: dict[str, Any] = {
        "name": spec.name,
        "image": spec.image,
        "labels": dict(spec.labels),
        "env": dict(spec.environment),
        "user": spec.user,
        "work_dir": spec.working_dir,
        "hostname": spec.hostname,
        "privileged": False,
        "netns": {"nsmode": "bridge"},
        "networks": {name: {"aliases": list(aliases)} for name, aliases in spec.networks},
        **_reached(spec),
        "restart_policy": spec.restart,
        "resource_limits": _limits(spec),
        "cap_drop": [name.lower() if name == "ALL" else name for name in spec.cap_drop],
        "cap_add": list(spec.cap_add),
        "no_new_privileges": spec.no_new_privileges,
        "read_only_filesystem": spec.read_only,
        "init": spec.init,
        "stop_timeout": spec.stop_timeout,
        "secrets": _secrets(spec),
        "hostadd": [f"{name}:{address}" for name, address in spec.extra_hosts],
        "log_configuration": {"driver": "k8s-file", "size": LOG_SIZE},
    }
    if spec.command:
        made["command"] = list(spec.command)
    if spec.entrypoint is not None:
        made["entrypoint"] = list(spec.entrypoint)
    if spec.health:
        made["healthconfig"] = _health(spec.health)
    return {key: value for key, value in made.items() if value not in ("", [], {})}


def _reached(spec: ServiceSpec) -> dict[str, Any]:
    return {
        "portmappings": [
            {
                "host_ip": "" if port.host_ip == EVERYWHERE else port.host_ip,
                "host_port": port.host_port,
                "container_port": port.container_port,
                "protocol": port.protocol,
            }
            for port in spec.publish
        ],
        "mounts": [_mount(one) for one in spec.mounts if one.type != "volume"],
        "volumes": [
            {"Name": one.source, "Dest": one.target, "Options": ["ro" if one.read_only else "rw"]}
            for one in spec.mounts
            if one.type == "volume"
        ],
    }


def _secrets(spec: ServiceSpec) -> list[dict[str, Any]]:
    # Without a mode the file could be read by nobody but root.
    return [
        {"Source": one.source, "Target": one.target, "UID": one.uid, "GID": one.gid, "Mode": one.mode}
        for one in spec.secrets
    ]


def check(spec: ServiceSpec) -> None:
    """Refuse what R4.7 forbids.

    Raises:
        BadInput: one sentence on the first such thing.
    """
    for one in spec.mounts:
        if one.type == "bind" and (why := bind_fault(one.source)):
            raise BadInput(f"{spec.name} {why}")
    if bad := sorted({name.upper().removeprefix("CAP_") for name in spec.cap_add} & BEYOND):
        raise BadInput(f"{spec.name} may not have the capability {bad[0]}: that is the machine's own right.")


def _mount(one: MountDecl) -> dict[str, Any]:
    if one.type == "tmpfs":
        options = ["nosuid", "nodev", "mode=1777", *([f"size={one.size}"] if one.size else [])]
        return {"type": "tmpfs", "source": "tmpfs", "destination": one.target, "options": options}
    options = ["rbind", "ro" if one.read_only else "rw", *([one.relabel] if one.relabel else [])]
    return {"type": "bind", "source": one.source, "destination": one.target, "options": options}


def _limits(spec: ServiceSpec) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    memory = {"limit": spec.memory_limit, "swap": spec.memory_limit, "reservation": spec.memory_reserve}
    if kept := {key: value for key, value in memory.items() if value}:
        limits["memory"] = kept
    if spec.cpus:
        limits["cpu"] = {"quota": int(spec.cpus * 100_000), "period": 100_000}
    if spec.pids_limit:
        limits["pids"] = {"limit": spec.pids_limit}
    return limits


def _health(health: HealthDecl) -> dict[str, Any]:
    # An interval of zero = no timer of Podman's: we run the command ourselves, also where there is no systemd.
    return {
        "Test": ["CMD", *health.command],
        "Interval": 0,
        "Timeout": int(health.timeout * NANO),
        "Retries": health.retries,
        "StartPeriod": int(health.start_period * NANO),
    }
