"""A shell command in a locked-down container: the specification of an action, and the tool that runs it (R4.8).

The container has no network, no capability, no writable file but a 64 MB /tmp without execution, and nothing of
the host mounted: what runs in it changes nothing outside it. It is named after the effect's key, so that a backend
that crashed finds it again, and Podman itself kills it at the deadline.
"""

from __future__ import annotations

import hashlib
import threading
import time

from aistack_backend.approvals.action import Action
from aistack_backend.containers import sandbox_spec
from aistack_backend.containers.aside import to_the_end
from aistack_backend.containers.models import Inspected, Spec
from aistack_backend.containers.parse import MANAGED
from aistack_backend.containers.port import Podman
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput, NotFound
from aistack_backend.wire.containers import ContainerState

KIND = "shell.run"
SHELL = "/bin/sh"
DEADLINE = 600
"""Seconds a command may run."""
OUTPUT = 15_800
"""Characters of output that are kept: the first quarter and the last three."""
LABEL = "io.aistack.effect"
RECENT, LONG_AGO = 3_600.0, 90 * 86_400.0
"""Seconds back in which the start of an earlier run of the same key is looked for: before a run, which the engine
repeats only within minutes, and by a probe, which may come after months."""
LIMITS = (
    ("capabilities", "none"),
    ("cpus", "2"),
    ("deadline", f"{DEADLINE} s"),
    ("memory", "1 GiB"),
    ("new privileges", "no"),
    ("open files", "1024"),
    ("processes", "256"),
    ("root", "read-only"),
    ("tmp", "64 MiB, noexec nosuid nodev"),
)
"""What the person sees and approves; ``Spec``'s own values, which inspect is compared with before the start."""


def action(script: str, image: str, requester: str, task_id: int) -> Action:
    """Return the action record of a script in the sandbox.

    Raises:
        BadInput: there is no script, or it cannot be an argument of a program.
    """
    if not script.strip():
        raise BadInput("There is no command to run.", "Give the text of the shell command.")
    if "\0" in script or len(script.encode(errors="surrogatepass")) > 65_536:
        raise BadInput("The command holds a NUL byte or is longer than 64 kB.", "Shorten it.")
    return Action(
        kind=KIND,
        argv=(SHELL, "-c", script),
        script=script,
        cwd="/tmp",  # noqa: S108  the container's own
        image=image,
        network="none",
        user="65534:65534",
        limits=LIMITS,
        requester=requester,
        task_id=task_id,
    )


def spec(key: str, approved: Action) -> Spec:
    """Return the container of an approved action.

    Raises:
        BadInput: the action asks for something that the sandbox does not give.
    """
    standard = action(approved.script, approved.image, approved.requester, approved.task_id)
    fields = ("argv", "cwd", "env", "mounts", "network", "user", "limits", "targets")
    odd = [name for name in fields if getattr(approved, name) != getattr(standard, name)]
    if odd:
        raise BadInput(f"The approved command is not one for the sandbox: {', '.join(odd)} differ.")
    return Spec(
        name=f"aistack-shell-{hashlib.sha256(key.encode()).hexdigest()[:16]}",
        image=approved.image,
        command=approved.argv,
        labels={LABEL: key, MANAGED: "true"},
        deadline=DEADLINE,
    )


