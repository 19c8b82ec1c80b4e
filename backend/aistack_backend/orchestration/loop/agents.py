"""The port of agents: one pass's work inside a sandbox; and the agents that are one program from beginning to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aistack_backend.containers.aside import Breaker
from aistack_backend.containers.models import Spec
from aistack_backend.containers.sandbox_box import Boxes, Ended
from aistack_backend.wire.loops import LoopRequest

BLOCKED = 2
"""The exit code by which an agent says that it is not ready to be proven, and wants to go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One pass, as its agent gets it."""

    request: LoopRequest
    number: int
    guidance: str
    last: str
    """Output of the last proof, or of the agent that blocked; empty in the first pass."""
    spec: Spec
    tree: Path
    told: Path
    """The folder that it finds as ``/loop``."""
    breaker: Breaker
    look: Callable[[], str]


class Worker(Protocol):
    """Works one pass."""

    lasting: bool
    """Whether a container that outlived the backend can be taken up; else its pass is recorded as interrupted."""

    def work(self, turn: Turn) -> Ended:
        """Block until the pass's work has ended.

        Raises:
            Broken: the breaker tripped. Unavailable: it could not run.
        """
        ...


class Program:
    """An agent that is one program in the container: the person's command, or the rules."""

    lasting = True

    def __init__(self, boxes: Boxes) -> None:
        self._boxes = boxes

    def work(self, turn: Turn) -> Ended:
        """Run it, or wait for the one that runs."""
        return self._boxes.run(turn.spec, turn.breaker, turn.look)


def tell(folder: Path, request: LoopRequest, number: int, guidance: str, last: str) -> None:
    """Write what the agent may read: ``goal.txt``, ``guidance.txt``, ``last.txt``, ``proof.sh``, ``pass.txt``,
    ``model.txt``, ``files.txt``, ``message.txt``, and our own programs."""
    folder.mkdir(mode=0o755, exist_ok=True)
    texts = {
        "goal.txt": request.goal,
        "guidance.txt": guidance,
        "last.txt": last,
        "proof.sh": request.proof,
        "checks.txt": "\n".join(request.checks),
        "pass.txt": str(number),
        "model.txt": request.model,
        "files.txt": "\n".join(request.files),
        "message.txt": message(request, guidance, last),
        **{one.name: one.read_text() for one in PROGRAMS},
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)


def message(request: LoopRequest, guidance: str, last: str) -> str:
    """Return what an agent that takes one message is told."""
    parts = [request.goal, f"This must end with 0: {request.proof}"]
    parts += [f"A person says: {guidance}"] if guidance else []
    parts += [f"Last time it said:\n{last[-2_000:]}"] if last else []
    return "\n\n".join(parts)


PROGRAMS = tuple(Path(__file__).with_name(name) for name in ("fixer.py", "relay.py", "worker.py", "apply.py"))
"""Our own programs of the sandbox: each stands alone and needs only Python."""
