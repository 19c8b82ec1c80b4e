"""Nothing happens: what console, backend and Podman's service use, and what the terminal is sent."""

from __future__ import annotations

import time
from pathlib import Path

from bench.figures import Figure
from bench.stage import fleet, open_console, podman_service, running_house, use

SPAN = 30.0
WARM = 8.0


def run() -> list[Figure]:
    """Watch the Services screen with 20 and with 100 containers."""
    return [*_with(20, "<= 5"), *_with(100, "<= 15")]


def _with(count: int, goal: str) -> list[Figure]:
    with fleet(count) as boxes, running_house() as home, open_console(home) as console:
        console.press("2")
        console.wait_for(f"{boxes.prefix}00")
        console.watch(WARM)
        pids = {"console": console.child.pid, "backend": _backend(home.data)}
        if (service := podman_service()) is not None:
            pids["podman service"] = service
        before, sent, began = {name: use(pid) for name, pid in pids.items()}, len(console.raw), time.monotonic()
        console.watch(SPAN)
        span = time.monotonic() - began
        after = {name: use(pid) for name, pid in pids.items()}
        sent = len(console.raw) - sent
    shares = {name: (after[name].cpu - before[name].cpu) / span * 100 for name in pids}
    told = [Figure(name=f"idle, {count}: {name}, CPU", value=share, unit="% core") for name, share in shares.items()]
    told += [Figure(name=f"idle, {count}: {name}, memory", value=after[name].rss / 2**20, unit="MiB") for name in pids]
    return [
        Figure(name=f"idle, {count} containers: CPU of all", value=sum(shares.values()), unit="% core", goal=goal),
        *told,
        Figure(name=f"idle, {count}: bytes to the terminal", value=sent / span, unit="B/s", goal="<= 1500"),
    ]


def _backend(data: Path) -> int:
    return int((data / "backend.lock").read_text())
