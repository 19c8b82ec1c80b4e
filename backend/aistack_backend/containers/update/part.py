"""``stack.update`` as an action: what is newer is got first and pinned by its id; a person approves exactly that."""

from __future__ import annotations

from collections.abc import Callable, Collection

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.containers.aside import to_the_end
from aistack_backend.containers.parse import RUNS
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.stack import goal as goals
from aistack_backend.containers.stack.history import History
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.containers.stack.plan import ordered
from aistack_backend.containers.stack.spec import wanted
from aistack_backend.containers.update.facts import AVAILABLE, NONE, Facts
from aistack_backend.containers.update.swap import BEFORE, Swap
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.wire.actions import Target
from aistack_backend.wire.containers import Container

KIND = "stack.update"
HERE = "localhost/"
"""Images of this name are made here: there is nowhere to pull them from."""


class UpdatePart:
    """Prepares and runs updates. Preparing pulls the images of running services, and touches nothing that runs."""

    kinds = frozenset({KIND})

    def __init__(
        self,
        manifest: Callable[[], Manifest],
        podman: Podman,
        provisioner: Provisioner,
        swap: Swap,
        history: History,
        facts: Facts,
    ) -> None:
        self._manifest = manifest
        self._podman = podman
        self._provisioner = provisioner
        self._swap = swap
        self._history = history
        self._facts = facts
        self._busy: set[str] = set()

    def busy(self) -> Collection[str]:
        """Return the services that an update acts on just now."""
        return frozenset(self._busy)

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Pull, compare image ids, and pin what is newer.

        Raises:
            BadInput: nothing is newer, or the goal names something unknown. PodmanSays: a pull failed.
        """
        manifest = self._manifest()
        ids = goals.services(manifest, target, with_needs=False)
        newer = [found for key in ordered(manifest, ids) if (found := self._newer(manifest.services[key]))]
        self._facts.note({decl.id: AVAILABLE for decl, _, _ in newer})
        if not newer:
            raise BadInput("No running service of the goal has a newer image: nothing to update.")
        lines = [f"{decl.id}: {decl.image}  {row.image_id[:12]} → {new[:12]}" for decl, row, new in newer]
        action = Action(
            kind=KIND,
            argv=("aistack-console", "update", *(decl.id for decl, _, _ in newer)),
            script="\n".join(lines),
            image=newer[0][2] if len(newer) == 1 else "",
            targets=tuple(
                Target(type="service", id=row.id, name=decl.id, pin=_pin(manifest, decl, row.image_id, new))
                for decl, row, new in newer
            ),
            requester=requester,
            task_id=task_id,
        )
        effect = "One after the other is stopped and made anew of the new image. One that does not get ready goes back"
        evidence = Evidence(
            title=f"update {', '.join(decl.id for decl, _, _ in newer)}",
            effect=f"{effect} to its present container, and those after it are left alone. Data volumes stay.",
            undo="aistack-console rollback; what a newer program changed in its data stays changed",
            managed=all(row.managed for _, row, _ in newer),
        )
        return action, evidence

    def nature(self, action: Action) -> Nature:
        """A service that has the new image already is left alone."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """The same declarations, and containers of the images that were approved to go and to come."""
        try:
            manifest = self._manifest()
            for target in action.targets:
                decl = manifest.services.get(target.name)
                old, new = _images(target.pin)
                if decl is None or _pin(manifest, decl, old, new) != target.pin:
                    return f"The declaration of {target.name} changed since this was approved."
                self._podman.image(new)
                if self._image_of(decl) not in (old, new):
                    return f"{target.name} has another image than when this was approved."
        except BackendError as error:
            return error.detail
        return ""

    async def run(self, key: str, action: Action) -> Outcome:
        """Update one after the other; the first that does not get ready goes back and ends it."""
        manifest, expected = self._manifest(), self._history.expected()
        done: list[str] = []
        for target in action.targets:
            decl = manifest.services[target.name]
            old, new = _images(target.pin)
            self._busy.add(decl.id)
            try:
                why = await self._swapped(manifest, decl, new, expected.get(decl.id))
            except BackendError as error:
                why = error.detail
            finally:
                self._busy.discard(decl.id)
            if why:
                return self._back(decl, old, why, done)
            self._facts.note({decl.id: NONE})
            done.append(decl.id)
        return Outcome(ok=True, text=f"Updated and ready: {', '.join(done)}.")

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Done when every service has its new image."""
        try:
            manifest = self._manifest()
            pairs = [(manifest.services[one.name], _images(one.pin)[1]) for one in action.targets]
            ok = all(self._image_of(decl) == new and not self._aside(decl) for decl, new in pairs)
        except (BackendError, KeyError):
            return Fate.UNKNOWN, None
        return (Fate.DONE, Outcome(ok=True, text="Updated.")) if ok else (Fate.UNKNOWN, None)

    async def _swapped(self, manifest: Manifest, decl: ServiceDecl, new: str, expected: float | None) -> str:
        await to_the_end(lambda: self._swap.settle(decl))
        return "" if self._image_of(decl) == new else await self._swap.run(manifest, decl, new, expected)

    def _back(self, decl: ServiceDecl, old: str, why: str, done: list[str]) -> Outcome:
        self._facts.note({decl.id: f"rolled back: {why[:400]}"})
        kept = f" Updated before it: {', '.join(done)}." if done else ""
        try:
            self._provisioner.tag(old, decl.image)  # the next up must not take the bad one
        except BackendError as error:
            kept += f" The name {decl.image} still means the newer image: {error.detail}"
        return Outcome(
            ok=False, text=f"{decl.id} did not get ready with the newer image and is rolled back: {why}{kept}"
        )

    def _newer(self, decl: ServiceDecl) -> tuple[ServiceDecl, Container, str] | None:
        row = next((one for one in self._podman.list() if one.name == decl.container), None)
        if row is None or row.state not in RUNS or decl.build or decl.image.startswith(HERE):
            return None
        new = self._provisioner.pull(decl.image, lambda _: None).id
        if new == row.image_id:
            self._facts.note({decl.id: NONE})
            return None
        return decl, row, new

    def _image_of(self, decl: ServiceDecl) -> str:
        """Of its container, or of the earlier one that an update which was cut off has put aside."""
        found = {one.name: one.image_id for one in self._podman.list()}
        return found.get(decl.container) or found.get(decl.container + BEFORE, "")

    def _aside(self, decl: ServiceDecl) -> bool:
        return any(one.name == decl.container + BEFORE for one in self._podman.list())


def _pin(manifest: Manifest, decl: ServiceDecl, old: str, new: str) -> str:
    return f"want={wanted(manifest, decl)} from={old} to={new}"


def _images(pin: str) -> tuple[str, str]:
    fields = dict(part.partition("=")[::2] for part in pin.split())
    return fields["from"], fields["to"]