class ShellTool:
    """Runs ``shell.run``. The same key never runs twice: a container that is left is taken up again, and one that
    was started and is gone is reported, not repeated."""

    kinds = frozenset({KIND})

    def __init__(self, podman: Podman) -> None:
        self._podman = podman

    def nature(self, action: Action) -> Nature:
        """Nothing outside the sandbox changes, and ``run`` takes up what an earlier run left."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """The image must still be there under its id."""
        try:
            spec("", action)
            self._podman.image(action.image)
        except BackendError as error:
            return error.detail
        return ""

    async def run(self, key: str, action: Action) -> Outcome:
        """Create, compare with the approved record, start, wait, collect, remove. Cancelling kills and removes
        the container before CancelledError leaves."""
        wanted = spec(key, action)
        cancelled = threading.Event()

        def cancel() -> None:
            cancelled.set()
            self._discard(wanted.name)

        return await to_the_end(lambda: self._run(wanted, cancelled), on_cancel=cancel)

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Look for the container; one that ended is collected and removed."""
        wanted = spec(key, action)
        try:
            found = self._left(wanted)
            if found is None:
                return (Fate.UNKNOWN if self._was_started(wanted, LONG_AGO) else Fate.NOT_DONE), None
            if found.container.state in (ContainerState.CREATED, ContainerState.CONFIGURED):
                self._discard(wanted.name)
                return Fate.NOT_DONE, None
            if found.container.state is not ContainerState.EXITED:
                return Fate.UNKNOWN, None
            return Fate.DONE, self._collect(found.container.id)
        except BackendError:
            return Fate.UNKNOWN, None

    def _run(self, wanted: Spec, cancelled: threading.Event) -> Outcome:
        found = self._left(wanted)
        if found is None:
            if self._was_started(wanted, RECENT):
                return Outcome(
                    ok=False, text="It ran when the backend died, and its output is lost; it was not repeated."
                )
            found = self._podman.inspect(self._podman.create(wanted))
        ident = found.container.id
        if cancelled.is_set():
            self._discard(ident)
            return Outcome(ok=False, text="Nothing ran: it was cancelled.")
        if differs := sandbox_spec.differences(wanted, found.document):
            self._discard(ident)
            return Outcome(ok=False, text=f"Nothing ran: Podman made another container than approved ({differs[0]}).")
        if found.container.state in (ContainerState.CREATED, ContainerState.CONFIGURED):
            try:
                self._podman.start(ident)
            except BackendError as error:
                self._discard(ident)
                return Outcome(ok=False, text=f"Nothing ran. {error.detail}")
        try:
            self._podman.wait(ident, wanted.deadline + 10.0)
        except TimeoutError:
            self._podman.kill(ident)
        return self._collect(ident)

    def _collect(self, ident: str) -> Outcome:
        found = self._podman.inspect(ident)
        code = found.container.exit_code
        text = self._output(ident)
        self._discard(ident)
        if code == 0:
            return Outcome(ok=True, text=text or "It ended without output.")
        run_time = (found.container.finished_at or time.time()) - (found.container.started_at or 0.0)
        late = f" after its {DEADLINE} s" if run_time >= DEADLINE - 1 else ""
        return Outcome(ok=False, text=f"It ended with exit code {code}{late}.\n{text}".strip())

    def _output(self, ident: str) -> str:
        head, tail, left_out = "", "", 0
        for lines in self._podman.logs(ident, tail=-1, since=None, follow=False):
            text = "".join(f"{line.text}\n" for line in lines)
            room = max(0, OUTPUT // 4 - len(head))
            head, tail = head + text[:room], tail + text[room:]
            cut = max(0, len(tail) - OUTPUT * 3 // 4)
            left_out, tail = left_out + cut, tail[cut:]
        between = f"\n[… {left_out} characters left out …]\n" if left_out else ""
        return (head + between + tail).removesuffix("\n")

    def _left(self, wanted: Spec) -> Inspected | None:
        try:
            found = self._podman.inspect(wanted.name)
        except NotFound:
            return None
        if (found.document.get("Config") or {}).get("Labels", {}).get(LABEL) != wanted.labels[LABEL]:
            raise BadInput(f"The container {wanted.name} exists and is not ours.", "Rename or remove it.")
        return found

    def _was_started(self, wanted: Spec, within: float) -> bool:
        past = self._podman.past_events(wanted.name, time.time() - within)
        return any(event.action == "start" for event in past)

    def _discard(self, ref: str) -> None:
        try:
            self._podman.remove(ref, force=True)
        except NotFound:
            return
