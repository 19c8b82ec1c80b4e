"""Real containers under names that no other test has; all of them go when the test ends."""

from __future__ import annotations

import json
import subprocess
from typing import Any

PROBE = "localhost/aistack-probe:1"
MANAGED = "io.aistack.managed=true"
SLEEPER = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done")


def podman(*words: str, check: bool = True) -> str:
    """Run the podman command; return what it printed."""
    done = subprocess.run(["podman", *words], capture_output=True, text=True, check=False, timeout=60)
    assert not check or done.returncode == 0, f"podman {' '.join(words)}: {done.stderr}"
    return done.stdout.strip()


class Boxes:
    """Makes containers and removes them."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._names: list[str] = []

    def run(
        self, name: str, *command: str, flags: tuple[str, ...] = (), image: str = PROBE, managed: bool = True
    ) -> str:
        """Start a container that runs until it is stopped; return its name. What is not ours to manage is high risk."""
        full = self.prefix + name
        self._names.append(full)
        words = command or SLEEPER
        flags = (*flags, "--label", MANAGED) if managed else flags
        podman("run", "-d", "--pull=never", "--net=none", "--stop-timeout=1", *flags, f"--name={full}", image, *words)
        return full

    def inspect(self, name: str) -> dict[str, Any]:
        """Return what Podman knows of a container."""
        found: dict[str, Any] = json.loads(podman("container", "inspect", name))[0]
        return found

    def started_at(self, name: str) -> str:
        """When the container was last started."""
        return str(self.inspect(name)["State"]["StartedAt"])

    def remove(self) -> None:
        """Remove every container that was made."""
        if self._names:
            podman("rm", "-f", "-t", "0", "-v", *self._names, check=False)
