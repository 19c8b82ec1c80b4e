"""Where a loop's folders lie, and which numbers own what its agent writes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from aistack_backend.containers.workspace.copy import Owner

NOBODY = 65_534


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one loop, below a folder of its own that only we may enter."""

    root: Path

    @property
    def base(self) -> Path:
        """What was copied, as it was: in no container ever."""
        return self.root / "base"

    @property
    def tree(self) -> Path:
        """The copy that the agent works on: the one writable mount."""
        return self.root / "tree"

    @property
    def proof(self) -> Path:
        """The copy that the proof runs on, made anew each time."""
        return self.root / "proof"

    @property
    def told(self) -> Path:
        """What the agent can read: the goal, guidance, the last proof."""
        return self.root / "told"

    @property
    def model(self) -> Path:
        """The folder of the model's socket, in the agent's container; it outlives the backend, the socket does not."""
        return self.root / "model"

    @property
    def git(self) -> Path:
        """The repository of the checkpoints: in no container ever."""
        return self.root / "git"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a sandbox runs as, and who must own the folder that it writes."""

    user: str
    owner: Owner | None


def identity(podman: str) -> Identity:
    """Return the identity under which what the sandbox writes stays ours to read and remove.

    Root gives its copies to nobody (65534). A person's own Podman maps the container's root, which has no
    capabilities, to that person; root's Podman in a person's hands runs as the person's number.
    """
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        return Identity(f"{NOBODY}:{NOBODY}", (NOBODY, NOBODY))
    socket = Path(podman.removeprefix("unix://"))
    rootless = socket.exists() and socket.stat().st_uid == uid
    return Identity("0:0" if rootless else f"{uid}:{gid}", None)
