"""From a person's request for a loop to one pinned action: everything that its passes may do is in the record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.audit.redact import shortened
from aistack_backend.containers import sandbox_image
from aistack_backend.containers.models import Bind, Spec
from aistack_backend.containers.port import Podman
from aistack_backend.containers.workspace.copy import FILES, Size, fingerprint, measure
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference import remote
from aistack_backend.orchestration.loop import asked
from aistack_backend.orchestration.loop.home import Home, identity
from aistack_backend.orchestration.loop.model import INSIDE, Models
from aistack_backend.wire.actions import Target
from aistack_backend.wire.loops import AgentKind, LoopRequest

KIND = "loop.run"
WORK, TOLD = "/workspace", "/loop"
AIDER = (
    *("--message-file", f"{TOLD}/message.txt", "--yes-always", "--no-git", "--no-stream", "--no-pretty"),
    *("--no-check-update", "--no-show-release-notes", "--no-show-model-warnings", "--no-suggest-shell-commands"),
    *("--no-detect-urls", "--no-auto-lint", "--map-tokens", "0", "--analytics-disable"),
    *("--input-history-file", "/dev/null", "--chat-history-file", "/dev/null"),
)
"""Aider's words: one message, nothing asked, nothing looked up, no history in the workspace."""
MODEL = f"the socket of the model at {INSIDE}: ro"
MOUNTS = (f"the loop's own copy at {WORK}: rw, nosuid, nodev", f"the goal and the last proof at {TOLD}: ro")


class LoopPart:
    """Prepares ``loop.run``; the script is the request as canonical JSON."""

    kinds = frozenset({KIND})

    def __init__(self, podman: Podman, models: Models, image: str = "") -> None:
        """``image``: what runs where the request names none; empty = the usual sandbox images."""
        self._podman = podman
        self._models = models
        self._image = image

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Pin the folder's contents and the image, and say what may happen at most.

        Raises:
            NotFound: there is no such folder or image.
            BadInput: the request cannot be. Unavailable: Podman does not answer, or there is no image.
        """
        request = asked.read(script)
        if request.model == asked.ANY and not request.endpoint:
            request = replace(request, model=self._models.loaded())
        if request.key_file:
            remote.key(request.key_file)
            if Path(request.key_file).resolve().is_relative_to(request.source):
                raise BadInput("The key's file lies in the folder that is copied: the agent would read it.", "Move it.")
        if target not in ("", request.source):
            raise BadInput(f"The loop is for {request.source}, not for {target}.")
        image = sandbox_image.find(self._podman, request.image or self._image)
        if image is None:
            names = ", ".join(sandbox_image.names(request.image or self._image))
            raise Unavailable(f"There is no image to run the loop in ({names}).", "Name one with --image.")
        source, size = _source(request)
        pinned = Target(type="folder", id=str(source), name=source.name or "/", pin=fingerprint(source, theirs=True))
        user = identity(self._podman.connect()).user
        action = record(request, image.id, user, pinned, requester, task_id)
        evidence = Evidence(
            title=f"loop in a sandbox: {shortened(request.goal.strip().splitlines()[0], 60)}",
            effect=_effect(request, size, ", ".join(image.tags[:1]) or image.id[:12]),
            undo="not needed: the folder itself is not written; the result is a patch that you may take or leave",
            managed=True,
        )
        return action, evidence


def record(request: LoopRequest, image: str, user: str, source: Target, requester: str, task_id: int) -> Action:
    """Return the action record: the same request on the same folder and image gives the same one."""
    limits = Spec(name="", image="", command=(), labels={})
    asks = request.limits
    return Action(
        kind=KIND,
        argv=argv(request),
        script=asked.canonical(request),
        cwd=WORK,
        image=image,
        mounts=(*MOUNTS, MODEL) if request.model else MOUNTS,
        network="none",
        user=user,
        limits=(
            ("capabilities", "none"),
            ("cpus", f"{limits.cpus:g}"),
            ("memory", f"{limits.memory >> 20} MiB"),
            ("model", request.model or "none"),
            *_elsewhere(request),
            ("new privileges", "no"),
            ("open files", str(limits.nofile)),
            ("passes", str(asks.passes)),
            ("processes", str(limits.pids)),
            ("root", "read-only"),
            ("seconds a pass", f"{asks.pass_seconds} + {asks.proof_seconds}"),
            ("seconds in all", str(asks.seconds)),
            ("tokens of the model", str(asks.tokens) if request.model else "none"),
            ("workspace", f"{asks.megabytes} MiB"),
        ),
        targets=(source,),
        requester=requester,
        task_id=task_id,
    )


def argv(request: LoopRequest) -> tuple[str, ...]:
    """Return the program of the agent's container."""
    if request.agent is AgentKind.AIDER:
        return ("python3", f"{TOLD}/relay.py", "aider", "--model", f"openai/{request.model}", *AIDER, *request.files)
    if request.agent is AgentKind.HTTP:
        return ("python3", f"{TOLD}/apply.py")
    if request.agent in asked.WITH_MODEL:
        return ("python3", f"{TOLD}/worker.py")
    if request.agent is AgentKind.COMMAND:
        relay = ("python3", f"{TOLD}/relay.py") if request.model else ()
        return (*relay, "/bin/sh", "-c", request.command)
    return ("python3", f"{TOLD}/fixer.py")


