"""The one kind of container that we create (R4.8): its specification, and what inspect must say of it.

Left out on purpose: ``--userns``. Podman 4.3's API accepts ``auto`` and then runs in the host's user namespace when
/etc/subuid has no range for it, and refuses ``keep-id`` for root; rootless Podman is inside a user namespace anyway.
What does not hold must not be promised. The command runs as nobody, without capabilities, in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aistack_backend.containers.models import Bind, Spec

TMP_OPTIONS = ("noexec", "nosuid", "nodev", "mode=1777")


def document(spec: Spec) -> dict[str, Any]:
    """Return the body of Podman's create call."""
    return {
        "name": spec.name,
        "image": spec.image,
        "command": list(spec.command),
        "entrypoint": [],
        "labels": dict(spec.labels),
        "env": dict(spec.env),
        "user": spec.user,
        "work_dir": spec.cwd,
        "hostname": "sandbox",
        "netns": {"nsmode": "none"},
        "read_only_filesystem": True,
        "read_write_tmpfs": False,
        "image_volume_mode": "ignore",
        "cap_drop": ["all"],
        "no_new_privileges": True,
        "init": True,
        "stop_timeout": spec.stop_timeout,
        "timeout": spec.deadline,
        "resource_limits": {
            "pids": {"limit": spec.pids},
            "memory": {"limit": spec.memory, "swap": spec.memory},
            "cpu": {"quota": int(spec.cpus * 100_000), "period": 100_000},
        },
        # Podman replaces its whole default list as soon as one is given: nproc and nofile must come together.
        "r_limits": [{"type": name, "soft": value, "hard": value} for name, value in limits(spec).items()],
        "mounts": [
            {
                "type": "tmpfs",
                "source": "tmpfs",
                "destination": "/tmp",  # noqa: S108  the container's own
                "options": [f"size={spec.tmp_size}", *TMP_OPTIONS],
            },
            *(_bind(bind) for bind in spec.binds),
        ],
        "log_configuration": {"driver": "k8s-file", "size": spec.log_size},
    }


def limits(spec: Spec) -> dict[str, int]:
    """Return the limits of each process (``setrlimit``), by name."""
    return {"nofile": spec.nofile, "nproc": spec.nproc, "core": 0} | ({"fsize": spec.fsize} if spec.fsize else {})


def _bind(bind: Bind) -> dict[str, Any]:
    options = ["rw" if bind.writable else "ro", "nosuid", "nodev", "rprivate"]
    return {"type": "bind", "source": bind.source, "destination": bind.destination, "options": options}


def _binds(mounts: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what counts of an inspect document's mounts, sorted."""
    return sorted(
        (
            m.get("Type"),
            m.get("Source"),
            m.get("Destination"),
            m.get("RW"),
            {"nosuid", "nodev"} <= set(m.get("Options") or ()),
        )
        for m in mounts
    )


def differences(spec: Spec, inspect: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one phrase for everything in which a created container is not what was specified."""
    config, host = inspect.get("Config") or {}, inspect.get("HostConfig") or {}
    found = {u["Name"].removeprefix("RLIMIT_").lower(): u["Hard"] for u in host.get("Ulimits") or ()}
    tmpfs = host.get("Tmpfs") or {}
    wanted = {
        "name": (inspect.get("Name"), spec.name),
        "image": (inspect.get("Image"), spec.image),
        "entry point": (config.get("Entrypoint") or "", ""),
        "command": (tuple(config.get("Cmd") or ()), spec.command),
        "user": (config.get("User"), spec.user),
        "folder": (config.get("WorkingDir"), spec.cwd),
        "labels": ({k: v for k, v in (config.get("Labels") or {}).items() if k in spec.labels}, dict(spec.labels)),
        "network": (host.get("NetworkMode"), "none"),
        "read-only root": (host.get("ReadonlyRootfs"), True),
        "privileged": (host.get("Privileged"), False),
        "capabilities": (list(inspect.get("EffectiveCaps") or ()) + list(host.get("CapAdd") or ()), []),
        "no-new-privileges": ("no-new-privileges" in (host.get("SecurityOpt") or ()), True),
        "mounts": (
            (_binds(inspect.get("Mounts") or ()), len(host.get("Binds") or ())),
            (sorted(("bind", b.source, b.destination, b.writable, True) for b in spec.binds), len(spec.binds)),
        ),
        "tmpfs": (sorted(tmpfs), ["/tmp"]),  # noqa: S108  the container's own
        "tmpfs options": ({"noexec", "nosuid", "nodev"} <= set(str(tmpfs.get("/tmp")).split(",")), True),  # noqa: S108
        "devices": (host.get("Devices") or [], []),
        "process namespace": (host.get("PidMode"), "private"),
        "memory": ((host.get("Memory"), host.get("MemorySwap")), (spec.memory, spec.memory)),
        "processor": (host.get("CpuQuota"), int(spec.cpus * 100_000)),
        "processes": (host.get("PidsLimit"), spec.pids),
        "deadline": (config.get("Timeout"), spec.deadline),
        "ulimits": (found, limits(spec)),
    }
    return tuple(f"{name}: {got!r}, not {want!r}" for name, (got, want) in wanted.items() if got != want)
