"""Run a shell script in a service's container and hear what it said."""

from __future__ import annotations

from aistack_backend.containers.port import Podman
from aistack_backend.errors import Unavailable

LONGEST = 3600.0
"""Seconds that a dump or a restore may take."""


def say(podman: Podman, container: str, script: str, what: str, *arguments: str, seconds: float = LONGEST) -> str:
    """Return what the script printed; ``$1`` and so on are the arguments.

    Raises:
        Unavailable: it failed; its last words are in the sentence.
    """
    done = podman.exec(container, ("sh", "-c", script, "sh", *arguments), seconds)
    if done.exit_code:
        said = (done.err or done.out).decode(errors="replace").strip()
        last = " ".join(said.splitlines()[-3:])[-400:]
        raise Unavailable(f"To {what} failed with code {done.exit_code}: {last or 'it said nothing'}.")
    return done.out.decode(errors="replace")
