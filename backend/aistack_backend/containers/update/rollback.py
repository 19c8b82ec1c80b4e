"""``stack.rollback``: images and Compose files of the last set in which all that was asked for was ready."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.containers.aside import to_the_end
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.stack.apply import Applier
from aistack_backend.containers.stack.history import GoodSet, History
from aistack_backend.containers.stack.progress import failed
from aistack_backend.containers.stack.tool import Planner
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput, NotFound
from aistack_backend.store.files import replace_file
from aistack_backend.wire.actions import Target
from aistack_backend.wire.boot import BootState

KIND = "stack.rollback"
ASIDE = ".before-rollback"


class RollbackPart:
    """Prepares and runs rollbacks; the dialog shows the whole difference."""

    kinds = frozenset({KIND})

    def __init__(
        self, podman: Podman, provisioner: Provisioner, planner: Planner, applier: Applier, history: History
    ) -> None:
        self._podman = podman
        self._provisioner = provisioner
        self._planner = planner
        self._applier = applier
        self._history = history

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Compare what is with the last good set.

        Raises:
            NotFound: there is no such set, or an image of it is gone. BadInput: nothing differs.
        """
        good = self._good()
        images, texts = self._images(good), _texts(good)
        if not images and not texts:
            raise BadInput("The stack is as it was in the last good set: there is nothing to go back to.")
        for ident, _, wanted in images:
            if not self._there(wanted):
                raise NotFound(
                    f"The image {wanted[:12]} of {ident} in the last good set is gone.", "Pull it, or update."
                )
        lines = [f"{ident}: image {now[:12] or 'none'} → {wanted[:12]}" for ident, now, wanted in images]
        lines += [line for name, now, before in texts for line in _diff(name, now, before)]
        action = Action(
            kind=KIND,
            argv=("aistack-console", "rollback"),
            script="\n".join(lines),
            targets=(Target(type="stack", id="good", name="last good set", pin=_pin(good, images, texts)),),
            requester=requester,
            task_id=task_id,
        )
        files = f" {len(texts)} Compose files are written; the present ones are kept as *{ASIDE}." if texts else ""
        evidence = Evidence(
            title=f"go back to the last good set: {len(images)} images, {len(texts)} files",
            effect=f"What differs is made anew.{files} Data volumes stay as they are.",
            undo="none by one key: update again, and put the files back by hand",
            managed=True,
        )
        return action, evidence

    def nature(self, action: Action) -> Nature:
        """A second run finds what the first one did."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """The same set, the same difference."""
        try:
            good = self._good()
            now = _pin(good, self._images(good), _texts(good))
        except BackendError as error:
            return error.detail
        return "" if now == action.targets[0].pin else "The stack or its last good set changed since this was approved."

    async def run(self, key: str, action: Action) -> Outcome:
        """Write the files, name the images as they were, and bring those services up."""
        good = await to_the_end(lambda: self._good())
        await to_the_end(lambda: self._put_back(good))
        manifest, planned = self._planner.make("stack.up", " ".join(good.services))
        if planned.problems:
            return Outcome(ok=False, text=planned.problems[0])
        boot = await self._applier.run(manifest, planned, action.task_id)
        lines = [f"{row.service}: {row.detail}" for row in failed(boot.rows)]
        if boot.state is not BootState.DONE:
            return Outcome(ok=False, text="\n".join([boot.detail, *lines]))
        return Outcome(ok=True, text=f"{len(good.services)} services are ready as in the last good set.")

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Only a new plan can tell."""
        return Fate.UNKNOWN, None

    def _good(self) -> GoodSet:
        good = self._history.good()
        if good is None:
            raise NotFound("There is no last good set: no boot of this stack has ended well yet.")
        return good

    def _images(self, good: GoodSet) -> list[tuple[str, str, str]]:
        """Return (service, image now, image then) of what differs."""
        declared = self._planner.source.get().services
        rows = {row.name: row.image_id for row in self._podman.list()}
        pairs = [
            (key, rows.get(declared[key].container, ""), one) for key, one in good.services.items() if key in declared
        ]
        return [(key, now, one.image_id) for key, now, one in pairs if now != one.image_id]

    def _there(self, image: str) -> bool:
        try:
            self._podman.image(image)
        except NotFound:
            return False
        return True

    def _put_back(self, good: GoodSet) -> None:
        for name, now, before in _texts(good):
            path = Path(name)
            with replace_file(path.with_name(path.name + ASIDE)) as file:
                file.write(now.encode())
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
            with replace_file(path, mode) as file:
                file.write(before.encode())
        for _, _, wanted in self._images(good):
            reference = next(one.image for one in good.services.values() if one.image_id == wanted)
            self._provisioner.tag(wanted, reference)


def _texts(good: GoodSet) -> list[tuple[str, str, str]]:
    """Return (file, text now, text then) of what differs."""
    found = []
    for name, before in good.files.items():
        try:
            now = Path(name).read_text()
        except OSError:
            now = ""
        if now != before:
            found.append((name, now, before))
    return found


def _diff(name: str, now: str, before: str) -> list[str]:
    lines = difflib.unified_diff(now.splitlines(), before.splitlines(), f"{name} now", f"{name} then", lineterm="", n=1)
    return list(lines)


def _pin(good: GoodSet, images: list[tuple[str, str, str]], texts: list[tuple[str, str, str]]) -> str:
    return f"set={good.at:.3f} difference={hashlib.sha256(repr((images, texts)).encode()).hexdigest()[:32]}"