def spec(action: Action, request: LoopRequest, name: str, labels: dict[str, str], home: Home) -> Spec:
    """Return the container of the agent; the proof's has another command, tree and deadline, and no model."""
    model = (Bind(source=str(home.model), destination=INSIDE),) if request.model else ()
    return Spec(
        name=name,
        image=action.image,
        command=action.argv,
        labels=labels,
        user=action.user,
        cwd=WORK,
        deadline=request.limits.pass_seconds,
        binds=(
            Bind(source=str(home.tree), destination=WORK, writable=True),
            Bind(source=str(home.told), destination=TOLD),
            *model,
        ),
        fsize=request.limits.megabytes << 20,
    )


def _source(request: LoopRequest) -> tuple[Path, Size]:
    source = Path(request.source)
    if source.resolve() != source:
        raise BadInput(f"{source} leads over a link or '..' to {source.resolve()}.", "Name that folder itself.")
    size = measure(source, FILES + 1, theirs=True)
    if size.files > FILES or size.bytes > request.limits.megabytes << 20:
        more = " or more" if size.files > FILES else ""
        raise BadInput(
            f"{source} holds {size.files:,} files{more} and {size.bytes >> 20} MB.",
            f"At most {FILES:,} files and {request.limits.megabytes} MB can be copied; raise the limit megabytes.",
        )
    return source, size


def _effect(request: LoopRequest, size: Size, image: str) -> str:
    asks = request.limits
    return (
        f"Copies {size.files:,} files ({size.bytes / 1e6:.1f} MB) of {request.source} and lets the agent "
        f"{request.agent.value!r} work on the copy for at most {asks.passes} passes and {asks.seconds} s, each in a "
        f"container without network or capabilities. {_reaches(request)}After each pass this must end with 0: "
        f"{request.proof}. Image: {image}."
    )


def _reaches(request: LoopRequest) -> str:
    if request.agent is AgentKind.HTTP:
        key = f" with the key in {request.key_file}" if request.key_file else ""
        return f"The backend sends the goal and the texts of the copy to {request.endpoint}{key} in each pass. "
    if not request.model:
        return ""
    if not request.endpoint:
        return f"It reaches the local model {request.model} for at most {request.limits.tokens:,} tokens. "
    key = f" with the key in {request.key_file}" if request.key_file else ""
    return (
        f"The backend asks {request.model} at {request.endpoint}{key} for it: what it reads of the copy can go there. "
        f"At most {request.limits.tokens:,} tokens and {request.limits.cost:,} US cents at {request.price} dollars "
        "for a million tokens read and written. "
    )


def _elsewhere(request: LoopRequest) -> tuple[tuple[str, str], ...]:
    """Return what the record says of an endpoint; nothing when none is named."""
    if not request.endpoint:
        return ()
    if request.agent is AgentKind.HTTP:
        return (("agent asked at", request.endpoint), ("agent key file", request.key_file or "none"))
    return (
        ("model asked at", request.endpoint),
        ("model key file", request.key_file or "none"),
        ("model price", request.price),
        ("cost of the model", f"{request.limits.cost} US cents"),
    )
