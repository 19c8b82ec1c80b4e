"""One container in full, with everything secret taken out before it crosses the socket (R4.11)."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aistack_backend.containers.models import Inspected
from aistack_backend.containers.parse import when
from aistack_backend.containers.secrets import MASK, scrub_arguments, scrub_document, scrub_text
from aistack_backend.wire.containers import ContainerDetail, EnvVar, HealthCheck

WORDS = {
    0: "ended by itself without an error",
    125: "Podman itself failed to run it",
    126: "its command cannot be executed",
    127: "its command was not found",
}
OUT_OF_MEMORY = "killed: out of memory"


def detail(found: Inspected, at: float, *, cgroups: Path = Path("/sys/fs/cgroup")) -> ContainerDetail:
    """Return what an operator may see of an inspected container, measured at ``at``."""
    doc = found.document
    config = doc.get("Config") or {}
    health = doc["State"].get("Health") or doc["State"].get("Healthcheck") or {}
    command = (config.get("Healthcheck") or {}).get("Test") or ()
    oom = oom_killed(found, cgroups)
    return ContainerDetail(
        container=found.container,
        measured_at=at,
        env=tuple(EnvVar(name=name, value=MASK, masked=True) for name in _names(config.get("Env") or ())),
        health_command=scrub_arguments(command),
        health_log=tuple(_check(run) for run in health.get("Log") or ()),
        failing_streak=health.get("FailingStreak") if command else None,
        restart_policy=_policy((doc.get("HostConfig") or {}).get("RestartPolicy") or {}),
        oom_killed=oom,
        exit_reason=exit_reason(found.container.exit_code, oom_killed=bool(oom)),
        inspect_json=json.dumps(scrub_document(doc), indent=2, ensure_ascii=False),
    )


def exit_reason(code: int | None, *, oom_killed: bool = False) -> str:
    """Return an exit code in words; empty when there is none."""
    if code is None:
        return ""
    if oom_killed:
        return OUT_OF_MEMORY
    if code in WORDS:
        return WORDS[code]
    if 128 < code < 128 + signal.NSIG:
        number = code - 128
        try:
            name = f" ({signal.Signals(number).name})"
        except ValueError:
            name = ""
        return f"killed by signal {number}{name}"
    return f"ended with error {code}"


def oom_killed(found: Inspected, cgroups: Path = Path("/sys/fs/cgroup")) -> bool | None:
    """Tell whether the kernel killed a process of it for want of memory; None = cannot be known.

    Podman's own flag works with cgroup v2 only. With v1 it is always false: while the container lives, its
    control group counts such kills; after an exit with 137 nobody here knows any more.
    """
    if found.oom_killed:
        return True
    path = str(found.document["State"].get("CgroupPath") or "")
    if path:
        for file in (
            cgroups / "memory" / path.lstrip("/") / "memory.oom_control",
            cgroups / path.lstrip("/") / "memory.events",
        ):
            try:
                text = file.read_text()
            except OSError:
                continue
            return any(line.startswith("oom_kill ") and not line.endswith(" 0") for line in text.splitlines())
    if found.container.exit_code == 137 and not (cgroups / "cgroup.controllers").exists():
        return None
    return False


def _names(env: Iterable[object]) -> list[str]:
    return sorted(str(entry).partition("=")[0] for entry in env)


def _check(run: Mapping[str, Any]) -> HealthCheck:
    return HealthCheck(
        at=when(run.get("Start")), exit_code=run.get("ExitCode"), output=scrub_text(str(run.get("Output") or ""))
    )


def _policy(policy: Mapping[str, Any]) -> str:
    name = str(policy.get("Name") or "no")
    most = policy.get("MaximumRetryCount") or 0
    return f"{name}:{most}" if most else name
